//! The tower layer: for axum, tonic, and hyper by itself.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Version, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::guard::{Guard, Refusal};

/// Puts a [`Caller`](crate::Caller) into the extensions of each request that brings a good token, and answers the others itself, as its
/// [`Guard`] says.
///
/// In front of gRPC services say [`grpc`](Self::grpc), so that refusals are in its own words. A layer that answers CORS preflights belongs
/// around this one: they carry no token.
///
/// ```
/// use hallpass_verify::{Caller, Guard, StoreSource, VerifyLayer, store::MemoryStore};
/// use tower::{Layer, ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let source = StoreSource::new(MemoryStore::new(), "better-auth-contract-secret-00000000");
/// let orders = service_fn(async |request: http::Request<String>| {
///     let caller: &Caller = request.extensions().get().expect("the layer requires one");
///     Ok::<_, std::convert::Infallible>(http::Response::new(caller.user_id().to_string()))
/// });
/// let protected = VerifyLayer::new(Guard::new(source).realm("orders")).layer(orders);
///
/// let request = http::Request::get("/").header("authorization", "Bearer unknown").body(String::new()).unwrap();
/// assert_eq!(protected.oneshot(request).await.unwrap().status(), 401);
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct VerifyLayer {
    guard: Guard,
    grpc: bool,
}

impl VerifyLayer {
    /// A layer that decides as this guard does; a source makes a guard that requires a token.
    pub fn new(guard: impl Into<Guard>) -> Self {
        Self { guard: guard.into(), grpc: false }
    }

    /// Refuses gRPC requests in gRPC's own words: `UNAUTHENTICATED`, `PERMISSION_DENIED` or `UNAVAILABLE`, with the challenge among the
    /// metadata. Their HTTP status is 200, which whoever asks by HTTP takes for a yes: so not for routes that a gateway asks whether
    /// to let a request pass.
    pub fn grpc(mut self) -> Self {
        self.grpc = true;
        self
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = Verify<S>;

    fn layer(&self, inner: S) -> Verify<S> {
        Verify { guard: self.guard.clone(), grpc: self.grpc, inner }
    }
}

/// The service of a [`VerifyLayer`].
#[derive(Debug, Clone)]
pub struct Verify<S> {
    guard: Guard,
    grpc: bool,
    inner: S,
}

/// The future of [`Verify`].
pub type VerifyFuture<B, E> = Pin<Box<dyn Future<Output = Result<Response<VerifyBody<B>>, E>> + Send>>;

impl<S, B, R> Service<Request<B>> for Verify<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<VerifyBody<R>>;
    type Error = S::Error;
    type Future = VerifyFuture<R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // What was asked whether it is ready must be what is called.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let guard = self.guard.clone();
        let in_grpc = self.grpc && is_grpc(&request);
        let authorization = request.headers().get_all(header::AUTHORIZATION).iter().map(HeaderValue::as_bytes);
        let decision = guard.check_parts(authorization, request.uri().query());
        Box::pin(async move {
            let admission = match decision.await {
                Ok(admission) => admission,
                Err(refusal) => return Ok(answer(refusal, in_grpc)),
            };
            let by_query = admission.by_query;
            if let Some(caller) = admission.caller {
                request.extensions_mut().insert(caller);
            }
            request.extensions_mut().insert(guard);
            let mut response = inner.call(request).await?;
            if by_query {
                // RFC 6750 §2.3 wants `private`, and a token in an address is better stored nowhere.
                response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
            }
            Ok(response.map(|body| VerifyBody { content: Content::Inner { body } }))
        })
    }
}

/// Whether a request is as gRPC makes them. Anybody can claim the media type.
fn is_grpc<B>(request: &Request<B>) -> bool {
    let media_type = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let after = media_type.and_then(|media_type| media_type.strip_prefix(b"application/grpc"));
    let is_grpc = after.is_some_and(|after| matches!(after.first(), None | Some(b'+' | b';')));
    is_grpc && request.method() == Method::POST && request.version() == Version::HTTP_2
}

fn answer<B>(refusal: Refusal, is_grpc: bool) -> Response<VerifyBody<B>> {
    let response = if is_grpc { refusal.into_grpc_response::<String>() } else { refusal.into_response::<String>() };
    response.map(|text| {
        let body = (!text.is_empty()).then(|| Bytes::from(text));
        VerifyBody { content: Content::Refusal { body } }
    })
}

pin_project! {
    /// The body of an answer that went through a [`VerifyLayer`]: that of the service within, or that of a refusal.
    pub struct VerifyBody<B> {
        #[pin]
        content: Content<B>,
    }
}

pin_project! {
    #[project = Projected]
    enum Content<B> {
        Inner { #[pin] body: B },
        Refusal { body: Option<Bytes> },
    }
}

impl<B> std::fmt::Debug for VerifyBody<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VerifyBody")
    }
}

impl<B: Body> Body for VerifyBody<B>
where
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().content.project() {
            Projected::Inner { body } => Poll::Ready(ready!(body.poll_frame(cx))),
            Projected::Refusal { body } => Poll::Ready(body.take().map(|text| Ok(Frame::data(text.into())))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Inner { body } => body.is_end_stream(),
            Content::Refusal { body } => body.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Inner { body } => body.size_hint(),
            Content::Refusal { body } => {
                SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len().try_into().unwrap_or(u64::MAX)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StoreSource, store::MemoryStore};
    use tower::{ServiceExt, service_fn};

    #[tokio::test]
    async fn nobody_gets_a_200_by_claiming_to_speak_grpc() {
        let source = StoreSource::new(MemoryStore::new(), "better-auth-contract-secret-00000000");
        let never =
            service_fn(async |_: Request<String>| Ok::<_, std::convert::Infallible>(Response::new(String::new())));
        for (asked, version, method, media_type, status) in [
            (false, Version::HTTP_2, Method::POST, "application/grpc", 401),
            (true, Version::HTTP_11, Method::POST, "application/grpc", 401),
            (true, Version::HTTP_2, Method::GET, "application/grpc", 401),
            (true, Version::HTTP_2, Method::POST, "application/grpcx", 401),
            (true, Version::HTTP_2, Method::POST, "application/grpc+proto", 200),
        ] {
            let layer = VerifyLayer::new(source.clone());
            let layer = if asked { layer.grpc() } else { layer };
            let request = Request::builder().version(version).method(method).header("content-type", media_type);
            let answer = layer.layer(never).oneshot(request.body(String::new()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), status, "{media_type} {version:?}");
            assert_eq!(answer.headers().contains_key("grpc-status"), status == 200);
        }
    }
}
