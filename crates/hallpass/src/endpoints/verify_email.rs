use std::time::Duration;

use hallpass_store::{Filter, Row, User, UserId};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    ApiError, Context, Endpoint, ErrorCode, Input, Route,
    crypto::jws::Refused,
    mail::MailKind,
    session::{
        SessionAndUser,
        cookies::{self, Remember},
        issue::issue,
        requirement,
    },
    verification::email_token::{self, CONFIRMS_CHANGE, Claims, Unreadable, VERIFIES_CHANGE},
    wire::{Reader, redirect},
};

/// `GET /verify-email`: where the links in mails lead that prove or change an address (CONTRACT §11.7).
pub(crate) struct VerifyEmailEndpoint;

/// What the link says.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VerifyEmail {
    /// The token.
    pub token: String,
    /// Where the browser is to go next; without, the answer is JSON.
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
}

impl std::fmt::Debug for VerifyEmail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyEmail").field("callback_url", &self.callback_url).finish_non_exhaustive()
    }
}

impl Input for VerifyEmail {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let query = from.query();
        let (token, callback_url) = (query.string("token"), query.optional_string("callbackURL"));
        Some(Self { token: token?, callback_url: callback_url? })
    }
}

/// What a link came to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct EmailVerified {
    /// Always true.
    pub status: bool,
    /// The user after a change of their address; `null` after an address was proven; absent after a change was confirmed, which
    /// has changed nothing yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Option<User>>,
}

impl Endpoint for VerifyEmailEndpoint {
    type Input = VerifyEmail;
    type Output = EmailVerified;

    fn route(&self) -> Route {
        Route::get("/verify-email")
            .summary("Does what a link in a mail says: proves an address, or changes it")
            .checks_callback_url()
    }

    async fn handle(&self, cx: &mut Context, input: VerifyEmail) -> Result<EmailVerified, ApiError> {
        let next = input.callback_url.as_deref().filter(|url| !url.is_empty());
        let user = match follow(cx, &input.token, next).await {
            Ok(user) => user,
            Err(Stop::Told(code)) => return Err(tell(code, next)),
            Err(Stop::Failed(error)) => return Err(error),
        };
        match next {
            Some(url) => Err(ApiError::redirect(url)),
            None => Ok(EmailVerified { status: true, user }),
        }
    }
}

/// Why a link leads nowhere.
enum Stop {
    /// The browser is told, by a redirect if there is somewhere to go.
    Told(ErrorCode),
    /// The request fails.
    Failed(ApiError),
}

impl<E: Into<ApiError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

fn tell(code: ErrorCode, next: Option<&str>) -> ApiError {
    let refused = || ApiError::from(code).with_status(StatusCode::UNAUTHORIZED);
    let Some(url) = next else { return refused() };
    redirect::append(url, &[("error", code.code())])
        .map_or_else(|| ApiError::unexpected("callbackURL is no URL"), |location| ApiError::redirect(&location))
}

async fn follow(cx: &mut Context, token: &str, next: Option<&str>) -> Result<Option<Option<User>>, Stop> {
    let claims = match email_token::read(cx, token) {
        Ok(claims) => claims,
        Err(Unreadable::Refused(Refused::Expired)) => return Err(Stop::Told(ErrorCode::TokenExpired)),
        Err(Unreadable::Refused(Refused::Invalid)) => return Err(Stop::Told(ErrorCode::InvalidToken)),
        // A token of another kind that this server signed (CONTRACT §19 trap 7).
        Err(Unreadable::Foreign) => return Err(ApiError::unexpected("a signed token proves no address").into()),
    };
    match claims.update_to.clone().filter(|new_email| !new_email.is_empty()) {
        None => prove(cx, &claims).await.map(|()| Some(None)),
        Some(new_email) => change(cx, &claims, new_email, next).await,
    }
}

/// An address is proven.
async fn prove(cx: &mut Context, claims: &Claims) -> Result<(), Stop> {
    let email = claims.email.to_lowercase();
    let found = cx.find::<User>(Filter::eq("email", &*email)).await?.into_iter().next();
    let user = found.ok_or(Stop::Told(ErrorCode::UserNotFound))?;
    // The address may be somebody else's by now.
    if claims.user_id.as_ref().is_some_and(|bound| !bound.as_str().is_empty() && *bound != user.id) {
        return Err(Stop::Told(ErrorCode::InvalidToken));
    }
    if user.email_verified {
        return Ok(());
    }
    let engine = cx.engine.clone();
    engine.callbacks.before_email_verification(cx, &user).await?;
    let updated = update(cx, &user, Row::new().with("emailVerified", true)).await?;
    engine.callbacks.after_email_verification(cx, &updated).await?;
    if engine.email_verification.auto_sign_in_after_verification {
        sign_in(cx, &claims.email, updated).await?;
    }
    Ok(())
}

