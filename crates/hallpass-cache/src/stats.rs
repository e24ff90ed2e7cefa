//! What the cache did, as numbers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::numbers::{Concern, Key};

/// What the cache did since it was made, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Look-ups answered from memory.
    pub hits: u64,
    /// Look-ups that asked the store, and whose answer may be kept.
    pub misses: u64,
    /// Look-ups that waited for another's question about the same token.
    pub joins: u64,
    /// Look-ups passed on because the channel was not proven, or because they asked for other columns.
    pub bypasses: u64,
    /// Changes of one session, own or heard of.
    pub invalidated_sessions: u64,
    /// Changes of one user.
    pub invalidated_users: u64,
    /// Changes that could have concerned anything, and times when changes may have been missed.
    pub invalidated_everything: u64,
    /// Sessions in memory. Those not true any more count until they are replaced.
    pub entries: u64,
    /// About how much memory they take.
    pub bytes: u64,
    /// Whether the store's channel of changes is open and proven.
    pub is_proven: bool,
}

/// Counters that many threads raise at once: each lane is on a cache line of its own.
pub(crate) struct Counters {
    lanes: [Lane; 16],
    sessions: AtomicU64,
    users: AtomicU64,
    everything: AtomicU64,
}

#[derive(Default)]
#[repr(align(128))]
struct Lane {
    hits: AtomicU64,
    misses: AtomicU64,
    joins: AtomicU64,
    bypasses: AtomicU64,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            lanes: std::array::from_fn(|_| Lane::default()),
            sessions: AtomicU64::new(0),
            users: AtomicU64::new(0),
            everything: AtomicU64::new(0),
        }
    }

    fn lane(&self, key: &Key) -> &Lane {
        let [first, ..] = &self.lanes;
        let [number, ..] = key;
        self.lanes.get(usize::from(number % 16)).unwrap_or(first)
    }

    pub(crate) fn hit(&self, key: &Key) {
        self.lane(key).hits.fetch_add(1, Relaxed);
    }

    pub(crate) fn miss(&self, key: &Key) {
        self.lane(key).misses.fetch_add(1, Relaxed);
    }

    pub(crate) fn join(&self, key: &Key) {
        self.lane(key).joins.fetch_add(1, Relaxed);
    }

    pub(crate) fn bypass(&self, key: &Key) {
        self.lane(key).bypasses.fetch_add(1, Relaxed);
    }

    pub(crate) fn invalidation(&self, concern: &Concern) {
        let counter = match concern {
            Concern::Token(_) | Concern::Session(_) => &self.sessions,
            Concern::User(_) => &self.users,
            Concern::Everything => &self.everything,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// The counted part.
    pub(crate) fn stats(&self) -> Stats {
        let sum = |of: fn(&Lane) -> &AtomicU64| self.lanes.iter().map(|lane| of(lane).load(Relaxed)).sum();
        Stats {
            hits: sum(|lane| &lane.hits),
            misses: sum(|lane| &lane.misses),
            joins: sum(|lane| &lane.joins),
            bypasses: sum(|lane| &lane.bypasses),
            invalidated_sessions: self.sessions.load(Relaxed),
            invalidated_users: self.users.load(Relaxed),
            invalidated_everything: self.everything.load(Relaxed),
            ..Stats::default()
        }
    }
}
