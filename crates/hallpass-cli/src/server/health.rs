//! `/healthz`: the process is there. `/readyz`: it can serve, because the store answers and has what it needs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, extract::State, routing::get};
use hallpass::{
    Hallpass,
    store::{Mode, StoreError},
};
use http::StatusCode;
use tokio::{sync::Mutex, time::timeout};

#[derive(Clone)]
struct Health {
    auth: Hallpass,
    look: Arc<Mutex<Look>>,
}

/// Whether the store has all that reading and writing need, and when it was last looked at.
struct Look {
    is_complete: bool,
    at: Option<Instant>,
}

/// Whoever waits for a migration asks often, and a look is a connection and many queries.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

impl Health {
    async fn is_complete(&self) -> Result<bool, StoreError> {
        let mut look = self.look.lock().await;
        // Nobody takes tables away again.
        if !look.is_complete && look.at.is_none_or(|at| at.elapsed() >= LOOK_AGAIN) {
            look.at = Some(Instant::now());
            look.is_complete = self.auth.migrate(Mode::Plan).await?.can_wait();
        }
        Ok(look.is_complete)
    }
}

pub(super) fn routes(auth: &Hallpass, is_complete: bool) -> Router {
    let health = Health { auth: auth.clone(), look: Arc::new(Mutex::new(Look { is_complete, at: None })) };
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
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready: the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer")
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer in time"),
    }
}
