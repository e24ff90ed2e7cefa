use hallpass_store::{Account, Filter, Row, UserId};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Status,
    credential::{self, Password},
};
use crate::{ApiError, Context, Endpoint, ErrorCode, Input, Requirement, Route, wire::Reader};

/// Gives a user without a password one. Not mounted: a server calls it, for a user it knows to be the one.
pub(crate) struct SetPasswordEndpoint;

/// The password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetPassword {
    /// What it is to be.
    pub new_password: Password,
}

impl Input for SetPassword {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.body().object().string("newPassword").map(|text| Self { new_password: text.into() })
    }
}

impl Endpoint for SetPasswordEndpoint {
    type Input = SetPassword;
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/set-password").requires(Requirement::Sensitive)
    }

    async fn handle(&self, cx: &mut Context, input: SetPassword) -> Result<Status, ApiError> {
        let user_id = cx.required_session()?.user.id.clone();
        input.new_password.check_min(cx)?;
        input.new_password.check_max(cx)?;
        let account = credential::find(cx, &user_id).await?;
        if account.as_ref().is_some_and(credential::has_password) {
            return Err(ErrorCode::PasswordAlreadySet.into());
        }
        let hash = cx.engine.hash_password(input.new_password.into_inner()).await?;
        match account {
            Some(account) => replace(cx, account, hash).await?,
            None => add(cx, user_id, hash).await?,
        }
        Ok(Status::DONE)
    }
}

/// Gives an account that has none a password. Of two at once the second finds the account changed.
async fn replace(cx: &mut Context, account: Account, hash: String) -> Result<(), ApiError> {
    let set = Row::new().with("password", hash).with("updatedAt", cx.now());
    let unchanged = Filter::eq("id", account.id).and(Filter::eq("updatedAt", account.updated_at));
    let mut tx = cx.transaction();
    tx.update_guarded("account", unchanged, set).await?;
    tx.commit_unless(ErrorCode::PasswordAlreadySet).await?;
    Ok(())
}

/// Adds an account with a password. No rule of the table forbids a second one, so of two at once the later one goes again.
async fn add(cx: &mut Context, user_id: UserId, hash: String) -> Result<(), ApiError> {
    let account = Account::credential(cx.draw_id(), user_id.clone(), hash, cx.now());
    let mut tx = cx.transaction();
    let Some(account) = tx.create(account).await? else { return Ok(()) };
    tx.commit().await?;
    let id = cx.settled(account)?.id;
    if credential::find(cx, &user_id).await?.is_none_or(|first| first.id == id) {
        return Ok(());
    }
    let mut tx = cx.transaction();
    tx.delete("account", Filter::eq("id", id)).await?;
    tx.commit().await?;
    Err(ErrorCode::PasswordAlreadySet.into())
}
