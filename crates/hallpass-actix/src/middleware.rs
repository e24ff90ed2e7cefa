use std::{
    future::{Ready, ready},
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use hallpass_verify::{Guard, Refusal};

type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T>>>;

/// Lets requests through that bring a good token, with the [`Caller`](crate::Caller) in their extensions, and answers the others itself, as
/// its [`Guard`] says.
#[derive(Debug, Clone)]
pub struct VerifyBearer(Guard);

impl VerifyBearer {
    /// A middleware that decides as this guard does; a source makes a guard that requires a token.
    pub fn new(guard: impl Into<Guard>) -> Self {
        Self(guard.into())
    }
}

impl<S, B> Transform<S, ServiceRequest> for VerifyBearer
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type InitError = ();
    type Transform = VerifyMiddleware<S>;
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(VerifyMiddleware { guard: self.0.clone(), inner: Rc::new(inner) }))
    }
}

/// The service of a [`VerifyBearer`].
#[derive(Debug)]
pub struct VerifyMiddleware<S> {
    guard: Guard,
    inner: Rc<S>,
}

impl<S, B> Service<ServiceRequest> for VerifyMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = BoxFuture<Result<Self::Response, Error>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let authorization = request.headers().get_all(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let decision = self.guard.check_parts(authorization, request.uri().query());
        let (guard, inner) = (self.guard.clone(), Rc::clone(&self.inner));
        Box::pin(async move {
            let admission = match decision.await {
                Ok(admission) => admission,
                Err(refusal) => return Ok(request.into_response(answer(&refusal).map_into_right_body())),
            };
            if let Some(caller) = admission.caller {
                request.extensions_mut().insert(caller);
            }
            request.extensions_mut().insert(guard);
            let mut response = inner.call(request).await?;
            if admission.by_query {
                let value = HeaderValue::from_static("private, no-store");
                response.headers_mut().insert(header::CACHE_CONTROL, value);
            }
            Ok(response.map_into_left_body())
        })
    }
}

/// A refusal in the types of actix, which has headers of its own.
pub(crate) fn answer(refusal: &Refusal) -> HttpResponse {
    let status = StatusCode::from_u16(refusal.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for (name, value) in &refusal.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.insert_header((name, value));
        }
    }
    response.content_type("application/json").body(refusal.body())
}
