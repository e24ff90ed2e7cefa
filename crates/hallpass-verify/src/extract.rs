//! A [`Caller`] among the arguments of an axum handler.

use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use crate::{
    caller::Caller,
    guard::{Guard, Refusal},
};

/// Why a handler that takes a [`Caller`] was not reached.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CallerRejection {
    /// The layer lets strangers through and the handler does not: the answer is the layer's, 401 with a challenge.
    Stranger(Refusal),
    /// The route is not under a [`VerifyLayer`](crate::VerifyLayer): 500, and a line in the log.
    MissingLayer,
}

impl IntoResponse for CallerRejection {
    fn into_response(self) -> Response {
        match self {
            Self::Stranger(refusal) => refusal.into_response::<Body>(),
            Self::MissingLayer => (StatusCode::INTERNAL_SERVER_ERROR, r#"{"error":"server_error"}"#).into_response(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        Self::into_response::<Body>(self)
    }
}

/// Needs a [`VerifyLayer`](crate::VerifyLayer). As `Option<Caller>` it lets strangers in, if the layer does.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = CallerRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, CallerRejection> {
        let guard = guard_of(parts)?;
        parts.extensions.get::<Self>().cloned().ok_or_else(|| CallerRejection::Stranger(guard.challenge()))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = CallerRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, CallerRejection> {
        guard_of(parts)?;
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// The layer leaves its guard in the request, so that a forgotten layer is noticed and not taken for a stranger.
fn guard_of(parts: &Parts) -> Result<&Guard, CallerRejection> {
    parts.extensions.get::<Guard>().ok_or_else(|| {
        tracing::error!("a handler takes a Caller, but its route is not under hallpass_verify::VerifyLayer");
        CallerRejection::MissingLayer
    })
}
