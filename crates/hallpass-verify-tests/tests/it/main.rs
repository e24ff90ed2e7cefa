//! What a service answers, for each source, when tokens are good, bad, or nobody can tell. All servers are real and on loopback.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod auth_server;
mod axum_extractor;
mod jwt;
mod node;
mod redis;
mod remote;
mod store;
mod table;
mod tonic_service;
