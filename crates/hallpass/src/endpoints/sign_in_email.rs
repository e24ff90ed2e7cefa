use hallpass_store::{Account, Filter, SessionToken, User};
use http::{StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use super::credential::{self, Password};
use crate::{
    ApiError, Context, EmailAddress, Endpoint, ErrorCode, Input, Route,
    mail::MailKind,
    session::{
        SessionAndUser,
        cookies::{self, Remember},
        issue::issue,
    },
    verification::email_token,
    wire::{Reader, header_value},
};

/// `POST /sign-in/email` (CONTRACT §11.4).
pub(crate) struct SignInEmailEndpoint;

/// Who signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInEmail {
    /// Their address. Whether it is one is checked after the body, with an error of its own.
    pub email: String,
    /// Their password.
    pub password: Password,
    /// Where a browser is to go next.
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// Whether the session outlives the browser; true when not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remember_me: Option<bool>,
}

impl SignInEmail {
    /// With nothing but what is required.
    pub fn new(email: impl Into<String>, password: impl Into<Password>) -> Self {
        Self { email: email.into(), password: password.into(), callback_url: None, remember_me: None }
    }
}

impl Input for SignInEmail {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let body = from.body().object();
        let (email, password) = (body.string("email"), body.string("password"));
        let (callback_url, remember_me) = (body.optional_string("callbackURL"), body.optional_boolean("rememberMe"));
        Some(Self { email: email?, password: password?.into(), callback_url: callback_url?, remember_me: remember_me? })
    }
}

/// What a sign-in came to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SignedIn {
    /// Whether a browser is to go to `url`.
    pub redirect: bool,
    /// The new session's unsigned token.
    pub token: SessionToken,
    /// The `callbackURL` of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The user.
    pub user: User,
}

impl Endpoint for SignInEmailEndpoint {
    type Input = SignInEmail;
    type Output = SignedIn;

    fn route(&self) -> Route {
        Route::post("/sign-in/email")
            .summary("Signs somebody in with address and password")
            .accepts_forms()
            .signs_in_by_form()
    }

    async fn handle(&self, cx: &mut Context, input: SignInEmail) -> Result<SignedIn, ApiError> {
        let engine = cx.engine.clone();
        if !engine.email_and_password.enabled {
            return Err(ErrorCode::EmailPasswordDisabled.into());
        }
        let email: EmailAddress = input.email.parse().map_err(|_| ErrorCode::InvalidEmail)?;
        input.password.check_max(cx)?;
        let (user, account) = authenticate(cx, &email, input.password).await?;
        if engine.email_and_password.require_email_verification && !user.email_verified {
            if engine.email_verification.send_on_sign_in && engine.outbox.sends(&MailKind::VERIFY_EMAIL) {
                email_token::send_verification(cx, user, input.callback_url.as_deref())?;
            }
            return Err(ErrorCode::EmailNotVerified.into());
        }
        let next = input.callback_url.as_deref().filter(|url| !url.is_empty());
        let location = match next {
            Some(url) => Some(header_value(url).ok_or_else(|| ApiError::unexpected("callbackURL fits no header"))?),
            None => None,
        };
        let remembered = input.remember_me != Some(false);
        let mut tx = cx.transaction();
        // Hashing took a while. A password that was changed in the meantime, with all sessions ended, must open none.
        tx.require("account", Filter::eq("id", account.id).and(Filter::eq("password", account.password)));
        let session = issue(&mut tx, &user.id, remembered)
            .await?
            .ok_or_else(|| ApiError::from(ErrorCode::FailedToCreateSession).with_status(StatusCode::UNAUTHORIZED))?;
        tx.commit_unless(ErrorCode::InvalidEmailOrPassword).await?;
        let made = SessionAndUser::new(cx.settled(session)?, user);
        let (shown, user) = engine.visible(made.clone()).into_parts();
        cookies::set(cx, made, if remembered { Remember::Yes } else { Remember::No });
        let redirect = location.is_some();
        // The answer stays a 200; the header is for plain HTTP clients.
        if let Some(location) = location {
            cx.out.set_header(header::LOCATION, location);
        }
        Ok(SignedIn { redirect, token: shown.token, url: input.callback_url, user })
    }
}

/// The user of an address and what they sign in with, if the password is theirs. An unknown address costs as much time as a
/// wrong password, so that the time tells nobody which addresses have an account.
async fn authenticate(cx: &Context, email: &EmailAddress, password: Password) -> Result<(User, Account), ApiError> {
    let refused = || ApiError::from(ErrorCode::InvalidEmailOrPassword);
    let user = cx.find::<User>(Filter::eq("email", email.as_str())).await?.into_iter().next();
    let account = match &user {
        Some(user) => credential::find(cx, &user.id).await?,
        None => None,
    };
    let (Some(user), Some((account, stored))) = (user, account.and_then(credential::with_password)) else {
        cx.engine.hash_password(password.into_inner()).await?;
        return Err(refused());
    };
    let is_theirs = cx.engine.verify_password(password.into_inner(), stored).await?;
    if is_theirs { Ok((user, account)) } else { Err(refused()) }
}
