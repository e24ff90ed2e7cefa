use hallpass_store::{Query, Record, Session};

use crate::{ApiError, Context, Endpoint, NoInput, Requirement, Route, session};

/// `GET /list-sessions`: the caller's live sessions, tokens included, oldest first (CONTRACT §11.5).
pub(crate) struct ListSessionsEndpoint;

/// The npm package lists no more.
const MOST: u32 = 100;

impl Endpoint for ListSessionsEndpoint {
    type Input = NoInput;
    type Output = Vec<Session>;

    fn route(&self) -> Route {
        Route::get("/list-sessions").summary("The caller's live sessions").requires(Requirement::Fresh)
    }

    async fn handle(&self, cx: &mut Context, _: NoInput) -> Result<Vec<Session>, ApiError> {
        let caller = cx.required_session()?;
        let live = session::live(&caller.user.id, cx.now());
        let query = Query::table(Session::TABLE).filter(live).limit(MOST);
        let rows = cx.store().find(cx.schema(), query).await?;
        let sessions = rows.into_iter().map(|row| Ok(cx.engine.visible_session(Session::from_row(row)?)));
        sessions.collect()
    }
}
