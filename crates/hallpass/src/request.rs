//! A request as hooks and endpoints see it.

use std::{any::Any, borrow::Cow, fmt, sync::OnceLock};

use http::{HeaderMap, Method};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::{
    cookie::RequestCookies,
    gate::client_ip::PeerAddress,
    wire::{Query, header_text},
};

/// How a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Over HTTP.
    Http,
    /// By a call in this process, which no browser can have made.
    InProcess,
}

/// A request, addressed to one endpoint.
pub struct Request {
    pub(crate) door: Door,
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) headers: HeaderMap,
    /// The headers as they came, kept once a hook changes them.
    pub(crate) original: Option<HeaderMap>,
    pub(crate) cookies: OnceLock<RequestCookies>,
    pub(crate) query: Query,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) body: Body,
    pub(crate) peer: Option<PeerAddress>,
    /// Whether `x-forwarded-host` is believed. `x-forwarded-proto` always is, as behind the npm package's Node adapter: no
    /// page can make a browser send it.
    pub(crate) trusts_proxy: bool,
}

/// What came as the body.
pub(crate) enum Body {
    Absent,
    Json(Value),
    /// From an in-process call: already the endpoint's own type.
    Typed(Box<dyn TypedBody>),
}

/// A typed input whose type only the endpoint knows.
pub(crate) trait TypedBody: Send + Sync {
    fn to_json(&self) -> Value;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<T: Serialize + Send + Sync + 'static> TypedBody for T {
    fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Request {
    /// How it came in.
    pub fn door(&self) -> Door {
        self.door
    }

    /// Its method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The endpoint's path below the base path, such as `/sign-in/email`.
    pub fn path(&self) -> &str {
        self.path
    }

    /// A part of the path, for endpoints whose path has parameters.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// The headers as the endpoint sees them. For cookies ask [`Request::cookies`], which hooks may have changed.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A header's value as text. Several lines are joined, but of those that can be there only once the first counts.
    pub fn header(&self, name: &str) -> Option<String> {
        header_text(&self.headers, name)
    }

    /// The headers, to change what the endpoint sees. Cookies are changed through [`Request::cookies_mut`].
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.original.get_or_insert_with(|| self.headers.clone());
        &mut self.headers
    }

    /// The headers as they came.
    pub fn original_headers(&self) -> &HeaderMap {
        self.original.as_ref().unwrap_or(&self.headers)
    }

    /// The cookies as the endpoint sees them.
    pub fn cookies(&self) -> &RequestCookies {
        self.cookies
            .get_or_init(|| RequestCookies::from_header(header_text(&self.headers, "cookie").unwrap_or_default()))
    }

    /// The cookies, to change what the endpoint sees.
    #[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "what is taken out was put in one line before")]
    pub fn cookies_mut(&mut self) -> &mut RequestCookies {
        let cookies = self
            .cookies
            .take()
            .unwrap_or_else(|| RequestCookies::from_header(header_text(&self.headers, "cookie").unwrap_or_default()));
        self.cookies = OnceLock::from(cookies);
        self.cookies.get_mut().expect("it was filled in the line above")
    }

    /// The query.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The body as JSON, if there is one.
    pub fn body(&self) -> Option<Cow<'_, Value>> {
        match &self.body {
            Body::Absent => None,
            Body::Json(json) => Some(Cow::Borrowed(json)),
            Body::Typed(typed) => Some(Cow::Owned(typed.to_json())),
        }
    }

    /// Gives the endpoint another body.
    pub fn set_body(&mut self, json: Value) {
        self.body = Body::Json(json);
    }

    /// The origin the client reached this server at, as far as the request tells.
    pub(crate) fn own_origin(&self) -> Option<String> {
        let headers = self.original_headers();
        let text = |name: &str| header_text(headers, name);
        let proto = text("x-forwarded-proto").filter(|proto| matches!(&**proto, "http" | "https"));
        let forwarded = text("x-forwarded-host").filter(|host| self.trusts_proxy && proto.is_some() && is_host(host));
        let host = forwarded.or_else(|| text("host"))?;
        let url = Url::parse(&format!("{}://{host}", proto.as_deref().unwrap_or("http"))).ok()?;
        crate::gate::origin_of(&url)
    }
}

/// A host with an optional port, and nothing that could pass for more of a URL.
fn is_host(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte));
    plain && !text.contains("..") && !text.starts_with('.') && !text.is_empty()
}

impl fmt::Debug for Request {
    /// Leaves headers and body out: they hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("door", &self.door)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
