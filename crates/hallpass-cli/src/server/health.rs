//! `/healthz`: the process is there. `/readyz`: it can serve, because the store answers, and has had all that this needs at least once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, extract::State, routing::get};
use hallpass::{
    Hallpass,
    store::{Mode, Schema, StoreError},
};
use http::StatusCode;
use tokio::{sync::Mutex, time::timeout};

use crate::{commands::rehearsal, config::Config};

#[derive(Clone)]
struct Health {
    auth: Hallpass,
    /// The tables that are in the database for certain. What Redis has is told by its connection.
    tables: Arc<Schema>,
    last: Arc<Mutex<Look>>,
}

/// What a look at the database found, and when.
#[derive(Clone, Copy)]
struct Look {
    found: Found,
    at: Instant,
}

#[derive(Clone, Copy, PartialEq)]
enum Found {
    /// All that reading and writing need, and a write was taken.
    Everything,
    Lacking,
    Refusal,
    /// Nobody has looked yet, or nothing came of it in time.
    Unknown,
}

/// Whoever waits for a migration asks often, and a look is a connection and many queries.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// For a look at a database that is far away or busy migrating.
const LONGEST_LOOK: Duration = Duration::from_secs(90);

impl Health {
    /// A look goes on when the one who asked for it has gone. On a slow database none would ever come to its end otherwise.
    async fn found(&self) -> Found {
        let mut last = Arc::clone(&self.last).lock_owned().await;
        // Nobody takes tables away again; and a server that is merely not written to for now still answers session checks.
        if last.found == Found::Everything || (last.found != Found::Unknown && last.at.elapsed() < LOOK_AGAIN) {
            return last.found;
        }
        let health = self.clone();
        let look = tokio::spawn(async move {
            let found = timeout(LONGEST_LOOK, health.look()).await.unwrap_or(Ok(Found::Unknown));
            let found = found.unwrap_or_else(|error| refused(&error));
            *last = Look { found, at: Instant::now() };
            found
        });
        look.await.unwrap_or(Found::Unknown)
    }

    async fn look(&self) -> Result<Found, StoreError> {
        if !self.auth.migrate(Mode::Plan).await?.can_wait() {
            return Ok(Found::Lacking);
        }
        rehearsal::database(&**self.auth.store(), &self.tables).await?;
        Ok(Found::Everything)
    }
}

fn refused(error: &StoreError) -> Found {
    tracing::warn!(error = error as &dyn std::error::Error, "not ready: the store does not do what is needed");
    Found::Refusal
}

pub(super) fn routes(auth: &Hallpass, config: &Config) -> Router {
    let last = Arc::new(Mutex::new(Look { found: Found::Unknown, at: Instant::now() }));
    let mut tables = auth.schema().clone();
    if config.secondary_storage.url.is_some() {
        tables = tables.without_table("session").without_table("verification");
    }
    let health = Health { auth: auth.clone(), tables: Arc::new(tables), last };
    Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready)).with_state(health)
}

async fn ready(State(health): State<Health>) -> (StatusCode, &'static str) {
    let answers = async {
        match health.auth.store().ping().await {
            Ok(()) => health.found().await,
            Err(error) => refused(&error),
        }
    };
    match timeout(Duration::from_secs(2), answers).await.unwrap_or(Found::Unknown) {
        Found::Everything => (StatusCode::OK, "ready"),
        Found::Lacking => {
            (StatusCode::SERVICE_UNAVAILABLE, "the database lacks what this server needs; run `hallpass migrate`")
        }
        Found::Refusal => (StatusCode::SERVICE_UNAVAILABLE, "the store does not do what is needed; the log says why"),
        Found::Unknown => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer in time"),
    }
}
