//! `/healthz`: the process is there. `/readyz`: it can serve, because the store answers.

use std::time::Duration;

use axum::{Router, extract::State, routing::get};
use hallpass::Hallpass;
use http::StatusCode;
use tokio::time::timeout;

pub(super) fn routes(auth: &Hallpass) -> Router {
    Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready)).with_state(auth.clone())
}

async fn ready(State(auth): State<Hallpass>) -> (StatusCode, &'static str) {
    match timeout(Duration::from_secs(2), auth.store().ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ready"),
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready: the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer")
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer in time"),
    }
}
