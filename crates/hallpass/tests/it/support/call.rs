//! Requests and answers in few words.

use std::{future::IntoFuture, pin::Pin};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full};
use serde_json::Value;

use super::{Caller, ORIGIN, Stage};

/// The prefix of the server's cookies.
const PREFIX: &str = "better-auth.";

impl Stage {
    /// A GET below the base path.
    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// A POST below the base path, without a body.
    pub(crate) fn post(&self, path: &str) -> Call<'_> {
        self.call(Method::POST, path)
    }

    /// A request below the base path.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.raw(method, &format!("/api/auth{path}"))
    }

    /// A request to any path.
    pub(crate) fn raw(&self, method: Method, path: &str) -> Call<'_> {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        Call { stage: self, request }
    }
}

/// A request that is sent when it is awaited.
#[must_use]
pub(crate) struct Call<'a> {
    stage: &'a Stage,
    request: Request<Bytes>,
}

impl Call<'_> {
    /// Adds a header line.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.request.headers_mut().append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
        self
    }

    /// Adds to the query.
    pub(crate) fn and_query(mut self, more: &str) -> Self {
        let uri = self.request.uri().to_string();
        let joint = if uri.contains('?') { '&' } else { '?' };
        *self.request.uri_mut() = format!("{uri}{joint}{more}").parse().unwrap();
        self
    }

    /// Sends a bearer token.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Sends a caller's bare session token.
    pub(crate) fn by(self, caller: &Caller) -> Self {
        self.bearer(&caller.token)
    }

    /// Sends cookies, and the origin that has to come with them.
    pub(crate) fn cookie(self, cookies: impl AsRef<[u8]>) -> Self {
        self.header("cookie", cookies).header("origin", ORIGIN)
    }

    /// Adds what an acceptor of connections knows.
    pub(crate) fn extension(mut self, extension: impl Clone + Send + Sync + 'static) -> Self {
        self.request.extensions_mut().insert(extension);
        self
    }

    /// Sends bytes of a type.
    pub(crate) fn body(self, content_type: &str, bytes: impl Into<Bytes>) -> Self {
        self.header("content-type", content_type).untyped_body(bytes)
    }

    /// Sends bytes without saying of what type.
    pub(crate) fn untyped_body(mut self, bytes: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = bytes.into();
        self
    }

    /// Sends JSON.
    #[expect(clippy::needless_pass_by_value, reason = "calls read better without a borrow of `json!`")]
    pub(crate) fn json(self, json: Value) -> Self {
        self.body("application/json", json.to_string())
    }
}

impl<'a> IntoFuture for Call<'a> {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let answer = self.stage.auth.handle(self.request.map(Full::new)).await;
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Answer { status: parts.status.as_u16(), headers: parts.headers, body }
        })
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Status and `code`, for errors.
    pub(crate) fn code(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Status and `message`, for errors.
    pub(crate) fn message(&self) -> (u16, String) {
        (self.status, self.json()["message"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn set_auth_token(&self) -> Option<&str> {
        self.header("set-auth-token")
    }

    /// The `set-cookie` lines.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        set_cookies(&self.headers)
    }

    /// The names of the cookies in order, without the prefix, `-` before those that are expired.
    pub(crate) fn traces(&self) -> Vec<String> {
        traces(&self.headers)
    }

    /// Whether this is the answer to nobody: `null`, nothing set, nothing cleared.
    pub(crate) fn is_untouched_null(&self) -> bool {
        self.status == 200 && self.text() == "null" && self.cookies().is_empty()
    }

    /// Whether this is the answer to a dead session: `null`, and the client forgets it.
    pub(crate) fn is_cleared_null(&self) -> bool {
        self.status == 200 && self.text() == "null" && self.traces() == cleared()
    }
}

/// The traces of a client that is told to forget its session, in the contract's order (CONTRACT §4.1).
pub(crate) fn cleared() -> [&'static str; 3] {
    ["-session_token", "-session_data", "-dont_remember"]
}

fn set_cookies(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect()
}

/// See [`Answer::traces`]; for the headers of in-process answers.
pub(crate) fn traces(headers: &HeaderMap) -> Vec<String> {
    let trace = |line: &str| {
        let name = line.split('=').next().unwrap().replace(PREFIX, "");
        if line.contains("; Max-Age=0;") { format!("-{name}") } else { name }
    };
    set_cookies(headers).into_iter().map(trace).collect()
}

/// Headers of an in-process call.
pub(crate) fn headers<const N: usize>(lines: [(&'static str, String); N]) -> HeaderMap {
    lines.into_iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}
