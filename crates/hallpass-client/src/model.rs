//! What the endpoints answer with.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Token;

/// A user, as the server shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct User {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Whether the address was proven.
    pub email_verified: bool,
    /// Address of a picture.
    #[serde(default)]
    pub image: Option<String>,
    /// When the user signed up.
    pub created_at: Timestamp,
    /// When they last changed.
    pub updated_at: Timestamp,
    /// Fields that a configuration or a plugin adds.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Session {
    /// Id.
    pub id: String,
    /// Its unsigned token, by which it can be revoked.
    pub token: Token,
    /// Whose it is.
    pub user_id: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last extended.
    pub updated_at: Timestamp,
    /// From where it began; empty when unknown.
    #[serde(default)]
    pub ip_address: Option<String>,
    /// How its device introduced itself; empty when unknown.
    #[serde(default)]
    pub user_agent: Option<String>,
    /// Fields that a configuration or a plugin adds.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The caller's session, and who that is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CurrentSession {
    /// The session.
    pub session: Session,
    /// Its user.
    pub user: User,
    /// Where the server puts off extending sessions: whether it is time.
    #[serde(default)]
    pub needs_refresh: bool,
}

/// What a sign-up answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SignedUp {
    /// The new session's unsigned token. None when the user has to prove their address first, or sign in.
    pub token: Option<Token>,
    /// The user. Where addresses have to be proven, it is a made-up one if the address is taken, so that nobody learns of it.
    pub user: User,
}

/// What a sign-in answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SignedIn {
    /// Whether a browser is to go to `url`.
    #[serde(default)]
    pub redirect: bool,
    /// The provider's page where one signs in, or the `callbackURL` of a sign-in with password.
    #[serde(default)]
    pub url: Option<String>,
    /// The new session's unsigned token. None when signing in goes on elsewhere: at a provider, or with a second factor.
    #[serde(default)]
    pub token: Option<Token>,
    /// The user. None when signing in goes on elsewhere.
    #[serde(default)]
    pub user: Option<User>,
    /// What a plugin says, such as `twoFactorRedirect`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What a sign-out answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SignedOut {
    /// Always true, also when there was no session.
    pub success: bool,
    /// Where a browser signs out at the provider as well.
    #[serde(default)]
    pub url: Option<String>,
    /// Whether it is to go there.
    #[serde(default)]
    pub redirect: bool,
}

/// That something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// Whether it was.
    pub status: bool,
}

/// What `/ok` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Healthy {
    /// Always true.
    pub ok: bool,
}

/// The session after a change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SessionUpdated {
    /// The session.
    pub session: Session,
}

/// What a change of the password answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct PasswordChanged {
    /// The unsigned token of the session that took the place of all others, if that was asked for.
    pub token: Option<Token>,
    /// The user.
    pub user: User,
}

/// What asking for a new password answers, whether the address is somebody's or not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ResetRequested {
    /// Always true.
    pub status: bool,
    /// For people.
    pub message: String,
}

/// What deleting the account answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct UserDeleted {
    /// Always true.
    pub success: bool,
    /// `User deleted`, or `Verification email sent`.
    pub message: String,
}

impl UserDeleted {
    /// Whether the account is gone. If not, a mail was sent with a link that does it.
    pub fn is_done(&self) -> bool {
        self.message == "User deleted"
    }
}

/// What following the link of a verification mail answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct EmailVerified {
    /// Always true.
    pub status: bool,
    /// The user after a change of their address.
    #[serde(default)]
    pub user: Option<User>,
}

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
