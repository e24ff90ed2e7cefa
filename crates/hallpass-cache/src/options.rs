//! How much is kept and for how long, and why nothing is.

use std::{fmt, time::Duration};

/// How much is kept, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheOptions {
    /// How long after the last proven round trip on the store's channel what is kept is believed. 0 turns the cache off.
    pub lease: Duration,
    /// About how much memory what is kept may take, in bytes. 0 turns the cache off.
    pub max_bytes: u64,
    /// After so long a session is read anew in any case, whether anything was heard of it or not.
    pub max_age: Duration,
    /// For stores that cannot tell of changes: how old an answer may be. **What it gives up:** for so long another node, or another program
    /// at the same database, may have ended a session or changed its user without this node knowing. What this node changes itself it
    /// knows at once. Without effect where the store can tell.
    pub accept_stale: Option<Duration>,
}

impl Default for CacheOptions {
    /// A lease of a second, 64 MiB, five minutes, and no stale answer.
    fn default() -> Self {
        Self { lease: Duration::from_secs(1), max_bytes: 64 << 20, max_age: Duration::from_mins(5), accept_stale: None }
    }
}

impl CacheOptions {
    /// Another lease.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Another bound of memory.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Another age.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Accepts answers of this age where the store cannot tell of changes.
    pub fn accept_stale(mut self, age: Duration) -> Self {
        self.accept_stale = Some(age);
        self
    }
}

/// Why nothing is kept. As text it is the rest of a sentence that begins "the session cache is off:".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyOff {
    /// It is switched off.
    Disabled,
    /// The lease is 0.
    NoLease,
    /// There is no room, or nothing may grow old.
    NoRoom,
    /// The store cannot tell of changes that others make, and no stale answer is accepted.
    StoreCannotTell,
}

impl fmt::Display for WhyOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disabled => "it is switched off",
            Self::NoLease => "its lease is 0",
            Self::NoRoom => "it may keep nothing",
            Self::StoreCannotTell => "this store does not tell of changes that others make",
        })
    }
}

impl std::error::Error for WhyOff {}
