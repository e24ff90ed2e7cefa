use hallpass_store::{Filter, Row, User};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::Status;
use crate::{
    ApiError, Context, EmailAddress, Endpoint, ErrorCode, Input, Requirement, Route,
    mail::MailKind,
    session::{
        SessionAndUser,
        cookies::{self, Remember},
    },
    verification::email_token::{self, CONFIRMS_CHANGE, Claims, VERIFIES_CHANGE},
    wire::Reader,
};

/// `POST /change-email` (CONTRACT §11.6).
pub(crate) struct ChangeEmailEndpoint;

/// The address that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeEmail {
    /// The address.
    pub new_email: EmailAddress,
    /// Where the link in the mail leads in the end; `/` when not said.
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
}

impl Input for ChangeEmail {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let body = from.body().object();
        let (new_email, callback_url) = (body.email("newEmail"), body.optional_string("callbackURL"));
        Some(Self { new_email: new_email?, callback_url: callback_url? })
    }
}

/// What a change takes.
enum Way {
    /// The address was never proven, so it is changed at once.
    AtOnce,
    /// The old address is asked first.
    ConfirmFirst,
    /// The new address is asked.
    VerifyNew,
}

impl Endpoint for ChangeEmailEndpoint {
    type Input = ChangeEmail;
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/change-email")
            .summary("Changes the caller's address, or sends the mail that has to be answered first")
            .requires(Requirement::Sensitive)
    }

    async fn handle(&self, cx: &mut Context, input: ChangeEmail) -> Result<Status, ApiError> {
        if !cx.engine.change_email.enabled {
            return Err(ErrorCode::ChangeEmailDisabled.into());
        }
        let (session, mut user) = cx.required_session()?.into_parts();
        let new_email = input.new_email.as_str();
        if new_email == user.email {
            return Err(ApiError::message(StatusCode::BAD_REQUEST, "Email is the same"));
        }
        // Before it is looked up: whether the address is taken must not show in how this is answered.
        let way = way(cx, &user)?;
        if !cx.find::<User>(Filter::eq("email", new_email)).await?.is_empty() {
            return Ok(Status::DONE);
        }
        let (next, life) = (input.callback_url.as_deref(), cx.engine.email_verification.expires_in());
        match way {
            Way::AtOnce => {
                let (id, old) = (Filter::eq("id", &user.id), Filter::eq("email", &*user.email));
                // Had the old address been proven meanwhile, the new one would count as proven.
                let unchanged = id.and(old).and(Filter::eq("emailVerified", false));
                let set = Row::new().with("email", new_email).with("updatedAt", cx.now());
                let mut tx = cx.transaction();
                tx.update_guarded("user", unchanged, set).await?;
                tx.commit_unless(ErrorCode::InvalidUser).await?;
                new_email.clone_into(&mut user.email);
                cookies::set(cx, SessionAndUser::new(session, user.clone()), Remember::AsBefore);
                if cx.engine.outbox.sends(&MailKind::VERIFY_EMAIL) {
                    email_token::send_verification(cx, user, next)?;
                }
            }
            Way::ConfirmFirst => {
                let claims = Claims::changing(&user, new_email, CONFIRMS_CHANGE);
                let mut mail = email_token::mail(cx, MailKind::CHANGE_EMAIL_CONFIRMATION, user, &claims, life, next)?;
                mail.new_email = Some(new_email.to_owned());
                cx.engine.outbox.post(mail);
            }
            Way::VerifyNew => {
                let claims = Claims::changing(&user, new_email, VERIFIES_CHANGE);
                new_email.clone_into(&mut user.email);
                cx.engine.outbox.post(email_token::mail(cx, MailKind::VERIFY_EMAIL, user, &claims, life, next)?);
            }
        }
        Ok(Status::DONE)
    }
}

fn way(cx: &Context, user: &User) -> Result<Way, ApiError> {
    let engine = &cx.engine;
    if !user.email_verified && engine.change_email.update_email_without_verification {
        return Ok(Way::AtOnce);
    }
    if !engine.outbox.sends(&MailKind::VERIFY_EMAIL) {
        return Err(ApiError::message(StatusCode::BAD_REQUEST, "Verification email isn't enabled"));
    }
    let confirms = user.email_verified && engine.outbox.sends(&MailKind::CHANGE_EMAIL_CONFIRMATION);
    Ok(if confirms { Way::ConfirmFirst } else { Way::VerifyNew })
}
