//! What `serve` puts around the engine.

pub(crate) mod body;
pub(crate) mod connections;
mod health;
pub(crate) mod metrics;
mod playground;

use std::{convert::Infallible, time::Duration};

use axum::{Router, body::Body, extract::Request};
use futures_util::future::Either;
use hallpass::{Environment, Hallpass, PeerAddress};
use http::{Method, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tower::ServiceExt;

use self::{body::InTime, connections::Line};
use crate::{commands::Failure, config::Config};

/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Serves until the process is asked to stop, then lets requests under way finish.
///
/// The store is looked at again before the server calls itself ready, unless it is known to be complete.
pub(crate) async fn run(listener: TcpListener, auth: &Hallpass, config: &Config) -> Result<(), Failure> {
    let (app, engine) = (app(auth, config), auth.clone());
    let answer = move |line: Line, request: http::Request<Incoming>| {
        let mut request = request.map(|body| InTime::whole(body, BODY_TIME));
        if let Some(address) = line.peer {
            request.extensions_mut().insert(PeerAddress(address.ip()));
        }
        if is_for_engine(&request, engine.base_path()) {
            Either::Left(straight(engine.clone(), request))
        } else {
            Either::Right(app.clone().oneshot(request))
        }
    };
    connections::serve(listener, Duration::from(config.server.header_timeout), answer).await;
    Ok(())
}

/// Whether a request is one that the router would only pass on. It costs about as much as a session out of the cache does.
fn is_for_engine<B>(request: &http::Request<B>, base_path: &str) -> bool {
    let below = request.uri().path().strip_prefix(base_path);
    // The server's own paths have no slash but their first.
    matches!(*request.method(), Method::GET | Method::POST)
        && base_path.len() > 1
        && below.is_some_and(|rest| rest.starts_with('/'))
}

async fn straight(engine: Hallpass, request: http::Request<InTime<Incoming>>) -> Result<Response<Body>, Infallible> {
    Ok(metrics::measure(&engine, request, async |request| engine.handle(request).await.map(Body::new)).await)
}

/// The engine answers everything that is not one of the server's own few paths.
fn app(auth: &Hallpass, config: &Config) -> Router {
    let engine = auth.clone();
    let answer = async move |request: Request| engine.handle(request).await.map(axum::body::Body::new);
    let mut app = Router::new().merge(health::routes(auth, config));
    if config.environment() == Environment::Development {
        app = app.merge(playground::routes(auth.base_path()));
    }
    app.method_not_allowed_fallback(answer.clone()).fallback(answer).layer(metrics::layer(auth))
}
