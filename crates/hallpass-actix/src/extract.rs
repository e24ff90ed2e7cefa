use std::{
    fmt,
    future::{Ready, ready},
    ops::Deref,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError, dev::Payload, http::StatusCode};
use hallpass_verify::{Guard, Refusal};

use crate::middleware::answer;

/// Who is calling. A handler that takes one answers 401 to strangers, if any get so far.
///
/// Needs [`VerifyBearer`](crate::VerifyBearer).
#[derive(Debug, Clone, PartialEq)]
pub struct Caller(pub hallpass_verify::Caller);

impl Deref for Caller {
    type Target = hallpass_verify::Caller;

    fn deref(&self) -> &hallpass_verify::Caller {
        &self.0
    }
}

/// Who is calling, if anybody is known. For a guard that is [`optional`](Guard::optional).
#[derive(Debug, Clone, PartialEq)]
pub struct OptionalCaller(pub Option<hallpass_verify::Caller>);

/// Why a handler that takes a [`Caller`] was not reached.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CallerError {
    /// The middleware lets strangers through and the handler does not: 401 with a challenge.
    Stranger(Refusal),
    /// The route is not under [`VerifyBearer`](crate::VerifyBearer): 500, and a line in the log.
    MissingMiddleware,
}

impl fmt::Display for CallerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stranger(_) => "the request has no caller",
            Self::MissingMiddleware => "the route is not under hallpass_actix::VerifyBearer",
        })
    }
}

impl ResponseError for CallerError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Stranger(_) => StatusCode::UNAUTHORIZED,
            Self::MissingMiddleware => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Stranger(refusal) => answer(refusal),
            Self::MissingMiddleware => {
                HttpResponse::InternalServerError().content_type("application/json").body(r#"{"error":"server_error"}"#)
            }
        }
    }
}

impl FromRequest for Caller {
    type Error = CallerError;
    type Future = Ready<Result<Self, CallerError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            find(request)
                .and_then(|(caller, guard)| caller.map(Self).ok_or_else(|| CallerError::Stranger(guard.challenge()))),
        )
    }
}

impl FromRequest for OptionalCaller {
    type Error = CallerError;
    type Future = Ready<Result<Self, CallerError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(find(request).map(|(caller, _)| Self(caller)))
    }
}

/// The middleware leaves its guard in the request, so that a forgotten middleware is noticed and not taken for a stranger.
fn find(request: &HttpRequest) -> Result<(Option<hallpass_verify::Caller>, Guard), CallerError> {
    let extensions = request.extensions();
    let Some(guard) = extensions.get::<Guard>() else {
        tracing::error!("a handler takes a Caller, but its route is not under hallpass_actix::VerifyBearer");
        return Err(CallerError::MissingMiddleware);
    };
    Ok((extensions.get::<hallpass_verify::Caller>().cloned(), guard.clone()))
}
