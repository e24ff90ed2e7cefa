//! Routes, hooks, sessions and the bearer plugin, as a client sees them (CONTRACT §§1 to 11), called without a socket.
//!
//! `support` is the stage on which all of it plays. The folders follow the contract: `bearer` is §8, `pipeline` §§1
//! to 3, 9, 10 and 16, `sessions` §7, `routes` §11 with one file for each path, `mail` what the links in mails
//! stand on. `classes` holds every endpoint and parameter against the faults that servers like this one have had.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod api;
mod bearer;
mod building;
mod classes;
mod hashing;
mod hostile;
mod mail;
mod oauth;
mod pipeline;
mod routes;
mod row_ids;
mod sessions;
mod support;
mod table_names;
mod unavailable;
