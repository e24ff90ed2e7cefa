use hallpass_store::{Account, Filter, Row, User, UserId, Verification};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Status,
    credential::{self, Password},
};
use crate::{
    ApiError, Context, Endpoint, ErrorCode, Input, Route, session::revoke, verification::values, wire::Reader,
};

/// `POST /reset-password`: uses a token up and sets the password (CONTRACT §11.8).
pub(crate) struct ResetPasswordEndpoint;

/// The new password, and the token from the mail.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResetPassword {
    /// What it is to be.
    pub new_password: Password,
    /// The token; over HTTP it may stand in the query instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl std::fmt::Debug for ResetPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResetPassword(…)")
    }
}

impl Input for ResetPassword {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let body = from.body().object();
        let (new_password, in_body) = (body.string("newPassword"), body.optional_string("token"));
        let in_query = from.query().optional_string("token");
        let (in_body, in_query) = (in_body?, in_query?);
        Some(Self { new_password: new_password?.into(), token: in_body.filter(|it| !it.is_empty()).or(in_query) })
    }
}

impl Endpoint for ResetPasswordEndpoint {
    type Input = ResetPassword;
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/reset-password").summary("Uses the token of such a mail up and sets the password")
    }

    async fn handle(&self, cx: &mut Context, input: ResetPassword) -> Result<Status, ApiError> {
        let token = input.token.filter(|token| !token.is_empty()).ok_or(ErrorCode::InvalidToken)?;
        input.new_password.check_min(cx)?;
        input.new_password.check_max(cx)?;
        let found = values::find_live(cx, &format!("reset-password:{token}")).await?.ok_or(ErrorCode::InvalidToken)?;
        let user_id = UserId::new(&*found.value);
        let user = cx.find::<User>(Filter::eq("id", &user_id)).await?.into_iter().next();
        let user = user.ok_or(ErrorCode::UserNotFound)?;
        let hash = cx.engine.hash_password(input.new_password.into_inner()).await?;
        replace(cx, &found, &user, hash).await?;
        let callbacks = cx.engine.callbacks.clone();
        callbacks.on_password_reset(cx, &user).await?;
        Ok(Status::DONE)
    }
}

/// The token is used up, sessions are ended and the password is changed together, or nothing is: of any number of callers with one token,
/// one sets the password.
async fn replace(cx: &mut Context, token: &Verification, user: &User, hash: String) -> Result<(), ApiError> {
    let user_id = &user.id;
    let accounts = cx.find::<Account>(Filter::eq("userId", user_id)).await?;
    // Whoever signed up at a provider with an address that was not theirs must be out once its owner has come (COMPATIBILITY D62).
    let is_foreign = !user.email_verified && accounts.iter().any(|account| account.provider_id != Account::CREDENTIAL);
    let has_password = !is_foreign && credential::find(cx, user_id).await?.is_some();
    let now = cx.now();
    let new_account_id = cx.draw_id();
    let revokes = cx.engine.email_and_password.revoke_sessions_on_password_reset || is_foreign;
    let mut tx = cx.transaction();
    values::use_up(&mut tx, token).await?;
    if revokes {
        revoke::all_of(&mut tx, user_id).await?;
    }
    if is_foreign {
        tx.delete("account", Filter::eq("userId", user_id)).await?;
    }
    if has_password {
        let set = Row::new().with("password", hash).with("updatedAt", now);
        tx.update("account", credential::filter(user_id), set).await?;
    } else {
        tx.create(Account::credential(new_account_id, user_id.clone(), hash, now)).await?;
    }
    tx.commit_unless(ErrorCode::InvalidToken).await
}
