use std::time::Duration;

use hallpass_cache::CacheOptions;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AdditionalField, Span};

/// How long sessions live and how they are kept (`session` in the npm package; CONTRACT §7).
///
/// ```
/// use hallpass::options::{SessionOptions, Span};
/// let session = SessionOptions { update_age: Some(Span::from_secs(0)), ..SessionOptions::default() };
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the npm package's")]
pub struct SessionOptions {
    /// The table's name in the database; `session`. Nothing that is there is renamed: rename the table of a database in use yourself first.
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
    /// Keeps sessions in the database too when there is a secondary storage. The database is then right where the two differ, and a session that is in it alone
    /// is still one.
    pub store_session_in_database: bool,
    /// Keeps ended sessions in the database when there is a secondary storage and sessions are stored in both, with the moment in which they ended. No
    /// session is live then for being in the database.
    pub preserve_session_in_database: bool,
    /// Session look-ups answered from memory, where it is proven that they are true.
    pub cache: SessionCacheOptions,
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

/// The session cache of the server: look-ups answered from memory. Unlike a copy in a cookie it gives nothing up on this node: a session that
/// was ended, or a user who was changed, is known at once. Changes by other nodes or programs at the same database are known as soon as the
/// database tells of them, some milliseconds as a rule, and after one [`lease`](field@Self::lease) at the latest.
///
/// ```
/// use hallpass::options::{SessionCacheOptions, SessionOptions, Span};
/// let cache = SessionCacheOptions { lease: Some(Span::from_secs(2)), ..SessionCacheOptions::default() };
/// let session = SessionOptions { cache, ..SessionOptions::default() };
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionCacheOptions {
    /// Whether look-ups are answered from memory. Not set, they are wherever the store tells of the changes that others make; with `true` a
    /// server does not start where the store has no way to tell. A Postgres that lacks its triggers has one, and so has a Redis whose
    /// user may not run CLIENT TRACKING: the server starts, and warns.
    pub enabled: Option<bool>,
    /// How long what is kept is believed after the last proof that every change was heard of; 1 second. 0 turns the cache off.
    pub lease: Option<Span>,
    /// About how much memory it may take, in bytes; 64 MiB. A session is reckoned at about 1.5 KiB.
    pub max_bytes: Option<u64>,
    /// After so long a session is read anew in any case; 5 minutes.
    pub max_age: Option<Span>,
    /// For stores that cannot tell of changes: how old an answer may be. **What it gives up:** for so long, a session that another node or
    /// program has ended goes on being good on this one, and a changed user is not seen. What this server does itself it knows at once.
    /// Off unless set; no effect where the store can tell.
    pub accept_stale: Option<Span>,
}

/// What is not set is as it is by default.
impl From<&SessionCacheOptions> for CacheOptions {
    fn from(options: &SessionCacheOptions) -> Self {
        let mut cache = Self::default();
        cache.lease = options.lease.map_or(cache.lease, Into::into);
        cache.max_bytes = options.max_bytes.unwrap_or(cache.max_bytes);
        cache.max_age = options.max_age.map_or(cache.max_age, Into::into);
        cache.accept_stale = options.accept_stale.filter(|span| !Duration::from(*span).is_zero()).map(Into::into);
        cache
    }
}

/// The copy of a session in a cookie, which spares browsers the look-up in the store (CONTRACT §5). Off unless enabled.
///
/// **What it gives up:** a session that was ended goes on being answered from the copies that browsers hold, for up to
/// [`max_age`](field@Self::max_age). The same goes for a changed user, and for whoever keeps the two cookies of a browser back from it. Not
/// concerned are endpoints with [`Requirement::Sensitive`](crate::Requirement::Sensitive), which ask the store in any case, requests
/// with `?disableCookieCache=1`, and bearer clients, which hold no copy.
///
/// ```
/// use hallpass::options::{CookieCacheOptions, CookieCacheStrategy, SessionOptions, Span};
/// let cookie_cache = CookieCacheOptions {
///     enabled: true,
///     max_age: Some(Span::from_secs(60)),
///     strategy: CookieCacheStrategy::Jwe,
///     ..CookieCacheOptions::default()
/// };
/// let session = SessionOptions { cookie_cache, ..SessionOptions::default() };
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CookieCacheOptions {
    /// Whether browsers get a copy, which spares look-ups.
    pub enabled: bool,
    /// How long the copy is good for; 5 minutes, also when 0.
    pub max_age: Option<Span>,
    /// How the copy is written.
    pub strategy: CookieCacheStrategy,
    /// Copies of another version are not used; `1`. Changing it makes every copy invalid at once.
    pub version: Option<String>,
    /// Renews copies from copies, without a store. There always is one here, so as in the npm package this is warned of and does
    /// nothing.
    pub refresh_cache: Option<RefreshCache>,
}

/// How the copy of a session is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CookieCacheStrategy {
    /// JSON with its signature; the shortest. Whoever holds the cookie can read it.
    #[default]
    Compact,
    /// A signed token, which other programs can check with the secret. Whoever holds the cookie can read it.
    Jwt,
    /// An encrypted token, which only the server can read. Survives a change of the secret, see
    /// [`Builder::secrets`](crate::Builder::secrets).
    Jwe,
}

/// When copies would be renewed from copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RefreshCache {
    /// Whether to.
    Switch(bool),
    /// When so much of the copy's time is left.
    Before {
        /// How much.
        #[serde(rename = "update_age")]
        update_age: Span,
    },
}

impl CookieCacheOptions {
    pub(crate) fn max_age(&self) -> Duration {
        self.max_age.filter(|span| span.as_secs() > 0).map_or(Duration::from_mins(5), Into::into)
    }
}
