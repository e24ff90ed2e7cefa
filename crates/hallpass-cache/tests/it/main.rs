//! The cache in front of a real database.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod coherence;
mod flights;
mod postgres;
mod telling;