/// Signs in whoever proved the address, unless they are already.
async fn sign_in(cx: &mut Context, email: &str, user: User) -> Result<(), ApiError> {
    requirement::current(cx, false).await?;
    let made = match requirement::confirmed(cx).await? {
        Some(current) if current.user.email == email => {
            let (session, mut user) = current.into_parts();
            user.email_verified = true;
            SessionAndUser::new(session, user)
        }
        _ => {
            let mut tx = cx.transaction();
            let session = issue(&mut tx, &user.id, true).await?.ok_or_else(|| {
                ApiError::from(ErrorCode::FailedToCreateSession).with_status(StatusCode::INTERNAL_SERVER_ERROR)
            })?;
            tx.commit().await?;
            SessionAndUser::new(cx.settled(session)?, user)
        }
    };
    cookies::set(cx, made, Remember::AsBefore);
    Ok(())
}

/// One step of the change of an address.
async fn change(
    cx: &mut Context,
    claims: &Claims,
    new_email: String,
    next: Option<&str>,
) -> Result<Option<Option<User>>, Stop> {
    let bound = claims.user_id.as_ref().filter(|id| !id.as_str().is_empty());
    let user = find_user(cx, bound.ok_or(Stop::Told(ErrorCode::InvalidToken))?).await?;
    let user = user.ok_or(Stop::Told(ErrorCode::UserNotFound))?;
    // Once the address has changed, the link is worth nothing.
    if user.email.to_lowercase() != claims.email {
        return Err(Stop::Told(ErrorCode::InvalidToken));
    }
    let session = requirement::current(cx, false).await?;
    if session.as_ref().is_some_and(|session| session.user.id != user.id) {
        return Err(Stop::Told(ErrorCode::InvalidUser));
    }
    let step = claims.request_type.as_deref();
    if step == Some(CONFIRMS_CHANGE) {
        ask_new_address(cx, user, &new_email, next)?;
        return Ok(None);
    }
    // Tokens that name no step are from older versions: the new address is taken over, unproven, and asked for an hour.
    let stays_verified = step == Some(VERIFIES_CHANGE) && user.email_verified;
    let set = Row::new().with("email", new_email.to_lowercase()).with("emailVerified", stays_verified);
    let updated = update(cx, &user, set).await?;
    let engine = cx.engine.clone();
    if step != Some(VERIFIES_CHANGE) {
        if engine.outbox.sends(&MailKind::VERIFY_EMAIL) {
            let (claims, user) = (Claims::verifying(&updated), updated.clone());
            let life = Duration::from_hours(1);
            engine.outbox.post(email_token::mail(cx, MailKind::VERIFY_EMAIL, user, &claims, life, next)?);
        }
    } else if stays_verified {
        engine.callbacks.after_email_verification(cx, &updated).await?;
    }
    if let Some(current) = requirement::confirmed(cx).await? {
        let (session, mut user) = current.into_parts();
        user.email = new_email;
        user.email_verified = stays_verified;
        cookies::set(cx, SessionAndUser::new(session, user), Remember::AsBefore);
    }
    Ok(Some(Some(engine.visible_user(updated))))
}

/// The owner of the old address agreed; now the new one is asked.
fn ask_new_address(cx: &Context, mut user: User, new_email: &str, next: Option<&str>) -> Result<(), ApiError> {
    if !cx.engine.outbox.sends(&MailKind::VERIFY_EMAIL) {
        return Ok(());
    }
    let claims = Claims::changing(&user, new_email, VERIFIES_CHANGE);
    new_email.clone_into(&mut user.email);
    let life = cx.engine.email_verification.expires_in();
    cx.engine.outbox.post(email_token::mail(cx, MailKind::VERIFY_EMAIL, user, &claims, life, next)?);
    Ok(())
}

async fn find_user(cx: &Context, id: &UserId) -> Result<Option<User>, ApiError> {
    Ok(cx.find::<User>(Filter::eq("id", id)).await?.into_iter().next())
}

/// Changes a user who still has the address that the token is about: of two links followed at once one changes it.
async fn update(cx: &mut Context, user: &User, set: Row) -> Result<User, Stop> {
    let unchanged = Filter::eq("id", &user.id).and(Filter::eq("email", &*user.email));
    let set = set.with("updatedAt", cx.now());
    let mut tx = cx.transaction();
    if !tx.update_guarded("user", unchanged, set).await? {
        return Err(ApiError::unexpected("a database hook called the change of a user off").into());
    }
    if !tx.commit_if_guards_hold().await? {
        return Err(Stop::Told(ErrorCode::InvalidToken));
    }
    find_user(cx, &user.id).await?.ok_or(Stop::Told(ErrorCode::UserNotFound))
}
