use std::time::Duration;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// Proving addresses (`emailVerification` in the npm package; CONTRACT §11.7).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EmailVerification {
    /// Whether mail to verify an address is sent at all. When not said: if there is a mailer.
    pub send_verification_email: Option<bool>,
    /// Sends it to whoever signs up. When not said: if `email_and_password.require_email_verification` is on.
    pub send_on_sign_up: Option<bool>,
    /// Sends it again to whoever signs in with an unverified address, where that is refused.
    pub send_on_sign_in: bool,
    /// Signs a user in who follows the link.
    pub auto_sign_in_after_verification: bool,
    /// How long the link is good for; 1 hour.
    pub expires_in: Option<Span>,
}

impl EmailVerification {
    pub(crate) fn expires_in(&self) -> Duration {
        self.expires_in.map_or(Duration::from_hours(1), Into::into)
    }
}

/// Values that are kept until a link is followed (`verification` in the npm package; CONTRACT §13.2).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VerificationOptions {
    /// The table's name in the database; `verification`. Nothing that is there is renamed: rename the table of a database in use yourself first.
    pub model_name: Option<String>,
    /// Names of columns in the database, by the names they have here: `identifier = "name"`.
    pub fields: IndexMap<String, String>,
    /// How the secrets that name them are stored.
    pub store_identifier: StoreIdentifiers,
    /// Never removes values whose time has passed. When not, they are swept now and then.
    pub disable_cleanup: bool,
    /// Keeps values in the database too when there is a secondary storage. They are then used up there.
    pub store_in_database: bool,
}

/// How the secret that names a value is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreIdentifier {
    /// As it is: whoever reads the table can follow every link that is still good.
    #[default]
    Plain,
    /// As its SHA-256. Values that were stored before are still found.
    Hashed,
}

/// One way for all identifiers, or others for those that begin with some text.
///
/// ```
/// use hallpass::options::{StoreIdentifier, StoreIdentifiers};
/// let every: StoreIdentifiers = serde_json::from_str(r#""hashed""#).unwrap();
/// assert_eq!(every, StoreIdentifiers::Every(StoreIdentifier::Hashed));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected \"plain\", \"hashed\", or a default and overrides")]
pub enum StoreIdentifiers {
    /// All alike.
    Every(StoreIdentifier),
    /// By what they begin with.
    #[serde(rename_all = "snake_case")]
    ByPrefix {
        /// For all others.
        default: StoreIdentifier,
        /// By prefix, such as `reset-password:`.
        #[serde(default)]
        overrides: IndexMap<String, StoreIdentifier>,
    },
}

impl Default for StoreIdentifiers {
    fn default() -> Self {
        Self::Every(StoreIdentifier::Plain)
    }
}

impl StoreIdentifiers {
    /// How this identifier is stored.
    pub(crate) fn of(&self, identifier: &str) -> StoreIdentifier {
        match self {
            Self::Every(way) => *way,
            Self::ByPrefix { default, overrides } => {
                let own = overrides.iter().find(|(prefix, _)| identifier.starts_with(&**prefix));
                own.map_or(*default, |(_, way)| *way)
            }
        }
    }
}
