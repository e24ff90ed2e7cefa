use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{AdditionalField, Span};

/// How long sessions live and how they are kept (`session` in the npm package; CONTRACT §7).
///
/// ```
/// use hallpass::options::{SessionOptions, Span};
/// let session = SessionOptions { update_age: Some(Span::from_secs(0)), ..SessionOptions::default() };
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the npm package's")]
pub struct SessionOptions {
    /// The table's name in the database; `session`.
    pub model_name: Option<String>,
    /// Names of columns in the database, by the names they have here: `userId = "user_id"`.
    pub fields: IndexMap<String, String>,
    /// How long a session lives from its last refresh; 7 days, also when 0.
    pub expires_in: Option<Span>,
    /// A session is extended when this much of its life has passed; 1 day. 0 extends at every look-up.
    pub update_age: Option<Span>,
    /// For how long after sign-in a session counts as fresh; 1 day. 0 counts every session as fresh.
    pub fresh_age: Option<Span>,
    /// Never extends sessions.
    pub disable_session_refresh: bool,
    /// Extends sessions on `POST /get-session` alone; a GET then writes nothing and says `needsRefresh`.
    pub defer_session_refresh: bool,
    /// Keeps sessions in the database too when there is a secondary storage. No effect yet.
    pub store_session_in_database: bool,
    /// Keeps ended sessions in the database when there is a secondary storage. No effect yet.
    pub preserve_session_in_database: bool,
    /// The copy of a session in a cookie.
    pub cookie_cache: CookieCacheOptions,
    /// Columns of your own on the session, by name.
    pub additional_fields: IndexMap<String, AdditionalField>,
}

impl SessionOptions {
    pub(crate) fn expires_in(&self) -> Duration {
        self.expires_in.filter(|span| span.as_secs() > 0).map_or(Duration::from_hours(168), Into::into)
    }

    pub(crate) fn update_age(&self) -> Duration {
        self.update_age.map_or(Duration::from_hours(24), Into::into)
    }

    pub(crate) fn fresh_age(&self) -> Duration {
        self.fresh_age.map_or(Duration::from_hours(24), Into::into)
    }
}

/// The copy of a session in a cookie (CONTRACT §5). No effect yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CookieCacheOptions {
    /// Whether there is one.
    pub enabled: bool,
    /// How long the copy is good for; 5 minutes, also when 0.
    pub max_age: Option<Span>,
    /// `compact`, `jwt` or `jwe`.
    pub strategy: Option<String>,
    /// Copies of another version are not used.
    pub version: Option<String>,
}

impl CookieCacheOptions {
    pub(crate) fn max_age(&self) -> Duration {
        self.max_age.filter(|span| span.as_secs() > 0).map_or(Duration::from_mins(5), Into::into)
    }
}
