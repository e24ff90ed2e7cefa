use std::{convert::Infallible, net::SocketAddr};

use axum::{Router, body::Body, extract::ConnectInfo};
use hallpass::{Hallpass, PeerAddress};
use http::{Request, Response};
use tower::service_fn;

/// The endpoints, at the base path of `auth`.
///
/// With the base path `/` it is a fallback, and an application that has one of its own cannot merge it.
///
/// Clients' socket addresses are known to the engine where the app is served with
/// `into_make_service_with_connect_info::<SocketAddr>()`; they matter only with `advanced.ip_address.peer_address`.
pub fn router<S: Clone + Send + Sync + 'static>(auth: &Hallpass) -> Router<S> {
    let service = {
        let auth = auth.clone();
        service_fn(move |request| answer(auth.clone(), request))
    };
    match auth.base_path() {
        "" => Router::new().fallback_service(service),
        base => Router::new().route_service(&format!("{base}/{{*path}}"), service),
    }
}

async fn answer(auth: Hallpass, mut request: Request<Body>) -> Result<Response<Body>, Infallible> {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let peer = PeerAddress(peer.ip());
        request.extensions_mut().insert(peer);
    }
    Ok(auth.handle(request).await.map(Body::new))
}
