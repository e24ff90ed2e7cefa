//! What `proxy` does with a request: see whose bearer token it carries, tell the upstream, and stay out of the way.
//!
//! A request goes on only with a live token (or without any, where strangers are let in), and the upstream learns who is calling from
//! headers that a client cannot set. Bodies stream both ways; a connection that is upgraded (a websocket, say) becomes a tunnel.

mod forward;
mod headers;

use std::convert::Infallible;

use axum::body::Body;
use hallpass_verify::{Admission, Guard};
use http::{Request, Response, header};
use hyper::body::Incoming;

pub(crate) use self::forward::Upstream;
use crate::server::connections::Peer;

/// A checkpoint in front of an upstream. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    guard: Guard,
    upstream: Upstream,
    pass_authorization: bool,
}

impl Proxy {
    pub(crate) fn new(guard: Guard, upstream: Upstream) -> Self {
        Self { guard, upstream, pass_authorization: false }
    }

    /// Lets the upstream see the token, for one that calls others with it.
    pub(crate) fn pass_authorization(mut self, pass: bool) -> Self {
        self.pass_authorization = pass;
        self
    }

    /// Answers a request: with the upstream's answer, or why it did not get there.
    pub(crate) async fn answer(self, peer: Peer, mut request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let Admission { caller, .. } = match self.guard.check(request.headers(), request.uri()).await {
            Ok(admission) => admission,
            Err(refusal) => return Ok(refusal.into_response()),
        };
        headers::prepare(&mut request, peer, caller.as_ref());
        if caller.is_some() && !self.pass_authorization {
            // What does not see a token cannot log it, lose it or use it.
            request.headers_mut().remove(header::AUTHORIZATION);
        }
        Ok(self.upstream.forward(request).await)
    }
}
