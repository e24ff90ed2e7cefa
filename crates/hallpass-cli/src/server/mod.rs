//! What `serve` puts around the engine.

mod body;
mod health;
pub(crate) mod metrics;
mod playground;

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::Request};
use hallpass::{Environment, Hallpass, PeerAddress};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulConnection, GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tower::{ServiceExt, service_fn};

use self::body::InTime;
use crate::{commands::Failure, config::Config};

/// Longer headers are refused with 431. What Node allows too.
const MOST_HEADER_BYTES: usize = 16 * 1024;
/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);
/// Further connections wait to be accepted until others end.
const MOST_CONNECTIONS: usize = 10_000;
/// How long requests may take to finish once the server is asked to stop.
const LAST_CALL: Duration = Duration::from_secs(30);

/// Serves until the process is asked to stop, then lets requests under way finish.
///
/// HTTP/1.1 only, as Node does: whoever wants HTTP/2 has a proxy for TLS in front anyway.
pub(crate) async fn run(listener: TcpListener, auth: &Hallpass, config: &Config) -> Result<(), Failure> {
    let app = app(auth, config);
    let mut server = http1::Builder::new();
    // A connection that says nothing for so long is closed, before its first request as well as between two.
    server.timer(TokioTimer::new()).header_read_timeout(Duration::from(config.server.header_timeout));
    server.max_buf_size(MOST_HEADER_BYTES);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut stop = std::pin::pin!(asked_to_stop());
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (stream, place) = tokio::select! {
            () = &mut stop => break,
            (accepted, place) = accepted => match accepted {
                Ok((stream, _)) => (stream, place),
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some to come back rather than spin.
                    tracing::error!(error = &error as &dyn std::error::Error, "a connection could not be accepted");
                    sleep(Duration::from_secs(1)).await;
                    continue;
                }
            },
        };
        let connection = graceful.watch(connection(&server, stream, &app));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a connection ended early");
            }
            drop(place);
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
    server: &http1::Builder,
    stream: TcpStream,
    app: &Router,
) -> impl GracefulConnection<Error = hyper::Error> + Send + use<> {
    // Answers are small and complete: nothing is gained by holding them back.
    let _ = stream.set_nodelay(true);
    let peer = stream.peer_addr().ok().map(|address| PeerAddress(address.ip()));
    let app = app.clone();
    let service = service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(|body| InTime::new(body, BODY_TIME));
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        app.clone().oneshot(request)
    });
    server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
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
