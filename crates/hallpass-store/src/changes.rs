//! How a store tells of changes that others make, so that what was read may be kept in memory.
//!
//! A store whose database can push (a notification, an invalidation) offers a [`ChangeFeed`]. Whoever keeps what was read hands it a
//! [`ChangeListener`] and serves from memory only while the feed has *proven* that it hears everything:
//!
//! ```text
//!   feed      ──changed(what)──▶  listener      every change that concerns a session, in the order of the channel
//!             ──proven(begun)──▶                a round trip on that channel, begun at this moment, was answered
//!             ──lost()────────▶                 the channel is closed
//! ```
//!
//! The promise of a feed, on which everything rests: **when it calls `proven(begun)`, every change that was committed before `begun` has been
//! handed to `changed`.** After a gap of any kind it calls `changed(Change::Everything)` before the next `proven`.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::record::UserId;

/// What has changed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A session, by the SHA-256 of its token. The token itself has no business on a channel that others can read.
    Session {
        /// SHA-256 of the token's bytes.
        token_sha256: [u8; 32],
    },
    /// Something that every session of this user carries or depends on.
    User(UserId),
    /// More than can be said, or changes may have been missed.
    Everything,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session { .. } => f.write_str("Session"),
            Self::User(_) => f.write_str("User"),
            Self::Everything => f.write_str("Everything"),
        }
    }
}

/// Who is told. Called from the feed's own task: it must be quick and must not block.
pub trait ChangeListener: Send + Sync + 'static {
    /// Something has changed, after it was committed.
    fn changed(&self, change: Change);

    /// Every change committed before `begun` has been told.
    fn proven(&self, begun: Instant);

    /// The channel is closed; nothing is proven until it is open again.
    fn lost(&self);
}

/// A store's ability to tell of changes, from this process or any other.
pub trait ChangeFeed: Send + Sync {
    /// Begins to tell a listener, and goes on until the store is closed. Asks for a round trip at least every quarter of `lease`; opens the
    /// channel again when it closes. Called once.
    fn start(&self, lease: Duration, listener: Arc<dyn ChangeListener>);

    /// Whether new sessions are told of too, so that "there is no such session" may be kept.
    fn tells_of_new_sessions(&self) -> bool {
        false
    }
}
