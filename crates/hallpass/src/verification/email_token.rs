//! The signed token in links that prove an address or change it (CONTRACT §6, §11.7).

use std::time::Duration;

use hallpass_store::{User, UserId};
use hallpass_verify::component;
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    crypto::jws::{self, Refused},
    error::ApiError,
    mail::{Mail, MailKind},
};

/// What a token says, in the order of the npm package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Claims {
    /// The address it was sent for.
    pub(crate) email: String,
    /// The address the user wants instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) update_to: Option<String>,
    /// Which step of a change it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request_type: Option<String>,
    /// Whose token it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<UserId>,
}

/// The owner of the old address wants the new one.
pub(crate) const CONFIRMS_CHANGE: &str = "change-email-confirmation";
/// The owner of the new address wants it.
pub(crate) const VERIFIES_CHANGE: &str = "change-email-verification";

impl Claims {
    /// Proves a user's address.
    pub(crate) fn verifying(user: &User) -> Self {
        Self { email: user.email.to_lowercase(), update_to: None, request_type: None, user_id: Some(user.id.clone()) }
    }

    /// One step of the change of a user's address.
    pub(crate) fn changing(user: &User, new_email: &str, step: &str) -> Self {
        Self {
            email: user.email.to_lowercase(),
            update_to: Some(new_email.to_lowercase()),
            request_type: Some(step.to_owned()),
            user_id: Some(user.id.clone()),
        }
    }

    /// Signs it.
    pub(crate) fn sign(&self, cx: &Context, life: Duration) -> Result<String, ApiError> {
        #[derive(Serialize)]
        struct Signed<'a> {
            #[serde(flatten)]
            claims: &'a Claims,
            iat: i64,
            exp: i64,
        }
        let iat = cx.now().as_millis().div_euclid(1000);
        let exp = iat.saturating_add(i64::try_from(life.as_secs()).unwrap_or(i64::MAX));
        jws::sign(cx.engine.secrets.current(), &Signed { claims: self, iat, exp })
    }
}

/// Why a token counts for nothing.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It expired, or was never good.
    Refused(Refused),
    /// The signature is right and the claims make no sense: the server signed it, but for something else.
    Foreign,
}

/// Reads a token.
pub(crate) fn read(cx: &Context, token: &str) -> Result<Claims, Unreadable> {
    let claims = jws::verify(cx.engine.secrets.current(), token, cx.now()).map_err(Unreadable::Refused)?;
    let claims: Claims = serde_json::from_value(claims.into()).map_err(|_| Unreadable::Foreign)?;
    if claims.email.parse::<crate::EmailAddress>().is_err() {
        return Err(Unreadable::Foreign);
    }
    Ok(claims)
}

/// A mail to `user` whose link leads to `/verify-email` with a token, and from there to `callback_url` or `/`.
pub(crate) fn mail(
    cx: &Context,
    kind: MailKind,
    user: User,
    claims: &Claims,
    callback_url: Option<&str>,
) -> Result<Mail, ApiError> {
    let confirms = kind == MailKind::CHANGE_EMAIL_CONFIRMATION;
    let subject = if confirms { "Confirm the change of your e-mail address" } else { "Verify your e-mail address" };
    let token = claims.sign(cx, cx.engine.email_verification.expires_in())?;
    let callback_url = component::encode(callback_url.filter(|url| !url.is_empty()).unwrap_or("/"));
    let url = format!("{}/verify-email?token={token}&callbackURL={callback_url}", cx.base_url());
    Ok(Mail::new(kind, user, subject, url, token))
}

/// Asks a user to prove their address, if such mail is sent at all.
pub(crate) fn send_verification(cx: &Context, user: User, callback_url: Option<&str>) -> Result<(), ApiError> {
    let claims = Claims::verifying(&user);
    let mail = mail(cx, MailKind::VERIFY_EMAIL, user, &claims, callback_url)?;
    cx.engine.outbox.post(mail);
    Ok(())
}
