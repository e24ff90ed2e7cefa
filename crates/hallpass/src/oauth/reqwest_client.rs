use std::{error::Error, fmt, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::{Request, Response};
use reqwest::{Client, redirect::Policy};

use super::client::{HttpClient, HttpError};

/// How long a provider may take for everything.
const TIME: Duration = Duration::from_secs(10);
/// No document of a provider's is so large.
const LARGEST: usize = 1024 * 1024;

/// Reaches providers with `reqwest`: over rustls, within 10 seconds, answers up to 1 MiB, no redirects, no proxies of the environment,
/// no cookies.
#[derive(Clone)]
pub struct ReqwestClient(Client);

impl fmt::Debug for ReqwestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestClient").finish_non_exhaustive()
    }
}

impl ReqwestClient {
    /// Sets a client up.
    ///
    /// # Errors
    /// When this machine's TLS cannot be used, for want of certificates.
    pub fn new() -> Result<Self, HttpError> {
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(TIME)
            .timeout(TIME)
            .user_agent(concat!("hallpass/", env!("CARGO_PKG_VERSION")))
            .build();
        client.map(Self).map_err(|error| told(&error))
    }

    async fn ask(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request).map_err(|error| told(&error.without_url()))?;
        let mut answer = self.0.execute(request).await.map_err(|error| told(&error.without_url()))?;
        let mut body = BytesMut::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| told(&error.without_url()))? {
            if body.len() + piece.len() > LARGEST {
                return Err(HttpError::new("the provider's answer is too large"));
            }
            body.extend_from_slice(&piece);
        }
        let mut whole = Response::new(body.freeze());
        *whole.status_mut() = answer.status();
        *whole.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(whole)
    }
}

impl HttpClient for ReqwestClient {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, HttpError>> {
        Box::pin(self.ask(request))
    }
}

/// With everything underneath, but without the URL, which may hold a password.
fn told(error: &dyn Error) -> HttpError {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    HttpError::new(text)
}
