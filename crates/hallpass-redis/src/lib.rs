//! Sessions, verifications and counters in Redis, in the npm package's layout (CONTRACT §14), so that Node servers can share them.
//!
//! | File | What |
//! |---|---|
//! | `layout` | keys, and records as the JSON that is kept |
//! | `records` | records out of JSON |
//! | `scripts` | what has to happen in one step, in Lua |
//! | `link` | the one connection: made again when it breaks |
//! | `origin` | which Redis an address means |
//! | `rights` | whether its user may do all that is needed |
//! | `tracking` | how it tells of changes |
//! | `keeping`, `rehearsal` | whether it keeps what it is given, and does what sessions need |
//! | `storage` | [`RedisStorage`]: the operations of a [`SecondaryStorage`](hallpass_store::SecondaryStorage) |
//!
//! Everything goes over one RESP3 connection that all callers share, so that what Redis says of changes comes in order with its answers.

mod keeping;
mod layout;
mod link;
mod origin;
mod records;
mod rehearsal;
mod rights;
mod scripts;
mod storage;
mod tracking;

pub use keeping::Keeping;
pub use origin::SetupError;
pub use storage::RedisStorage;
