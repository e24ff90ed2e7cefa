//! What the endpoints answer with.

mod account;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use account::{AccessToken, AccountInfo, AccountNames, IdToken, LinkedAccount, RefreshedTokens, SocialLink};

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
