//! The front door: from an HTTP request to the hallway, and from what came of it to an HTTP answer (CONTRACT §1).

use std::{
    convert::Infallible,
    error::Error,
    sync::{Arc, OnceLock},
    task::{Context as TaskContext, Poll},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Response, StatusCode, header, request::Parts};
use http_body::Body as HttpBody;
use http_body_util::Full;

use crate::{
    auth::{Engine, Hallpass},
    context::{Context, Returned},
    endpoint::AnyEndpoint,
    error::ApiError,
    gate::{Refusal, base_url::Site, client_ip::PeerAddress},
    pipeline,
    plugin::Intercepted,
    request::{Body, Door, Request},
    session::SessionAndUser,
    wire::{Query, body, path},
};

type BoxError = Box<dyn Error + Send + Sync>;

impl Hallpass {
    /// Answers a request. Never fails: whatever goes wrong becomes an answer.
    ///
    /// ```
    /// # use hallpass::{Hallpass, store::MemoryStore};
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let auth = Hallpass::builder()
    ///     .secret("a secret of at least thirty-two characters")
    ///     .store(MemoryStore::new())
    ///     .build()
    ///     .unwrap();
    /// let request = http::Request::get("/api/auth/ok").body(String::new()).unwrap();
    /// assert_eq!(auth.handle(request).await.status(), 200);
    /// # });
    /// ```
    pub async fn handle<B>(&self, request: http::Request<B>) -> Response<Full<Bytes>>
    where
        B: HttpBody + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let site = match &self.engine.hosts {
            None => None,
            Some(hosts) => match hosts.resolve(&parts.headers, Door::Http) {
                None => return finish_early(ApiError::unexpected(NOT_ALLOWED)).map(Full::new),
                site => site,
            },
        };
        let response = match self.admit(parts).await {
            // Nobody else sees a request that was turned away (CONTRACT §16).
            Err(refusal) => refusal,
            Ok(parts) => {
                let mut response = self.enter(parts, body, site).await;
                for interceptor in &self.engine.on_response {
                    response = interceptor(response).await;
                }
                response
            }
        };
        response.map(Full::new)
    }

    /// Stages 1 to 3.
    async fn admit(&self, mut parts: Parts) -> Result<Parts, Response<Bytes>> {
        if let Some(refusal) = turn_away(&self.engine, &parts).await {
            return Err(refusal);
        }
        for interceptor in &self.engine.on_request {
            match interceptor(parts).await {
                Intercepted::Pass(passed) => parts = passed,
                Intercepted::Respond(response) => return Err(response),
            }
        }
        Ok(parts)
    }

    /// Stages 4 to 6, then the hallway.
    async fn enter<B>(&self, parts: Parts, http_body: B, site: Option<Site>) -> Response<Bytes>
    where
        B: HttpBody + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let engine = &self.engine;
        let full_path = engine.routes.settled(parts.uri.path(), &engine.base_path);
        let found = path::routed(&full_path, &engine.base_path)
            .and_then(|path| exact(path, engine.skip_trailing_slashes))
            .and_then(|path| engine.routes.find(&parts.method, path));
        drop(full_path);
        let Some(found) = found else { return not_found() };

        let route = found.endpoint.route();
        let read = body::read(&parts.method, &parts.headers, http_body, route.media_types, engine.body_limit).await;
        let body = match read {
            Ok(body) => body.map_or(Body::Absent, Body::Json),
            Err(error) => return finish_early(error),
        };
        let request = Request {
            door: Door::Http,
            method: parts.method,
            path: route.path(),
            query: parts.uri.query().map(Query::parse).unwrap_or_default(),
            peer: parts.extensions.get::<PeerAddress>().copied(),
            headers: parts.headers,
            original: None,
            cookies: OnceLock::new(),
            params: found.params,
            body,
            trusts_proxy: engine.trusted_proxy_headers,
        };
        if !route.for_gateways
            && let Err(refusal) = engine.origins.check(&request)
        {
            return finish_early(refusal);
        }
        // Boxed, because everything below moves it on.
        let mut cx = Box::new(Context::new(engine.clone(), request));
        cx.site = site;
        let endpoint = found.endpoint;
        if engine.database.is_empty() {
            return walk(cx, endpoint).await;
        }
        // What hooks do after a write must happen although the client has gone away and its request is dropped.
        let seen_through = engine.background.see_through(walk(cx, endpoint)).await;
        seen_through.unwrap_or_else(|| finish_early(ApiError::unexpected("a hook or an endpoint panicked")))
    }
}

