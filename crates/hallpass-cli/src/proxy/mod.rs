//! What `proxy` does with a request: see whose bearer token it carries, tell the upstream, and stay out of the way.
//!
//! A request goes on only with a live token (or without any, where strangers are let in), and the upstream learns who is calling from
//! headers that a client cannot set. Bodies stream both ways. A websocket becomes a tunnel, and its token is looked at again now and then:
//! when its session is over, so is the tunnel.

mod forward;
mod headers;
mod tunnel;

use std::{convert::Infallible, time::Duration};

use axum::body::Body;
use hallpass_verify::Guard;
use http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;

pub(crate) use self::forward::Upstream;
use self::{forward::answer, tunnel::Watch};
use crate::server::connections::Line;

/// How a proxy is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Lets the upstream see the token, for one that calls others with it.
    pub(crate) pass_authorization: bool,
    /// Believes what a proxy further out says of where requests come from.
    pub(crate) trust_forwarded: bool,
    /// How often the token behind a tunnel is looked at again.
    pub(crate) recheck: Duration,
}

/// A checkpoint in front of an upstream. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    guard: Guard,
    upstream: Upstream,
    settings: Settings,
}

impl Proxy {
    pub(crate) fn new(guard: Guard, upstream: Upstream, settings: Settings) -> Self {
        Self { guard, upstream, settings }
    }

    /// Answers a request: with the upstream's answer, or why it did not get there.
    pub(crate) async fn answer(self, line: Line, mut request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        if let Some(refusal) = nonsense(&request) {
            return Ok(refusal);
        }
        let caller = match self.guard.check(request.headers(), request.uri()).await {
            Ok(admission) => admission.caller,
            Err(refusal) => return Ok(refusal.into_response()),
        };
        let watch = Watch::new(&self.guard, &request, self.settings.recheck);
        headers::prepare(&mut request, line.peer, caller.as_ref(), self.settings.trust_forwarded);
        if caller.is_some() && !self.settings.pass_authorization {
            // What does not see a token cannot log it, lose it or use it.
            request.headers_mut().remove(header::AUTHORIZATION);
        }
        Ok(self.upstream.forward(request, line, watch).await)
    }
}

/// What is for nobody behind a proxy: requests for a tunnel to anywhere, for an echo that would show the headers we add, and those whose
/// host is told in two ways (RFC 9112 §3.2).
fn nonsense(request: &Request<Incoming>) -> Option<Response<Body>> {
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return Some(answer(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This proxy does not pass such requests on",
        ));
    }
    let hosts = request.headers().get_all(header::HOST).iter().count();
    (hosts > 1).then(|| answer(StatusCode::BAD_REQUEST, "invalid_request", "There is more than one Host header"))
}
