use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use hallpass::{Answer, ApiError, Hallpass, endpoints::CurrentSession};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use tokio::sync::OnceCell;
use tower::{Layer, Service};

const SET_AUTH_TOKEN: HeaderName = HeaderName::from_static("set-auth-token");

/// A layer under which handlers can take a [`Session`](crate::Session).
///
/// The session is looked up when a handler first asks, and once a request. Where the look-up extended it, the answer carries the renewed
/// cookie and `set-auth-token`.
pub fn layer(auth: &Hallpass) -> SessionLayer {
    SessionLayer { auth: auth.clone() }
}

/// Made by [`layer()`].
#[derive(Debug, Clone)]
pub struct SessionLayer {
    auth: Hallpass,
}

impl<S> Layer<S> for SessionLayer {
    type Service = ResolveCaller<S>;

    fn layer(&self, inner: S) -> ResolveCaller<S> {
        ResolveCaller { auth: self.auth.clone(), inner }
    }
}

/// The service of a [`SessionLayer`].
#[derive(Debug, Clone)]
pub struct ResolveCaller<S> {
    auth: Hallpass,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for ResolveCaller<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let caller = Caller(Arc::new(Asked { auth: self.auth.clone(), found: OnceCell::new() }));
        request.extensions_mut().insert(caller.clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            if let Some(Ok(found)) = caller.0.found.get() {
                pass_on(&found.headers, response.headers_mut());
            }
            Ok(response)
        })
    }
}

/// Who the caller is, once somebody asked.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Asked>);

struct Asked {
    auth: Hallpass,
    found: OnceCell<Result<Answer<Option<CurrentSession>>, ApiError>>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller")
    }
}

impl Caller {
    /// Looks the session up, or returns what was found before.
    pub(crate) async fn session(&self, headers: &HeaderMap) -> Result<Option<&CurrentSession>, &ApiError> {
        let found = self.0.found.get_or_init(|| async { self.0.auth.api().get_session(headers).await }).await;
        match found {
            Ok(answer) => Ok(answer.value.as_ref()),
            // Refused rather than failed, such as a session that ended while it was being extended.
            Err(error) if error.status().is_client_error() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What a look-up tells the client: only that, not how `/get-session` wants to be cached.
fn pass_on(found: &HeaderMap, response: &mut HeaderMap) {
    for cookie in found.get_all(header::SET_COOKIE) {
        response.append(header::SET_COOKIE, cookie.clone());
    }
    if let Some(token) = found.get(&SET_AUTH_TOKEN) {
        response.insert(SET_AUTH_TOKEN, token.clone());
        response.append(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("set-auth-token"));
        // A cache in between must not hand one client's token to another.
        response.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
