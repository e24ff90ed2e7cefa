//! The cache in front of a real database.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod coherence;
mod fleet;
mod flights;
mod npm;
mod postgres;
mod redis;
mod telling;
