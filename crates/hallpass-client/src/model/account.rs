//! Accounts at providers.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Token;

/// A way to sign in that a user has: a password (provider `credential`), or an account at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LinkedAccount {
    /// The id by which it is unlinked, and its tokens asked for.
    pub id: String,
    /// The user's id at the provider.
    pub account_id: String,
    /// Which provider.
    pub provider_id: String,
    /// Whose account.
    pub user_id: String,
    /// When it was linked.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What the provider granted.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Fields that a plugin adds.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What linking an account answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SocialLink {
    /// The provider's page where a browser goes on; empty when the account is linked.
    pub url: String,
    /// Whether the account is linked.
    #[serde(default)]
    pub status: bool,
    /// Whether a browser is to go to `url`.
    #[serde(default)]
    pub redirect: bool,
}

/// A provider's access token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccessToken {
    /// The token; empty where the provider gave none.
    pub access_token: Token,
    /// Until when it is good.
    #[serde(default)]
    pub access_token_expires_at: Option<Timestamp>,
    /// What was granted.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// What says who the user is.
    #[serde(default)]
    pub id_token: Option<Token>,
}

/// A provider's tokens after they were refreshed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RefreshedTokens {
    /// Opens what was granted.
    #[serde(default)]
    pub access_token: Option<Token>,
    /// Gets the next ones.
    #[serde(default)]
    pub refresh_token: Option<Token>,
    /// Until when the access token is good.
    #[serde(default)]
    pub access_token_expires_at: Option<Timestamp>,
    /// Until when the refresh token is good.
    #[serde(default)]
    pub refresh_token_expires_at: Option<Timestamp>,
    /// What was granted, commas between.
    #[serde(default)]
    pub scope: Option<String>,
    /// What says who the user is.
    #[serde(default)]
    pub id_token: Option<Token>,
    /// Which provider.
    pub provider_id: String,
    /// The user's id there.
    pub account_id: String,
}

/// What a provider says of the owner of an account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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

/// What a provider's own library has brought: proof of who the user is.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdToken {
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl IdToken {
    /// This ID token.
    pub fn new(token: impl Into<String>) -> Self {
        Self { token: token.into(), nonce: None, access_token: None, refresh_token: None }
    }

    /// The nonce that it was asked for with.
    pub fn nonce(mut self, nonce: impl Into<String>) -> Self {
        self.nonce = Some(nonce.into());
        self
    }

    /// An access token that came with it.
    pub fn access_token(mut self, token: impl Into<String>) -> Self {
        self.access_token = Some(token.into());
        self
    }

    /// A refresh token that came with it.
    pub fn refresh_token(mut self, token: impl Into<String>) -> Self {
        self.refresh_token = Some(token.into());
        self
    }
}

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdToken(…)")
    }
}
