//! What `proxy` does with a request: see whose bearer token it carries, tell the upstream, and stay out of the way.
//!
//! A request goes on only with a live token (or without any, where strangers are let in), and the upstream learns who is calling from
//! headers that a client cannot set. Bodies stream both ways; a connection that is upgraded (a websocket, say) becomes a tunnel.

mod forward;
mod headers;

use std::convert::Infallible;

use axum::body::Body;
use hallpass_verify::{Admission, Guard};
use http::{Request, Response};
use hyper::body::Incoming;

pub(crate) use self::forward::Upstream;
use crate::server::connections::Peer;

/// A checkpoint in front of an upstream. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    guard: Guard,
    upstream: Upstream,
}

impl Proxy {
    pub(crate) fn new(guard: Guard, upstream: Upstream) -> Self {
        Self { guard, upstream }
    }

    /// Answers a request: with the upstream's answer, or why it did not get there.
    pub(crate) async fn answer(self, peer: Peer, mut request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let Admission { caller, by_query, .. } = match self.guard.check(request.headers(), request.uri()).await {
            Ok(admission) => admission,
            Err(refusal) => return Ok(refusal.into_response()),
        };
        headers::prepare(&mut request, peer, caller.as_ref());
        let mut response = self.upstream.forward(request).await;
        if by_query {
            headers::keep_private(response.headers_mut());
        }
        Ok(response)
    }
}