/// The hallway, and the answer.
async fn walk(mut cx: Box<Context>, endpoint: Arc<dyn AnyEndpoint>) -> Response<Bytes> {
    pipeline::run(&mut cx, &*endpoint).await;
    finish(cx)
}

/// What is logged of a request that names a host which is not allowed.
pub(crate) const NOT_ALLOWED: &str =
    "a request names a host that is not among base_url.allowed_hosts, and there is no base_url.fallback";

/// Stages 1 and 2: disabled paths and the rate limiter, which count before routing.
async fn turn_away(engine: &Engine, parts: &Parts) -> Option<Response<Bytes>> {
    let needs_path = !engine.disabled_paths.is_empty() || engine.limiter.is_enabled();
    if !needs_path {
        return None;
    }
    let full_path = engine.routes.settled(parts.uri.path(), &engine.base_path);
    let path = path::below_base(&full_path, &engine.base_path);
    if engine.disabled_paths.iter().any(|disabled| disabled == path) {
        let mut response = Response::new(Bytes::from_static(b"Not Found"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        let text = HeaderValue::from_static("text/plain;charset=UTF-8");
        response.headers_mut().insert(header::CONTENT_TYPE, text);
        return Some(response);
    }
    if !engine.limiter.is_enabled() {
        return None;
    }
    match limit(engine, parts, path).await {
        Ok(()) => None,
        Err(Refusal::TooMany { seconds }) => {
            let message = "Too many requests. Please try again later.";
            let mut response = ApiError::message(StatusCode::TOO_MANY_REQUESTS, message).into_response();
            response.headers_mut().insert("x-retry-after", HeaderValue::from(seconds));
            Some(response)
        }
        Err(Refusal::Uncounted(error)) => Some(finish_early(error.into())),
    }
}

async fn limit(engine: &Engine, parts: &Parts, path: &str) -> Result<(), Refusal> {
    let ip = engine.ips.find(&parts.headers, parts.extensions.get::<PeerAddress>().copied());
    if ip.is_none() && engine.ips.is_disabled() {
        return Ok(());
    }
    engine.limiter.admit(ip.as_deref(), path, engine.clock.now()).await
}

/// The path to look an endpoint up by: none ends in a slash, unless the slash is to be overlooked.
fn exact(path: &str, skip_trailing_slashes: bool) -> Option<&str> {
    match path.strip_suffix('/') {
        None => Some(path),
        Some(rest) => skip_trailing_slashes.then_some(rest).filter(|rest| !rest.is_empty()),
    }
}

fn not_found() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// An error before the hallway: no hook sees it.
fn finish_early(mut error: ApiError) -> Response<Bytes> {
    log(&error);
    let headers = error.take_headers();
    let mut response = error.into_response();
    headers.write_to(response.headers_mut());
    response
}

/// The answer to what a request came to.
fn finish(cx: Box<Context>) -> Response<Bytes> {
    let json = match cx.returned {
        Returned::Error(error) => {
            log(&error);
            // After something nobody expected, and in a finished answer, nothing that was gathered is sent.
            let gathered = error.concerns_hooks().then_some(cx.out);
            let mut response = error.into_response();
            gathered.unwrap_or_default().write_to(response.headers_mut());
            return response;
        }
        Returned::Nothing => Ok(Bytes::from_static(b"null")),
        Returned::Output(output) => match cx.written.as_ref().and_then(SessionAndUser::json) {
            Some(json) => Ok(json),
            None => output.to_json().map(Bytes::from),
        },
        Returned::Json(json) => serde_json::to_vec(&json).map(Bytes::from),
    };
    match json {
        Ok(json) => {
            let mut response = Response::new(json);
            let content_type = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            cx.out.write_to(response.headers_mut());
            response
        }
        Err(error) => finish_early(ApiError::unexpected(error)),
    }
}

/// What went wrong underneath is for the operator. A failure is logged once, here.
fn log(error: &ApiError) {
    if let Some(cause) = error.source() {
        tracing::error!(status = error.status().as_u16(), error = cause, "a request failed");
    }
}

impl<B> tower::Service<http::Request<B>> for Hallpass
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let auth = self.clone();
        Box::pin(async move { Ok(auth.handle(request).await) })
    }
}
