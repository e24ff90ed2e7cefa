use axum::{
    Json,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use hallpass::store;
use http::{StatusCode, header, request::Parts};
use serde_json::json;

use crate::layer::Caller;

/// The caller's session and user. A handler that takes one answers 401 to everybody else.
///
/// Needs [`layer`](crate::layer()). As `Option<Session>`, or as [`OptionalSession`], it lets strangers in.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Session {
    /// The session.
    pub session: store::Session,
    /// Its user.
    pub user: store::User,
}

/// The caller's session, if there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionalSession(pub Option<Session>);

/// Why a handler was not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// There is no session: 401 `{"error":"Unauthorized"}`.
    Unauthorized,
    /// The store could not say: 503 with `retry-after`. Never mistaken for "no session".
    Unavailable,
    /// The store answered nonsense: 500.
    Failed,
    /// The route is not under [`layer`](crate::layer()): 500, and a line in the log.
    MissingLayer,
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
            Self::Failed | Self::MissingLayer => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        };
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        if self == Self::Unavailable {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        response
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        find(parts).await?.ok_or(Rejection::Unauthorized)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        find(parts).await
    }
}

impl<S: Sync> FromRequestParts<S> for OptionalSession {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        find(parts).await.map(Self)
    }
}

async fn find(parts: &Parts) -> Result<Option<Session>, Rejection> {
    let Some(caller) = parts.extensions.get::<Caller>() else {
        tracing::error!("a handler takes a Session, but its route is not under hallpass_axum::layer");
        return Err(Rejection::MissingLayer);
    };
    match caller.session(&parts.headers).await {
        Ok(found) => Ok(found.map(|current| Session { session: current.session.clone(), user: current.user.clone() })),
        Err(error) => {
            tracing::error!(error = error as &dyn std::error::Error, "the caller's session could not be looked up");
            let is_away = error.status() == StatusCode::SERVICE_UNAVAILABLE;
            Err(if is_away { Rejection::Unavailable } else { Rejection::Failed })
        }
    }
}
