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
    look: Arc<Mutex<Look>>,
}

/// Whether the store has all that reading and writing need and takes writes, and when it was last looked at.
struct Look {
    is_complete: bool,
    at: Option<Instant>,
}

/// Whoever waits for a migration asks often, and a look is a connection and many queries.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

impl Health {
    async fn is_complete(&self) -> Result<bool, StoreError> {
        let mut look = self.look.lock().await;
        // Nobody takes tables away again; and a server that is merely not written to for now still answers session checks.
        if !look.is_complete && look.at.is_none_or(|at| at.elapsed() >= LOOK_AGAIN) {
            look.at = Some(Instant::now());
            if self.auth.migrate(Mode::Plan).await?.can_wait() {
                rehearsal::database(&**self.auth.store(), &self.tables).await?;
                look.is_complete = true;
            }
        }
        Ok(look.is_complete)
    }
}

pub(super) fn routes(auth: &Hallpass, config: &Config) -> Router {
    let look = Arc::new(Mutex::new(Look { is_complete: false, at: None }));
    let mut tables = auth.schema().clone();
    if config.secondary_storage.url.is_some() {
        tables = tables.without_table("session").without_table("verification");
    }
    let health = Health { auth: auth.clone(), tables: Arc::new(tables), look };
    Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready)).with_state(health)
}

async fn ready(State(health): State<Health>) -> (StatusCode, &'static str) {
    let answers = async {
        health.auth.store().ping().await?;
        health.is_complete().await
    };
    match timeout(Duration::from_secs(2), answers).await {
        Ok(Ok(true)) => (StatusCode::OK, "ready"),
        Ok(Ok(false)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the database lacks what this server needs; run `hallpass migrate`")
        }
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready: the store does not do what is needed");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not do what is needed; the log says why")
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer in time"),
    }
}
