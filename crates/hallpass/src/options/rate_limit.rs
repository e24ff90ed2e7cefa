use std::time::Duration;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Environment, Span};

/// How often one client may call one path (`rateLimit` in the npm package; CONTRACT §10).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimitOptions {
    /// Whether calls are limited; in production yes, in development no.
    pub enabled: Option<bool>,
    /// The window; 10 seconds.
    pub window: Option<Span>,
    /// Calls in a window; 100.
    pub max: Option<u64>,
    /// Where calls are counted; when not said in the secondary storage, or in memory where there is none.
    pub storage: Option<RateLimitStorage>,
    /// The table's name in the database; `rateLimit`. Nothing that is there is renamed: rename the table of a database in use yourself first.
    pub model_name: Option<String>,
    /// Names of columns in the database, by the names they have here: `lastRequest = "last_request"`.
    pub fields: IndexMap<String, String>,
    /// Rules for single paths; the first that matches counts. In a path `*` stands for anything but `/`, `**` for anything.
    pub custom_rules: IndexMap<String, CustomRule>,
}

/// Where calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RateLimitStorage {
    /// In this process: the fastest. Several servers count each for itself.
    #[default]
    Memory,
    /// In the table `rateLimit` of the database, for all servers at it together. Each call then waits for a write; one that
    /// cannot be counted is refused, or an attacker could have the limits out of the way by overloading the database.
    Database,
    /// In the secondary storage, for all servers at it together. A window begins with its first call and ends when its time is over; calls that are refused are
    /// counted as well. One that cannot be counted is refused.
    SecondaryStorage,
}

/// A rule for a path: `false` for no limit, or a window and a number of calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected false, or a window and max")]
pub enum CustomRule {
    /// `false`: no limit here. `true` changes nothing.
    Switch(bool),
    /// Other numbers.
    Limit {
        /// The window.
        window: Span,
        /// Calls in a window.
        max: u64,
    },
}

impl RateLimitOptions {
    pub(crate) fn is_in_database(&self) -> bool {
        self.storage == Some(RateLimitStorage::Database)
    }

    /// Whether calls are counted in the secondary storage, where there is one.
    pub(crate) fn is_in_secondary_storage(&self) -> bool {
        matches!(self.storage, None | Some(RateLimitStorage::SecondaryStorage))
    }

    pub(crate) fn is_enabled(&self, environment: Environment) -> bool {
        self.enabled.unwrap_or(environment == Environment::Production)
    }

    pub(crate) fn window(&self) -> Duration {
        self.window.filter(|span| span.as_secs() > 0).map_or(Duration::from_secs(10), Into::into)
    }

    pub(crate) fn max(&self) -> u64 {
        self.max.filter(|max| *max > 0).unwrap_or(100)
    }
}
