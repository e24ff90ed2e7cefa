use hallpass_store::{Account, Filter, Timestamp, UserId};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{ApiError, Context, Endpoint, NoInput, Requirement, Route};

/// `GET /list-accounts` (CONTRACT §11.9).
pub(crate) struct ListAccountsEndpoint;

/// One way in which the caller can sign in, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LinkedAccount {
    /// The user's id at the provider.
    pub account_id: String,
    /// Which provider.
    pub provider_id: String,
    /// Whose account.
    pub user_id: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Row id.
    pub id: String,
    /// What the provider granted.
    pub scopes: Vec<String>,
}

impl From<Account> for LinkedAccount {
    fn from(account: Account) -> Self {
        let scope = account.scope.unwrap_or_default();
        let scopes = scope.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(Into::into).collect();
        Self {
            account_id: account.account_id,
            provider_id: account.provider_id,
            user_id: account.user_id,
            created_at: account.created_at,
            updated_at: account.updated_at,
            id: account.id,
            scopes,
        }
    }
}

impl Endpoint for ListAccountsEndpoint {
    type Input = NoInput;
    type Output = Vec<LinkedAccount>;

    fn route(&self) -> Route {
        Route::get("/list-accounts").summary("The ways in which the caller can sign in").requires(Requirement::Session)
    }

    async fn handle(&self, cx: &mut Context, _: NoInput) -> Result<Vec<LinkedAccount>, ApiError> {
        let user_id = cx.required_session()?.user.id.clone();
        let accounts = cx.find::<Account>(Filter::eq("userId", &user_id)).await?;
        Ok(accounts.into_iter().map(LinkedAccount::from).collect())
    }
}
