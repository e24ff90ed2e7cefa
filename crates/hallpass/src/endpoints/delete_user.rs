use hallpass_store::{Filter, User, Verification};
use hallpass_verify::component;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::credential::{self, Password};
use crate::{
    ApiError, Context, Endpoint, ErrorCode, Input, Requirement, Route,
    crypto::random::{DIGITS_AND_LOWER, draw},
    mail::{Mail, MailKind},
    session::{cookies, revoke},
    verification::values,
    wire::Reader,
};

/// `POST /delete-user` (CONTRACT §11.6).
pub(crate) struct DeleteUserEndpoint;

/// How the caller shows that they mean it.
#[derive(Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct DeleteUser {
    /// Where the link in the mail leads in the end; `/` when not said.
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// Their password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// The token from the mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl std::fmt::Debug for DeleteUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeleteUser").field("callback_url", &self.callback_url).finish_non_exhaustive()
    }
}

impl Input for DeleteUser {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let body = from.body().object();
        let (callback_url, password) = (body.optional_string("callbackURL"), body.optional_string("password"));
        let token = body.optional_string("token");
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        Some(Self {
            callback_url: callback_url?,
            password: filled(password?).map(Password::from),
            token: filled(token?),
        })
    }
}

/// What a deletion came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct UserDeleted {
    /// Always true.
    pub success: bool,
    /// `User deleted`, or `Verification email sent` when nothing is deleted yet.
    pub message: &'static str,
}

impl UserDeleted {
    pub(super) const DELETED: Self = Self { success: true, message: "User deleted" };
    const ASKED: Self = Self { success: true, message: "Verification email sent" };
}

impl Endpoint for DeleteUserEndpoint {
    type Input = DeleteUser;
    type Output = UserDeleted;

    fn route(&self) -> Route {
        Route::post("/delete-user")
            .summary("Deletes the caller, or sends the mail that has to be answered first")
            .requires(Requirement::Sensitive)
    }

    async fn handle(&self, cx: &mut Context, input: DeleteUser) -> Result<UserDeleted, ApiError> {
        if !cx.engine.delete_user.enabled {
            return Err(ApiError::empty(StatusCode::NOT_FOUND));
        }
        let (session, user) = cx.required_session()?.into_parts();
        let gave_password = input.password.is_some();
        if let Some(password) = input.password {
            check_password(cx, &user, password).await?;
        }
        if let Some(token) = input.token {
            delete_with_token(cx, &user, &token).await?;
            return Ok(UserDeleted::DELETED);
        }
        if cx.engine.outbox.sends(&MailKind::DELETE_ACCOUNT) {
            ask_by_mail(cx, user, input.callback_url.as_deref()).await?;
            return Ok(UserDeleted::ASKED);
        }
        if !gave_password && !cx.is_fresh(&session) {
            return Err(ErrorCode::SessionExpired.into());
        }
        delete(cx, &user, None).await?;
        Ok(UserDeleted::DELETED)
    }
}

async fn check_password(cx: &Context, user: &User, password: Password) -> Result<(), ApiError> {
    password.check_max(cx)?;
    let account = credential::find(cx, &user.id).await?.and_then(credential::with_password);
    let (_, stored) = account.ok_or(ErrorCode::CredentialAccountNotFound)?;
    let is_theirs = cx.engine.verify_password(password.into_inner(), stored).await?;
    if is_theirs { Ok(()) } else { Err(ErrorCode::InvalidPassword.into()) }
}

async fn ask_by_mail(cx: &mut Context, user: User, callback_url: Option<&str>) -> Result<(), ApiError> {
    let engine = cx.engine.clone();
    let token = draw(&*engine.randomness, 32, DIGITS_AND_LOWER);
    let life = engine.delete_user.delete_token_expires_in();
    let mut tx = cx.transaction();
    values::create(&mut tx, &identifier(&token), user.id.as_str(), life).await?;
    tx.commit().await?;
    let callback_url = component::encode(callback_url.filter(|url| !url.is_empty()).unwrap_or("/"));
    let url = format!("{}/delete-user/callback?token={token}&callbackURL={callback_url}", cx.base_url());
    engine.outbox.post(Mail::new(MailKind::DELETE_ACCOUNT, user, "Confirm the deletion of your account", url, token));
    Ok(())
}

fn identifier(token: &str) -> String {
    format!("delete-account-{token}")
}

/// Deletes the caller, if the token was sent to them and is still good. One that is not is used up by the attempt.
pub(super) async fn delete_with_token(cx: &mut Context, user: &User, token: &str) -> Result<(), ApiError> {
    let refused = || ApiError::from(ErrorCode::InvalidToken).with_status(StatusCode::NOT_FOUND);
    let found = values::find(cx, &identifier(token)).await?.ok_or_else(refused)?;
    if found.value == user.id.as_str() && found.expires_at >= cx.now() {
        return delete(cx, user, Some(&found)).await;
    }
    let mut tx = cx.transaction();
    values::use_up(&mut tx, &found).await?;
    tx.commit_if_guards_hold().await?;
    Err(refused())
}

/// Token, sessions, accounts and user go together, or nothing goes.
async fn delete(cx: &mut Context, user: &User, token: Option<&Verification>) -> Result<(), ApiError> {
    let callbacks = cx.engine.callbacks.clone();
    callbacks.before_delete(cx, user).await?;
    let links_go = cx.engine.ids.may_come_back();
    let mut tx = cx.transaction();
    if let Some(token) = token {
        values::use_up(&mut tx, token).await?;
    }
    revoke::all_of(&mut tx, &user.id).await?;
    tx.delete("account", Filter::eq("userId", &user.id)).await?;
    if links_go {
        // Whoever gets this id next must not be opened by a link of this user's (COMPATIBILITY D63).
        tx.delete("verification", Filter::eq("value", &user.id)).await?;
    }
    tx.delete("user", Filter::eq("id", &user.id)).await?;
    if !tx.commit_if_guards_hold().await? {
        return Err(ApiError::from(ErrorCode::InvalidToken).with_status(StatusCode::NOT_FOUND));
    }
    cookies::clear(cx);
    callbacks.after_delete(cx, user).await
}
