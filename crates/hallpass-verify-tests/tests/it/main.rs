//! What a service answers, for each source, when tokens are good, bad, or nobody can tell. All servers are real and on loopback.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "somebody should know what did not run, and the counts")]

mod auth_server;
mod axum_extractor;
mod jwt;
mod node;
mod redis;
mod remote;
mod store;
mod table;
mod tonic_service;
