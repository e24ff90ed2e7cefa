//! Routes, hooks, sessions and the bearer plugin, as a client sees them (CONTRACT §§1 to 11), called without a socket.
//!
//! `support` is the stage on which all of it plays. The folders follow the contract: `bearer` is §8, `pipeline` §§1
//! to 3, 9, 10 and 16, `sessions` §7, `routes` §11 with one file for each path.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bearer;
mod building;
mod hashing;
mod hostile;
mod pipeline;
mod routes;
mod row_ids;
mod sessions;
mod support;
mod unavailable;
