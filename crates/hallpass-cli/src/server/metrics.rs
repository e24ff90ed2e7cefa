//! Metrics in Prometheus' text format, on a listener of their own: they are nobody's business who can only reach the server.

mod cache;

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Instant,
};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{FromFnLayer, Next, from_fn_with_state},
    response::Response,
    routing::get,
};
use hallpass::Hallpass;
use http::Method;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{commands::Failure, config::Config};

const DURATION: &str = "hallpass_http_request_duration_seconds";
/// From a session check answered in memory to a password hashed under load.
const BUCKETS: &[f64] = &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// Whether anybody collects. Labels are made of every request otherwise, for nobody.
static IS_COLLECTED: AtomicBool = AtomicBool::new(false);

/// Starts to collect, and to serve `/metrics`, where the configuration names a listener.
pub(crate) async fn start(config: &Config, auth: &Hallpass) -> Result<Option<JoinHandle<()>>, Failure> {
    let Some(address) = &config.server.metrics_listen else { return Ok(None) };
    let recorder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(DURATION.into()), BUCKETS)?.install_recorder()?;
    IS_COLLECTED.store(true, Relaxed);
    metrics::describe_histogram!(DURATION, metrics::Unit::Seconds, "How long requests took, by endpoint and status.");
    cache::describe();
    let auth = auth.clone();
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("server.metrics_listen: {address} cannot be listened on: {error}"))?;
    tracing::info!("metrics on http://{}/metrics", listener.local_addr()?);
    let app = Router::new().route(
        "/metrics",
        get(move || {
            cache::note(&auth);
            std::future::ready(recorder.render())
        }),
    );
    Ok(Some(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(error = &error as &dyn std::error::Error, "metrics are no longer served");
        }
    })))
}

type Measured = FromFnLayer<fn(State<Hallpass>, Request, Next) -> Boxed, Hallpass, (State<Hallpass>, Request)>;
type Boxed = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

/// Measures and logs every request.
pub(super) fn layer(auth: &Hallpass) -> Measured {
    from_fn_with_state(auth.clone(), |State(auth), request: Request, next: Next| {
        Box::pin(async move { measure(&auth, request, |request| next.run(request)).await })
    })
}

/// Has a request answered, measures it and logs it.
pub(super) async fn measure<B, R, F>(
    auth: &Hallpass,
    request: http::Request<B>,
    answer: impl FnOnce(http::Request<B>) -> F,
) -> http::Response<R>
where
    F: Future<Output = http::Response<R>>,
{
    if !IS_COLLECTED.load(Relaxed) && !tracing::enabled!(tracing::Level::DEBUG) {
        return answer(request).await;
    }
    let begun = Instant::now();
    let route = label(auth, request.method(), request.uri().path());
    let method = request.method().clone();
    let response = answer(request).await;
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    metrics::histogram!(DURATION, "method" => method_label(&method), "route" => route, "status" => status.to_string())
        .record(took.as_secs_f64());
    tracing::debug!(%method, route, status, took_us = took.as_micros(), "answered");
    response
}

/// The endpoint's own path, never what a stranger typed: that could hold a secret, and makes a new series each time.
fn label(auth: &Hallpass, method: &Method, path: &str) -> &'static str {
    match path {
        "/" => "/",
        "/healthz" => "/healthz",
        "/readyz" => "/readyz",
        path => auth.route_of(method, path).unwrap_or("other"),
    }
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        _ => "other",
    }
}
