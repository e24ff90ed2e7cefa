//! How the engine reaches providers. It opens no connection itself: whoever builds it hands it an [`HttpClient`].

use std::error::Error;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use indexmap::IndexMap;
use serde_json::Value;
use url::Url;

/// How often an answer may point elsewhere.
const MOST_REDIRECTS: usize = 5;

/// Sends requests to providers.
///
/// It must not follow redirects: the engine decides which. It should end requests that take too long, within about 10 seconds, and
/// refuse answers that are too large. With the feature `reqwest` there is `ReqwestClient`.
pub trait HttpClient: Send + Sync + 'static {
    /// Sends a request and waits for the whole answer, whatever its status.
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, HttpError>>;
}

/// Why there is no answer, or none that can be used. It holds no secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HttpError(Box<dyn Error + Send + Sync>);

impl HttpError {
    /// For this reason.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// Sends a request whose answer is to be the last word: no redirect is followed.
pub(super) async fn send(client: &dyn HttpClient, request: Request<Bytes>) -> Result<Value, HttpError> {
    let answer = client.send(request).await?;
    if answer.status().is_redirection() {
        return Err(HttpError::new("the provider redirects; configure the URL that it redirects to"));
    }
    read(&answer)
}

/// Gets a document. Redirects are followed as long as they stay at the same origin: the headers may hold secrets, and an answer of
/// somebody else's is none.
pub(super) async fn get(
    client: &dyn HttpClient,
    url: &str,
    headers: &IndexMap<String, String>,
) -> Result<Value, HttpError> {
    let start = Url::parse(url).map_err(|_| HttpError::new("the URL is none"))?;
    let mut here = start.clone();
    for _ in 0..=MOST_REDIRECTS {
        let answer = client.send(request(Method::GET, &here, headers, Bytes::new())?).await?;
        let location = answer.headers().get(header::LOCATION).filter(|_| answer.status().is_redirection());
        let Some(location) = location else { return read(&answer) };
        let next = location.to_str().ok().and_then(|location| here.join(location).ok());
        here = next.ok_or_else(|| HttpError::new("the provider redirects to what is no URL"))?;
        if here.origin() != start.origin() {
            return Err(HttpError::new("the provider redirects to another origin; configure the URL that it ends at"));
        }
    }
    Err(HttpError::new("the provider redirects too often; configure the URL that it ends at"))
}

/// Puts a request together. Of the headers those count that come last.
pub(super) fn request(
    method: Method,
    url: &Url,
    headers: &IndexMap<String, String>,
    body: Bytes,
) -> Result<Request<Bytes>, HttpError> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = url.as_str().parse().map_err(|_| HttpError::new("the URL is none that can be requested"))?;
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(|_| HttpError::new("the name of a header is none"))?;
        let mut value = HeaderValue::try_from(value).map_err(|_| HttpError::new("the value of a header is none"))?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

/// What a successful answer says; a text where it is no JSON.
fn read(answer: &Response<Bytes>) -> Result<Value, HttpError> {
    if !answer.status().is_success() {
        return Err(HttpError::new(format!("the provider answers {}", answer.status())));
    }
    let text = String::from_utf8_lossy(answer.body());
    Ok(serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned())))
}
