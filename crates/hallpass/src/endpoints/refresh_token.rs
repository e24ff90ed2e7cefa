use hallpass_store::Timestamp;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::account_tokens::{self, AccountSelection};
use crate::{
    ApiError, Context, Endpoint, Route,
    oauth::{sign_in, stored},
};

/// `POST /refresh-token` (CONTRACT §11.9).
pub(crate) struct RefreshTokenEndpoint;

/// The new tokens. They do not print.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RefreshedTokens {
    /// Opens what was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// Gets the next ones.
    pub refresh_token: String,
    /// Until when the access token is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_expires_at: Option<Timestamp>,
    /// Until when the refresh token is good.
    pub refresh_token_expires_at: Option<Timestamp>,
    /// What was granted, commas between.
    pub scope: Option<String>,
    /// What says who the user is.
    pub id_token: Option<String>,
    /// Which provider.
    pub provider_id: String,
    /// The id of the account's row.
    pub account_id: String,
}

impl std::fmt::Debug for RefreshedTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshedTokens").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}

impl Endpoint for RefreshTokenEndpoint {
    type Input = AccountSelection;
    type Output = RefreshedTokens;

    fn route(&self) -> Route {
        Route::post("/refresh-token").finds_session().summary("Gets new tokens for one of the caller's accounts")
    }

    async fn handle(&self, cx: &mut Context, input: AccountSelection) -> Result<RefreshedTokens, ApiError> {
        let selected = account_tokens::select(cx, &input).await?;
        let provider = account_tokens::provider(cx, &selected.account).await?;
        let refused =
            |code: &'static str, message: &'static str| ApiError::coded(StatusCode::BAD_REQUEST, code, message);
        let failed = || refused("FAILED_TO_REFRESH_ACCESS_TOKEN", "Failed to refresh access token");
        let sealed = selected.account.refresh_token.as_deref().filter(|token| !token.is_empty());
        let sealed = sealed.ok_or_else(|| refused("REFRESH_TOKEN_NOT_FOUND", "Refresh token not found"))?;
        let token = stored::open(cx, sealed).map_err(|_| failed())?;
        let tokens = provider.refresh(&token).await.map_err(|error| {
            let cause: &dyn std::error::Error = &error;
            tracing::error!(provider = provider.id(), error = cause, "a token could not be refreshed");
            failed()
        })?;
        let account = account_tokens::keep(cx, &selected, &tokens).await?;
        if selected.from_cookie {
            sign_in::hand_out(cx, account.clone());
        }
        Ok(RefreshedTokens {
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token.unwrap_or(token),
            access_token_expires_at: tokens.access_token_expires_at,
            refresh_token_expires_at: account.refresh_token_expires_at,
            scope: account.scope,
            id_token: account.id_token,
            provider_id: account.provider_id,
            account_id: account.id,
        })
    }
}
