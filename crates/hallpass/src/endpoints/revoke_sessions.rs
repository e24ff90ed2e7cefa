use super::Status;
use crate::{
    ApiError, Context, Endpoint, NoInput, Requirement, Route,
    session::{cookies, revoke},
};

/// `POST /revoke-sessions`: ends all sessions of the caller, this one too (CONTRACT §11.5).
pub(crate) struct RevokeSessionsEndpoint;

impl Endpoint for RevokeSessionsEndpoint {
    type Input = NoInput;
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/revoke-sessions").summary("Ends all of the caller's sessions").requires(Requirement::Sensitive)
    }

    async fn handle(&self, cx: &mut Context, _: NoInput) -> Result<Status, ApiError> {
        let caller = cx.required_session()?;
        let mut tx = cx.transaction();
        revoke::all_of(&mut tx, &caller.user.id).await?;
        tx.commit().await.map_err(revoke::failed)?;
        cookies::clear(cx);
        Ok(Status::DONE)
    }
}
