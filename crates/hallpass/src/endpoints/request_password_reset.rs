use std::time::Duration;

use hallpass_store::{Batch, Filter, User};
use hallpass_verify::component;
use schemars::JsonSchema;
use serde::Serialize;

use super::pace::Pace;
use crate::{
    ApiError, Context, EmailAddress, Endpoint, ErrorCode, Input, Route,
    crypto::random::{ALPHANUMERIC, draw},
    mail::{Mail, MailKind},
    verification::values,
    wire::Reader,
};

/// `POST /request-password-reset` (CONTRACT §11.8).
pub(crate) struct RequestPasswordResetEndpoint;

/// How long the answer takes at least: longer than the write that only a known address causes.
const LEAST: Duration = Duration::from_millis(100);

/// Who forgot their password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestPasswordReset {
    /// Their address.
    pub email: EmailAddress,
    /// Where the link leads in the end: a page that asks for the new password. It gets `?token=…`, or `?error=INVALID_TOKEN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_to: Option<String>,
}

impl Input for RequestPasswordReset {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let body = from.body().object();
        let (email, redirect_to) = (body.email("email"), body.optional_string("redirectTo"));
        Some(Self { email: email?, redirect_to: redirect_to? })
    }
}

/// The same for every address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct PasswordResetRequested {
    /// Always true.
    pub status: bool,
    /// What to tell the person.
    pub message: &'static str,
}

impl Endpoint for RequestPasswordResetEndpoint {
    type Input = RequestPasswordReset;
    type Output = PasswordResetRequested;

    fn route(&self) -> Route {
        Route::post("/request-password-reset").summary("Sends a mail whose link lets somebody choose a new password")
    }

    async fn handle(&self, cx: &mut Context, input: RequestPasswordReset) -> Result<PasswordResetRequested, ApiError> {
        if !cx.engine.outbox.sends(&MailKind::RESET_PASSWORD) {
            return Err(ErrorCode::ResetPasswordDisabled.into());
        }
        let pace = Pace::begin(cx);
        let sent = send(cx, input).await;
        pace.hold(LEAST).await;
        sent?;
        let message = "If this email exists in our system, check your email for the reset link";
        Ok(PasswordResetRequested { status: true, message })
    }
}

async fn send(cx: &mut Context, input: RequestPasswordReset) -> Result<(), ApiError> {
    let found = cx.find::<User>(Filter::eq("email", input.email.as_str())).await?.into_iter().next();
    let engine = cx.engine.clone();
    let token = draw(&*engine.randomness, 24, ALPHANUMERIC);
    let Some(user) = found else {
        // A store that cannot write must not tell by failing which addresses have an account.
        let nothing = Batch::new().delete("verification", Filter::eq("identifier", format!("reset-password:{token}")));
        cx.store().write(cx.schema(), nothing).await?;
        return Ok(());
    };
    let life = engine.email_and_password.reset_password_token_expires_in();
    let mut tx = cx.transaction();
    values::create(&mut tx, &format!("reset-password:{token}"), user.id.as_str(), life).await?;
    tx.commit().await?;
    let callback_url = component::encode(input.redirect_to.as_deref().unwrap_or_default());
    let url = format!("{}/reset-password/{token}?callbackURL={callback_url}", cx.base_url());
    engine.outbox.post(Mail::new(MailKind::RESET_PASSWORD, user, "Reset your password", url, token));
    Ok(())
}
