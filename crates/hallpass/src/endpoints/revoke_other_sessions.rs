use hallpass_store::Session;

use super::Status;
use crate::{
    ApiError, Context, Endpoint, NoInput, Requirement, Route,
    session::{self, revoke},
};

/// `POST /revoke-other-sessions`: ends the caller's live sessions but this one (CONTRACT §11.5).
pub(crate) struct RevokeOtherSessionsEndpoint;

impl Endpoint for RevokeOtherSessionsEndpoint {
    type Input = NoInput;
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/revoke-other-sessions")
            .summary("Ends the caller's other sessions")
            .requires(Requirement::Sensitive)
    }

    async fn handle(&self, cx: &mut Context, _: NoInput) -> Result<Status, ApiError> {
        let caller = cx.required_session()?;
        let live = session::live(&caller.user.id, cx.now());
        let sessions = cx.find::<Session>(live).await?;
        let others = sessions.into_iter().map(|session| session.token).filter(|token| *token != caller.session.token);
        revoke::by_tokens(cx, &others.collect::<Vec<_>>()).await?;
        Ok(Status::DONE)
    }
}
