//! The caller's accounts at providers.

use serde::Serialize;

use crate::{
    AuthClient, Call,
    endpoint::{Endpoint, Route},
    model::{AccessToken, AccountInfo, LinkedAccount, RefreshedTokens, Status},
};

impl AuthClient {
    /// The ways in which the caller can sign in.
    pub fn list_accounts(&self) -> Call<ListAccounts> {
        self.request(ListAccounts {})
    }

    /// Takes one of them away, by its `id`.
    pub fn unlink_account(&self, id: impl Into<String>) -> Call<UnlinkAccount> {
        self.request(UnlinkAccount { account_id: id.into() })
    }

    /// The provider's access token of the account with this `id`, refreshed if it is about to expire.
    pub fn get_access_token(&self, id: impl Into<String>) -> Call<GetAccessToken> {
        self.request(GetAccessToken { account_id: id.into() })
    }

    /// Has the provider give new tokens for the account with this `id`.
    pub fn refresh_token(&self, id: impl Into<String>) -> Call<RefreshToken> {
        self.request(RefreshToken { account_id: id.into() })
    }

    /// What the provider says of the owner of the account with this `id`.
    pub fn account_info(&self, id: impl Into<String>) -> Call<AccountInfoOf> {
        self.request(AccountInfoOf { account_id: id.into() })
    }
}

/// `GET /list-accounts`.
#[derive(Serialize)]
pub struct ListAccounts {}

impl Endpoint for ListAccounts {
    type Output = Vec<LinkedAccount>;

    fn route(&self) -> Route {
        Route::get("/list-accounts").needs_session()
    }
}

/// `POST /unlink-account`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnlinkAccount {
    account_id: String,
}

impl Endpoint for UnlinkAccount {
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/unlink-account").needs_session()
    }
}

/// `POST /get-access-token`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetAccessToken {
    account_id: String,
}

impl Endpoint for GetAccessToken {
    type Output = AccessToken;

    fn route(&self) -> Route {
        Route::post("/get-access-token").needs_session()
    }
}

/// `POST /refresh-token`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefreshToken {
    account_id: String,
}

impl Endpoint for RefreshToken {
    type Output = RefreshedTokens;

    fn route(&self) -> Route {
        Route::post("/refresh-token").needs_session()
    }
}

/// `GET /account-info`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountInfoOf {
    account_id: String,
}

impl Endpoint for AccountInfoOf {
    type Output = AccountInfo;

    fn route(&self) -> Route {
        Route::get("/account-info").needs_session()
    }
}
