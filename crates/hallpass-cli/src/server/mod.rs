//! What `serve` puts around the engine.

mod health;
pub(crate) mod metrics;
mod playground;

use std::time::Duration;

use axum::{Router, extract::Request};
use hallpass::{Environment, Hallpass, PeerAddress};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::{commands::Failure, config::Config};

/// Longer headers are refused with 431. What Node allows too.
const MOST_HEADER_BYTES: usize = 16 * 1024;
/// How long a client may pause in the middle of a body.
const BODY_PAUSE: Duration = Duration::from_secs(15);
/// How long requests may take to finish once the server is asked to stop.
const LAST_CALL: Duration = Duration::from_secs(30);

/// Serves until the process is asked to stop, then lets requests under way finish.
pub(crate) async fn run(listener: TcpListener, auth: &Hallpass, config: &Config) -> Result<(), Failure> {
    let app = app(auth, config);
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from(config.server.header_timeout))
        .max_buf_size(MOST_HEADER_BYTES);
    server.http2().timer(TokioTimer::new()).max_header_list_size(u32::try_from(MOST_HEADER_BYTES).unwrap_or(u32::MAX));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(asked_to_stop());
    loop {
        let stream = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some to come back rather than spin.
                    tracing::error!(error = &error as &dyn std::error::Error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let connection = connection(&server, stream, &app);
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(error, "a connection ended early");
            }
        });
    }
    drop(listener);
    tracing::info!("stopping; requests under way may finish");
    if timeout(LAST_CALL, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
    Ok(())
}

fn connection(
    server: &auto::Builder<TokioExecutor>,
    stream: TcpStream,
    app: &Router,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = Failure> + Send + 'static {
    // Answers are small and complete: nothing is gained by holding them back.
    let _ = stream.set_nodelay(true);
    let peer = stream.peer_addr().ok().map(|address| PeerAddress(address.ip()));
    let app = app.clone();
    let service = service_fn(move |mut request: http::Request<_>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        app.clone().oneshot(request)
    });
    let service = RequestBodyTimeoutLayer::new(BODY_PAUSE).layer(service);
    server.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service)).into_owned()
}

/// The engine answers everything that is not one of the server's own few paths.
fn app(auth: &Hallpass, config: &Config) -> Router {
    let engine = auth.clone();
    let answer = async move |request: Request| engine.handle(request).await.map(axum::body::Body::new);
    let mut app = Router::new().merge(health::routes(auth));
    if config.environment() == Environment::Development {
        app = app.merge(playground::routes(auth.base_path()));
    }
    app.method_not_allowed_fallback(answer.clone()).fallback(answer).layer(metrics::layer(auth))
}

/// Waits for SIGTERM or Ctrl-C.
async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}
