use hallpass_store::{Account, Filter};
use schemars::JsonSchema;
use serde::Serialize;

use super::Status;
use crate::{ApiError, Context, Endpoint, ErrorCode, Input, Requirement, Route, wire::Reader};

/// `POST /unlink-account` (CONTRACT §11.9).
pub(crate) struct UnlinkAccountEndpoint;

/// Which of the caller's accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnlinkAccount {
    /// The id of its row, as `/list-accounts` has it.
    pub account_id: String,
}

impl Input for UnlinkAccount {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.body().object().string("accountId").map(|account_id| Self { account_id })
    }
}

impl Endpoint for UnlinkAccountEndpoint {
    type Input = UnlinkAccount;
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/unlink-account").summary("Takes one of the caller's accounts away").requires(Requirement::Fresh)
    }

    async fn handle(&self, cx: &mut Context, input: UnlinkAccount) -> Result<Status, ApiError> {
        let user_id = cx.required_session()?.user.id.clone();
        let accounts = cx.find::<Account>(Filter::eq("userId", &user_id)).await?;
        let may_be_last = cx.engine.account.account_linking.allow_unlinking_all;
        if accounts.len() == 1 && !may_be_last {
            return Err(ErrorCode::FailedToUnlinkLastAccount.into());
        }
        let is_it = |account: &&Account| account.id == input.account_id;
        let account = accounts.iter().find(is_it).ok_or(ErrorCode::AccountNotFound)?;
        let mut tx = cx.transaction();
        if !may_be_last && let Some(other) = accounts.iter().find(|other| other.id != account.id) {
            // Of two accounts unlinked at the same time, one stays.
            tx.require("account", Filter::eq("id", &*other.id));
        }
        tx.delete("account", Filter::eq("id", &*account.id).and(Filter::eq("userId", &user_id))).await?;
        tx.commit_unless(ErrorCode::FailedToUnlinkLastAccount).await?;
        Ok(Status::DONE)
    }
}
