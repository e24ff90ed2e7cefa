use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Status,
    credential::{self, Password},
};
use crate::{ApiError, Context, Endpoint, ErrorCode, Input, Requirement, Route, wire::Reader};

/// `POST /verify-password` (CONTRACT §11.6).
pub(crate) struct VerifyPasswordEndpoint;

/// The password to check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VerifyPassword {
    /// The caller's password, so they say.
    pub password: Password,
}

impl Input for VerifyPassword {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.body().object().string("password").map(|text| Self { password: text.into() })
    }
}

impl Endpoint for VerifyPasswordEndpoint {
    type Input = VerifyPassword;
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/verify-password").summary("Whether a password is the caller's").requires(Requirement::Sensitive)
    }

    async fn handle(&self, cx: &mut Context, input: VerifyPassword) -> Result<Status, ApiError> {
        let user_id = cx.required_session()?.user.id.clone();
        input.password.check_max(cx)?;
        let account = credential::find(cx, &user_id).await?;
        let (_, stored) = account.and_then(credential::with_password).ok_or(ErrorCode::InvalidPassword)?;
        if cx.engine.verify_password(input.password.into_inner(), stored).await? {
            Ok(Status::DONE)
        } else {
            Err(ErrorCode::InvalidPassword.into())
        }
    }
}
