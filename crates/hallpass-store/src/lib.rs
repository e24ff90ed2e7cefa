//! What hallpass asks of a store.
//!
//! The engine keeps users, sessions, accounts and verifications in a *store*. This crate is the contract between
//! the two: it knows no HTTP, no cookie, no policy, and depends on almost nothing, so a store can be written against it
//! without pulling in the engine.
//!
//! | Module | What is in it |
//! |---|---|
//! | [`record`] | the four core records as types: [`User`], [`Session`], [`Account`], [`Verification`] |
//! | [`value`] | [`Value`], [`Row`] and [`Fields`]: what a table cell can hold |
//! | [`timestamp`] | [`Timestamp`]: a moment in time |
//! | [`found`] | [`SessionAndUser`]: what the look-up of a token finds, shared by whoever asks |
//! | [`schema`] | which tables and columns there are, under which names |
//! | [`query`] | [`Query`] reads, [`Batch`] writes all or nothing |
//! | [`store`] | the [`Store`] trait itself, with advice for those who implement it |
//! | [`changes`] | [`ChangeFeed`]: how a store tells of changes that others make |
//! | [`secondary`] | [`SecondaryStorage`]: sessions, verifications and counters outside the database |
//! | [`tiered`] | [`Tiered`]: one store of a database and a secondary storage |
//! | [`memory`] | [`MemoryStore`]: everything in this process, gone when it ends |
//! | [`outage`] | [`Outage`]: how often a store says that its server is away |
//! | `shown` | sessions and users as JSON, fast |
//! | [`json`] | JSON and numbers as JavaScript writes them |
//! | `suite` | the tests every store must pass (feature `suite`) |
//!
//! ```
//! use hallpass_store::{Batch, Filter, MemoryStore, Query, Row, Schema, Store};
//!
//! # fn main() -> Result<(), hallpass_store::StoreError> {
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let (store, schema) = (MemoryStore::new(), Schema::core());
//! let now = "2026-01-01T00:00:00.000Z".parse::<hallpass_store::Timestamp>().unwrap();
//! let user = Row::new()
//!     .with("id", "u1").with("name", "Ann").with("email", "ann@example.com").with("emailVerified", false)
//!     .with("createdAt", now).with("updatedAt", now);
//! store.write(&schema, Batch::new().insert("user", user)).await?;
//! let found = store.find(&schema, Query::table("user").filter(Filter::eq("email", "ann@example.com"))).await?;
//! assert_eq!(found.len(), 1);
//! # Ok(()) })
//! # }
//! ```

pub mod changes;
pub mod error;
pub mod found;
pub mod json;
pub mod memory;
pub mod outage;
pub mod query;
pub mod record;
pub mod schema;
pub mod secondary;
mod shown;
pub mod store;
#[cfg(feature = "suite")]
pub mod suite;
pub mod tiered;
pub mod timestamp;
pub mod value;

pub use changes::{Change, ChangeFeed, ChangeListener};
pub use error::{Conflict, StoreError};
pub use found::SessionAndUser;
pub use memory::MemoryStore;
pub use outage::Outage;
pub use query::{Action, Batch, Filter, Link, Operation, Order, Outcome, Query};
pub use record::{Account, Record, Session, SessionId, SessionToken, User, UserId, Verification};
pub use schema::{Column, ColumnKind, Reference, Schema, Table};
pub use secondary::{Begun, Counted, Mark, RevokedAll, SecondaryStorage};
pub use store::{Fut, Lack, Mode, Plan, Store};
pub use tiered::{Tiered, TieredOptions};
pub use timestamp::Timestamp;
pub use value::{Fields, Row, Value};
