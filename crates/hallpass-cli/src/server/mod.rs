//! What `serve` puts around the engine.

pub(crate) mod body;
pub(crate) mod connections;
mod health;
pub(crate) mod metrics;
mod playground;

use std::time::Duration;

use axum::{Router, extract::Request};
use hallpass::{Environment, Hallpass, PeerAddress};
use tokio::net::TcpListener;
use tower::ServiceExt;

use self::{body::InTime, connections::Line};
use crate::{commands::Failure, config::Config};

/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Serves until the process is asked to stop, then lets requests under way finish.
pub(crate) async fn run(listener: TcpListener, auth: &Hallpass, config: &Config) -> Result<(), Failure> {
    let app = app(auth, config);
    let answer = move |line: Line, request: http::Request<hyper::body::Incoming>| {
        let mut request = request.map(|body| InTime::whole(body, BODY_TIME));
        if let Some(address) = line.peer {
            request.extensions_mut().insert(PeerAddress(address.ip()));
        }
        app.clone().oneshot(request)
    };
    connections::serve(listener, Duration::from(config.server.header_timeout), answer).await;
    Ok(())
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
