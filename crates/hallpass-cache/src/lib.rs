//! Session look-ups answered from memory, for as long as it is proven that they are true.
//!
//! [`CachedStore`] stands in front of a [`Store`](hallpass_store::Store). The one hot read, `session_with_user`, it answers from memory;
//! everything else it passes on, and notes of each write whose sessions it concerns. What it promises:
//!
//! - **On this node** no look-up that begins after a revoke was answered finds the session. The same goes for any other change of a session
//!   or a user.
//! - **On every other node** neither, from at most one lease later on; as a rule some milliseconds. A channel that closes sends the very
//!   next look-up to the store.
//! - **A store that fails is an error**, and no error is kept.
//!
//! For that the store must tell of changes that others make ([`ChangeFeed`](hallpass_store::ChangeFeed)). One that cannot is not cached,
//! unless the operator accepts answers of a certain age ([`CacheOptions::accept_stale`]).
//!
//! | Module | What is in it |
//! |---|---|
//! | `numbers` | which of what was read is still true, by numbers alone, and why that is enough |
//! | `lease` | until when it is proven that every change has been heard of |
//! | `concerns` | whose sessions a batch of writes concerns |
//! | `flights` | look-ups of one token that share a question |
//! | `room` | what is kept, how many bytes it takes, and for how long |
//! | `core` | all of that together; what listens to the store's changes |
//! | `store` | [`CachedStore`] |
//! | `stats` | hits, misses and the like |
//!
//! ```
//! use std::sync::Arc;
//! use hallpass_cache::{CacheOptions, CachedStore, WhyOff};
//! use hallpass_store::{MemoryStore, Schema, Timestamp};
//!
//! let schema = Schema::core();
//! let clock = || Timestamp::from_millis(0); // your clock
//! // A store that tells nobody of changes is left alone.
//! let refused = CachedStore::new(Arc::new(MemoryStore::new()), &schema, &CacheOptions::default(), clock);
//! assert_eq!(refused.err(), Some(WhyOff::StoreCannotTell));
//! ```

mod concerns;
mod core;
mod flights;
mod lease;
mod numbers;
mod options;
mod room;
mod stats;
mod store;
#[cfg(feature = "suite")]
pub mod suite;

pub use options::{CacheOptions, WhyOff};
pub use stats::Stats;
pub use store::CachedStore;
