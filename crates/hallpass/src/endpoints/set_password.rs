use hallpass_store::{Account, Filter, Row};
use serde::Serialize;

use super::{
    Status,
    credential::{self, Password},
};
use crate::{ApiError, Context, Endpoint, ErrorCode, Input, Requirement, Route, wire::Reader};

/// Gives a user without a password one. Not mounted: a server calls it, for a user it knows to be the one.
pub(crate) struct SetPasswordEndpoint;

/// The password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
        let user_id = cx.required_session()?.user.id;
        input.new_password.check_min(cx)?;
        input.new_password.check_max(cx)?;
        let account = credential::find(cx, &user_id).await?;
        if account.as_ref().is_some_and(|account| account.password.as_ref().is_some_and(|stored| !stored.is_empty())) {
            return Err(ErrorCode::PasswordAlreadySet.into());
        }
        let hash = cx.engine.hash_password(input.new_password.into_inner()).await?;
        let (id, now) = (cx.draw_id(), cx.now());
        let mut tx = cx.transaction();
        match account {
            None => drop(tx.create(Account::credential(id, user_id, hash, now)).await?),
            Some(account) => {
                let set = Row::new().with("password", hash).with("updatedAt", now);
                tx.update("account", Filter::eq("id", account.id), set).await?;
            }
        }
        tx.commit().await?;
        Ok(Status::DONE)
    }
}
