use std::time::Duration;

use hallpass_store::{Filter, User};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Status, pace::Pace};
use crate::{
    ApiError, Context, EmailAddress, Endpoint, ErrorCode, Input, Route, mail::MailKind, session::requirement,
    verification::email_token, wire::Reader,
};

/// `POST /send-verification-email` (CONTRACT §11.7).
pub(crate) struct SendVerificationEmailEndpoint;

/// How long the answer to a stranger takes at least, whoever the address belongs to.
const LEAST: Duration = Duration::from_millis(500);

/// Whom to send a link that proves their address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SendVerificationEmail {
    /// The address.
    pub email: EmailAddress,
    /// Where the link leads in the end; `/` when not said.
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
}

impl Input for SendVerificationEmail {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let body = from.body().object();
        let (email, callback_url) = (body.email("email"), body.optional_string("callbackURL"));
        Some(Self { email: email?, callback_url: callback_url? })
    }
}

impl Endpoint for SendVerificationEmailEndpoint {
    type Input = SendVerificationEmail;
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/send-verification-email").summary("Sends a mail whose link proves an address")
    }

    async fn handle(&self, cx: &mut Context, input: SendVerificationEmail) -> Result<Status, ApiError> {
        if !cx.engine.outbox.sends(&MailKind::VERIFY_EMAIL) {
            return Err(ErrorCode::VerificationEmailNotEnabled.into());
        }
        let callback_url = input.callback_url.as_deref();
        let Some(session) = requirement::current(cx, false).await? else {
            let pace = Pace::begin(cx);
            let sent = send_to_stranger(cx, &input.email, callback_url).await;
            pace.hold(LEAST).await;
            return sent.map(|()| Status::DONE);
        };
        if session.user.email.to_lowercase() != input.email.as_str() {
            return Err(ErrorCode::EmailMismatch.into());
        }
        if session.user.email_verified {
            return Err(ErrorCode::EmailAlreadyVerified.into());
        }
        email_token::send_verification(cx, session.user.clone(), callback_url)?;
        Ok(Status::DONE)
    }
}

/// Sends the mail if there is somebody to send it to. Neither answer nor time tells whether there is.
async fn send_to_stranger(cx: &Context, email: &EmailAddress, callback_url: Option<&str>) -> Result<(), ApiError> {
    let user = cx.find::<User>(Filter::eq("email", email.as_str())).await?.into_iter().next();
    match user.filter(|user| !user.email_verified) {
        Some(user) => email_token::send_verification(cx, user, callback_url),
        None => Ok(()),
    }
}
