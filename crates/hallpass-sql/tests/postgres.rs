//! The store contract on Postgres, with prepared statements and without.
#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hallpass_sql::{PostgresOptions, SqlStore};
