//! Answers to requests that must not go on (RFC 6750 §3).

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::json;

/// What is protected, as challenges name it.
#[derive(Debug, Clone)]
pub(super) struct Realm(Arc<str>);

impl Default for Realm {
    fn default() -> Self {
        Self("api".into())
    }
}

impl Realm {
    pub(super) fn new(text: &str) -> Self {
        Self(quotable(text).into())
    }

    pub(super) fn refuse(&self, kind: RefusalKind) -> Refusal {
        let retry_after = (kind == RefusalKind::Unavailable).then_some(1);
        Refusal { kind, realm: self.clone(), description: kind.description(), scope: None, retry_after }
    }
}

/// Only what a quoted string in a challenge may have: %x20-21 / %x23-5B / %x5D-7E.
fn quotable(text: &str) -> String {
    text.chars().filter(|character| matches!(character, ' '..='~') && !matches!(character, '"' | '\\')).collect()
}

/// Why a request must not go on, as its client may know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// No credential came: 401.
    Unauthenticated,
    /// The request is malformed: 400 `invalid_request`.
    InvalidRequest,
    /// The token is worth nothing: 401 `invalid_token`.
    InvalidToken,
    /// The caller may not do this: 403 `insufficient_scope`.
    InsufficientScope,
    /// Nobody can tell right now: 503.
    Unavailable,
}

impl RefusalKind {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Unauthenticated | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::InsufficientScope => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The gRPC status: UNAUTHENTICATED, PERMISSION_DENIED or UNAVAILABLE.
    pub fn grpc_status(self) -> u8 {
        match self {
            Self::Unauthenticated | Self::InvalidRequest | Self::InvalidToken => 16,
            Self::InsufficientScope => 7,
            Self::Unavailable => 14,
        }
    }

    /// The code in the body.
    fn code(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthorized",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::Unavailable => "temporarily_unavailable",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Unauthenticated => "A bearer token is needed here",
            Self::InvalidRequest => "The request is malformed",
            Self::InvalidToken => "The token is expired, revoked or not known",
            Self::InsufficientScope => "The token is good, but not for this",
            Self::Unavailable => "Whether the token is good cannot be told right now. Try again",
        }
    }
}

/// The answer to a request that must not go on.
///
/// A client learns the [`kind`](Self::kind) and no more; why a token is worth nothing is for
/// [`Guard::on_verdict`](crate::Guard::on_verdict) and the log.
#[derive(Debug, Clone)]
pub struct Refusal {
    kind: RefusalKind,
    realm: Realm,
    description: &'static str,
    scope: Option<String>,
    retry_after: Option<u64>,
}

impl Refusal {
    pub(super) fn described(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    pub(super) fn naming(mut self, scope: Option<&str>) -> Self {
        self.scope = scope.map(quotable);
        self
    }

    pub(super) fn after(mut self, wait: Option<Duration>) -> Self {
        // In whole seconds, and rather too late than too early.
        self.retry_after = Some(wait.map_or(1, |wait| wait.as_millis().div_ceil(1000).try_into().unwrap_or(1)));
        self
    }

    /// Why.
    pub fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// The value of `www-authenticate`; a 503 has none, because signing in again would not help.
    pub fn challenge(&self) -> Option<HeaderValue> {
        let mut text = format!("Bearer realm=\"{}\"", self.realm.0);
        match self.kind {
            RefusalKind::Unavailable => return None,
            // Somebody who sent nothing has made no error.
            RefusalKind::Unauthenticated => {}
            kind => {
                text = format!("{text}, error=\"{}\", error_description=\"{}\"", kind.code(), self.description);
            }
        }
        if let Some(scope) = &self.scope {
            text = format!("{text}, scope=\"{scope}\"");
        }
        HeaderValue::from_str(&text).ok()
    }

    /// The headers, without the body's.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        headers
    }

    /// The body, JSON: `error` and `error_description` as in the challenge.
    pub fn body(&self) -> String {
        json!({"error": self.kind.code(), "error_description": self.description}).to_string()
    }

    /// The answer as a whole.
    pub fn into_response<B: From<String>>(self) -> Response<B> {
        let mut response = Response::new(self.body().into());
        *response.status_mut() = self.status();
        *response.headers_mut() = self.headers();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    /// The answer as gRPC wants it: status 200, and what happened in `grpc-status` and `grpc-message`, which with an empty body are the
    /// trailers.
    pub fn into_grpc_response<B: Default>(self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.headers_mut() = self.headers();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", u16::from(self.kind.grpc_status()).into());
        // Nothing in it that would have to be percent-encoded.
        headers.insert("grpc-message", HeaderValue::from_static(self.description));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_cannot_break_out_of_its_quotes() {
        let refusal = Realm::new("a\" b\\,\r\nx=é").refuse(RefusalKind::Unauthenticated);
        assert_eq!(refusal.challenge().unwrap(), "Bearer realm=\"a b,x=\"");
    }

    #[test]
    fn a_wait_is_rounded_up() {
        let refusal = Realm::default().refuse(RefusalKind::Unavailable);
        let wait = |millis| refusal.clone().after(Some(Duration::from_millis(millis))).headers()["retry-after"].clone();
        assert_eq!(wait(0), "0");
        assert_eq!(wait(1), "1");
        assert_eq!(wait(2000), "2");
        assert_eq!(refusal.headers()["retry-after"], "1");
    }

    #[test]
    fn what_is_told_to_clients_fits_into_a_challenge() {
        use RefusalKind::{InsufficientScope, InvalidRequest, InvalidToken, Unauthenticated, Unavailable};
        for kind in [Unauthenticated, InvalidRequest, InvalidToken, InsufficientScope, Unavailable] {
            assert_eq!(quotable(kind.description()), kind.description());
            assert!(!kind.description().contains('%'));
        }
    }
}
