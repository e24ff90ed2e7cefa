//! Accepting connections and letting them end well, whatever answers the requests on them.

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::service_fn;

/// Longer headers are refused with 431. What Node allows too.
const MOST_HEADER_BYTES: usize = 16 * 1024;
/// Further connections wait to be accepted until others end.
const MOST_CONNECTIONS: usize = 10_000;
/// How long requests may take to finish once the server is asked to stop.
const LAST_CALL: Duration = Duration::from_secs(30);

/// The connection that a request came by. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Who is at the other end, where the system can tell.
    pub(crate) peer: Option<SocketAddr>,
    /// In one piece, because every request has a clone of it.
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    /// One of the places there are.
    _place: OwnedSemaphorePermit,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Line {
    /// Goes on with something after the request is answered, such as a connection that speaks another protocol now. It keeps the
    /// connection's place, and ends when the server is asked to stop.
    pub(crate) fn keep(self, work: impl Future<Output = ()> + Send + 'static) {
        let held = self.held;
        held.tasks.clone().spawn(async move {
            let _ = held.stopping.run_until_cancelled(work).await;
        });
    }
}

/// Serves until the process is asked to stop, then lets requests under way finish.
///
/// HTTP/1.1 only, as Node does: whoever wants HTTP/2 has a proxy for TLS in front anyway. A connection that says nothing for as long as
/// `header_timeout` is closed, before its first request as well as between two.
pub(crate) async fn serve<A, F>(listener: TcpListener, header_timeout: Duration, answer: A)
where
    A: Fn(Line, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(header_timeout).max_buf_size(MOST_HEADER_BYTES);
    let (stopping, connections) = (CancellationToken::new(), TaskTracker::new());
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
        // The semaphore is never closed.
        let Ok(place) = place else { break };
        let held = Held { _place: place, tasks: connections.clone(), stopping: stopping.clone() };
        let line = Line { peer: stream.peer_addr().ok(), held: Arc::new(held) };
        let connection = connection(server.clone(), stream, answer.clone(), line);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a connection ended early");
            }
        });
    }
    drop(listener);
    tracing::info!("stopping; requests under way may finish");
    stopping.cancel();
    connections.close();
    if timeout(LAST_CALL, connections.wait()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
}

/// Answers the requests on a connection, and once we are stopping no more than the one under way.
async fn connection<A, F>(server: http1::Builder, stream: TcpStream, answer: A, line: Line) -> Result<(), hyper::Error>
where
    A: Fn(Line, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    // Answers are small and complete: nothing is gained by holding them back.
    let _ = stream.set_nodelay(true);
    let stopping = line.held.stopping.clone();
    let service = service_fn(move |request| answer(line.clone(), request));
    let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = &mut connection => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
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
