//! `/healthz`: the process is there. `/readyz`: it can serve, because the store answers and has what it needs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{Router, extract::State, routing::get};
use hallpass::{
    Hallpass,
    store::{Mode, StoreError},
};
use http::StatusCode;
use tokio::time::timeout;

#[derive(Clone)]
struct Health {
    auth: Hallpass,
    /// Whether the store had every table and column when last asked. Nobody takes them away again.
    is_complete: Arc<AtomicBool>,
}

pub(super) fn routes(auth: &Hallpass, is_complete: bool) -> Router {
    let health = Health { auth: auth.clone(), is_complete: Arc::new(AtomicBool::new(is_complete)) };
    Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready)).with_state(health)
}

async fn ready(State(Health { auth, is_complete }): State<Health>) -> (StatusCode, &'static str) {
    let answers = async {
        auth.store().ping().await?;
        if !is_complete.load(Relaxed) {
            is_complete.store(auth.migrate(Mode::Plan).await?.can_wait(), Relaxed);
        }
        Ok::<_, StoreError>(is_complete.load(Relaxed))
    };
    match timeout(Duration::from_secs(2), answers).await {
        Ok(Ok(true)) => (StatusCode::OK, "ready"),
        Ok(Ok(false)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the database lacks tables or columns; run `hallpass migrate`")
        }
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready: the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer")
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer in time"),
    }
}
