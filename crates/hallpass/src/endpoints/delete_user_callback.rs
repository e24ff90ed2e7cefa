use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::delete_user::{UserDeleted, delete_with_token};
use crate::{ApiError, Context, Endpoint, ErrorCode, Input, Route, session::requirement, wire::Reader};

/// `GET /delete-user/callback`: where the link in the mail leads (CONTRACT §11.6).
pub(crate) struct DeleteUserCallbackEndpoint;

/// What the link says.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DeleteUserCallback {
    /// The token.
    pub token: String,
    /// Where the browser is to go next; without, the answer is JSON.
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
}

impl std::fmt::Debug for DeleteUserCallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeleteUserCallback").field("callback_url", &self.callback_url).finish_non_exhaustive()
    }
}

impl Input for DeleteUserCallback {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let query = from.query();
        let (token, callback_url) = (query.string("token"), query.optional_string("callbackURL"));
        Some(Self { token: token?, callback_url: callback_url? })
    }
}

impl Endpoint for DeleteUserCallbackEndpoint {
    type Input = DeleteUserCallback;
    type Output = UserDeleted;

    fn route(&self) -> Route {
        Route::get("/delete-user/callback")
            .finds_session()
            .summary("Deletes the caller by the token of a mail")
            .checks_callback_url()
    }

    async fn handle(&self, cx: &mut Context, input: DeleteUserCallback) -> Result<UserDeleted, ApiError> {
        let not_found = |code: ErrorCode| ApiError::from(code).with_status(StatusCode::NOT_FOUND);
        if !cx.engine.delete_user.enabled {
            return Err(ErrorCode::NotFound.into());
        }
        let session = requirement::current(cx, true).await?.ok_or_else(|| not_found(ErrorCode::FailedToGetUserInfo))?;
        delete_with_token(cx, &session.user, &input.token).await?;
        match input.callback_url.filter(|url| !url.is_empty()) {
            Some(url) => Err(ApiError::redirect(&url)),
            None => Ok(UserDeleted::DELETED),
        }
    }
}
