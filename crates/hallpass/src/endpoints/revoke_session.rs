use hallpass_store::SessionToken;
use schemars::JsonSchema;
use serde::Serialize;

use super::Status;
use crate::{
    ApiError, Context, Endpoint, Input, Requirement, Route,
    session::{cookies, revoke},
    wire::Reader,
};

/// `POST /revoke-session` (CONTRACT §11.5).
pub(crate) struct RevokeSessionEndpoint;

/// Which session is to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RevokeSession {
    /// Its unsigned token.
    pub token: SessionToken,
}

impl Input for RevokeSession {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.body().object().string("token").map(|token| Self { token: SessionToken::new(token) })
    }
}

impl Endpoint for RevokeSessionEndpoint {
    type Input = RevokeSession;
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/revoke-session").summary("Ends one of the caller's sessions").requires(Requirement::Sensitive)
    }

    async fn handle(&self, cx: &mut Context, input: RevokeSession) -> Result<Status, ApiError> {
        let caller = cx.required_session()?;
        // A stranger's token and one that never was get the same answer as one's own.
        let named = cx.store().session_with_user(cx.schema(), &input.token).await?;
        if named.is_some_and(|named| named.session.user_id == caller.user.id) {
            revoke::by_token(cx, &input.token, revoke::failed).await?;
        }
        if input.token == caller.session.token {
            cookies::clear(cx);
        }
        Ok(Status::DONE)
    }
}
