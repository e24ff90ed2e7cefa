//! Real servers for the tests of other crates: a Postgres, a MariaDB and a Redis of their own, a [`Relay`] that breaks
//! the way to them, and the npm package beside them ([`NpmPackage`]).
//!
//! ```no_run
//! # async fn test() {
//! use hallpass_test_services::{Postgres, Relay, Settings};
//!
//! // Shared by all tests of this process; every test takes a database of its own.
//! let Some(postgres) = Postgres::start().await else { return };
//! let url = postgres.database().await;
//!
//! // For a test that kills it.
//! let Some(mut mine) = Postgres::exclusive(Settings::default()).await else { return };
//! let url = mine.database().await;
//! let relay = Relay::start(mine.address()).await;
//! let url_through_relay = relay.through(&url);
//! mine.kill();
//! mine.start().await;
//! # }
//! ```
//!
//! `start` uses the server that `HALLPASS_TEST_POSTGRES`, `HALLPASS_TEST_MYSQL` or `HALLPASS_TEST_REDIS` names by its URL, if
//! that is set; it has to be one on which databases may be made, and they stay there. Otherwise it starts one: in a temporary
//! folder, on a free port of 127.0.0.1, as an unprivileged user if the tests run as root. It ends with the test process,
//! however that ends. Where a program is missing the answer is `None` after a line that says so, and with `CI=true` a panic.
#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stderr,
    reason = "all of this crate is part of tests, which fail by panicking"
)]

mod account;
mod mariadb;
mod npm;
mod pgbouncer;
mod postgres;
mod programs;
mod redis;
mod relay;
mod server;
mod service;
mod shared;
mod watched;

pub use npm::NpmPackage;
pub use pgbouncer::PgBouncer;
pub use relay::Relay;
pub use server::{Exclusive, Settings};
pub use shared::{MariaDb, Postgres, Redis};
