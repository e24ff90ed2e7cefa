//! For clients that are a `tower::Service`.

use std::{
    mem,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http::{Request, Response, header::AUTHORIZATION};
use tower::{BoxError, Layer, Service};

use super::Bearer;
use crate::answer::new_token;

/// Puts the token on requests whose URI begins with a listed origin. (Feature `tower`.)
///
/// Where redirects are followed by a layer, such as that of `tower-http`, this one belongs beneath it, so that it sees where each
/// request really goes.
///
/// ```
/// use hallpass_client::AuthClient;
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # let client = AuthClient::builder("https://auth.example.com").build()?;
/// # client.set_token("abc").await?;
/// # let http = service_fn(async |request: Request<String>| {
/// #     assert!(request.headers().contains_key("authorization"));
/// #     Ok::<_, std::convert::Infallible>(Response::new(String::new()))
/// # });
/// let bearer = client.bearer_for(["https://api.example.com"])?;
/// let http = ServiceBuilder::new().layer(bearer).service(http);
/// let answer = http.oneshot(Request::get("https://api.example.com/orders").body(String::new())?).await?;
/// # Ok(()) }
/// ```
impl<S> Layer<S> for Bearer {
    type Service = BearerService<S>;

    fn layer(&self, inner: S) -> BearerService<S> {
        BearerService { bearer: self.clone(), inner }
    }
}

/// A service whose requests bear the token. Made by [`Bearer`] as a layer.
#[derive(Debug, Clone)]
pub struct BearerService<S> {
    bearer: Bearer,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for BearerService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Send + 'static,
    R: Send,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<R>, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let bearer = self.bearer.clone();
        // What was made ready is what has to be called.
        let waiting = self.inner.clone();
        let mut ready = mem::replace(&mut self.inner, waiting);
        Box::pin(async move {
            let mut sent = None;
            if !request.headers().contains_key(AUTHORIZATION)
                && let Some((token, header)) = bearer.credential(&request.uri().to_string()).await?
            {
                request.headers_mut().insert(AUTHORIZATION, header);
                sent = Some(token);
            }
            let answer = ready.call(request).await.map_err(Into::into)?;
            if let Some(sent) = sent {
                let new = new_token(answer.headers());
                bearer.obtain(&sent, new).await?;
            }
            Ok(answer)
        })
    }
}
