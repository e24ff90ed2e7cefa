use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::account_tokens::{self, AccountSelection};
use crate::{ApiError, Context, Endpoint, ErrorCode, Input, Route, oauth::Tokens, wire::Reader};

/// `GET /account-info` (CONTRACT §11.9).
pub(crate) struct AccountInfoEndpoint;

/// Which account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct AccountInfoOf(pub AccountSelection);

impl Input for AccountInfoOf {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.query().one_of(&AccountSelection::FORMS).map(Self)
    }
}

/// What the provider says of the account's owner at this moment.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct AccountInfo {
    /// As fields of a user.
    pub user: Map<String, Value>,
    /// As the provider says it.
    pub data: Map<String, Value>,
    /// Which account.
    pub account: AccountNames,
}

/// What an account is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccountNames {
    /// The id of its row.
    pub id: String,
    /// Which provider.
    pub provider_id: String,
    /// The user's id there.
    pub account_id: String,
}

impl Endpoint for AccountInfoEndpoint {
    type Input = AccountInfoOf;
    type Output = AccountInfo;

    fn route(&self) -> Route {
        Route::get("/account-info")
            .finds_session()
            .summary("What the provider of one of the caller's accounts says of them")
    }

    async fn handle(&self, cx: &mut Context, AccountInfoOf(selection): AccountInfoOf) -> Result<AccountInfo, ApiError> {
        let refused =
            |code: &'static str, message: &'static str| ApiError::coded(StatusCode::BAD_REQUEST, code, message);
        let selected = account_tokens::select(cx, &selection).await?;
        let provider = cx.provider(&selected.account.provider_id).await.ok_or_else(|| {
            refused("PROVIDER_NOT_CONFIGURED", "Account is not associated with a configured social provider.")
        })?;
        let token = account_tokens::access_token(cx, &provider, &selected).await?;
        if token.access_token.is_empty() {
            return Err(refused("ACCESS_TOKEN_NOT_FOUND", "Access token not found"));
        }
        let tokens = Tokens {
            access_token: Some(token.access_token),
            access_token_expires_at: token.access_token_expires_at,
            scopes: token.scopes,
            id_token: token.id_token,
            ..Tokens::default()
        };
        let person = provider.person(&tokens, None).await.ok_or(ErrorCode::FailedToGetUserInfo)?;
        let account = selected.account;
        Ok(AccountInfo {
            user: person.user,
            data: person.profile,
            account: AccountNames { id: account.id, provider_id: account.provider_id, account_id: account.account_id },
        })
    }
}
