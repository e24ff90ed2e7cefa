//! A description of everything mounted, as OpenAPI 3.1, and a page to read it (CONTRACT §18.16).
//!
//! It is made from the endpoints' own types: what [`Input`](crate::Input) and output serialise as is what the document says.

mod document;
mod page;

pub(crate) use document::{Described, Schemas};

use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{
    ApiError, BuildError, Context, Endpoint, NoInput, Route,
    plugin::{Plugin, Registrar},
};

/// The OpenAPI plugin: the document at `/open-api/generate-schema`, and a page that shows it at `/reference`.
///
/// The page needs nothing from elsewhere. Both are readable by everybody, as with the npm package: leave the plugin out where that is
/// not wanted.
///
/// ```
/// use hallpass::{Hallpass, OpenApi, store::MemoryStore};
/// let auth = Hallpass::builder()
///     .secret("a secret of at least thirty-two characters")
///     .store(MemoryStore::new())
///     .plugin(OpenApi::new())
///     .build()
///     .unwrap();
/// let document = auth.open_api();
/// assert_eq!(document["openapi"], "3.1.0");
/// assert!(document["paths"]["/sign-in/email"]["post"].is_object());
/// ```
#[derive(Debug, Clone)]
pub struct OpenApi {
    path: &'static str,
    shows_page: bool,
}

impl Default for OpenApi {
    fn default() -> Self {
        Self { path: "/reference", shows_page: true }
    }
}

impl OpenApi {
    /// The document, and the page at `/reference`.
    pub fn new() -> Self {
        Self::default()
    }

    /// The page at another path below the base path.
    pub fn path(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// Without the page.
    pub fn disable_default_reference(mut self) -> Self {
        self.shows_page = false;
        self
    }
}

impl Plugin for OpenApi {
    fn id(&self) -> &'static str {
        "open-api"
    }

    fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        if !self.path.starts_with('/') || self.path.contains(['{', '}']) {
            return Err(BuildError::new(format!(
                "open_api: the path `{}` must be a plain path such as /reference",
                self.path
            )));
        }
        if registrar.endpoints.iter().any(|endpoint| endpoint.route().path() == self.path) {
            return Err(BuildError::new(format!(
                "open_api: there is an endpoint at `{}` already; choose another path",
                self.path
            )));
        }
        registrar.endpoint(GenerateSchema(OnceLock::new()));
        registrar.endpoint(Reference { path: self.path, shows_page: self.shows_page });
        Ok(())
    }
}

impl crate::Hallpass {
    /// A description of every endpoint, as an OpenAPI 3.1 document.
    pub fn open_api(&self) -> Value {
        document::write(&self.engine)
    }
}

/// `GET /open-api/generate-schema`. What is mounted does not change, so the document is written once.
struct GenerateSchema(OnceLock<Document>);

/// An OpenAPI document.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
struct Document(serde_json::Map<String, Value>);

impl Endpoint for GenerateSchema {
    type Input = NoInput;
    type Output = Document;

    fn route(&self) -> Route {
        Route::get("/open-api/generate-schema").summary("Describes every endpoint as an OpenAPI 3.1 document")
    }

    async fn handle(&self, cx: &mut Context, _: NoInput) -> Result<Document, ApiError> {
        let written = self.0.get_or_init(|| match document::write(&cx.engine) {
            Value::Object(document) => Document(document),
            _ => Document(serde_json::Map::new()),
        });
        Ok(written.clone())
    }
}

/// The page.
struct Reference {
    path: &'static str,
    shows_page: bool,
}

impl Endpoint for Reference {
    type Input = NoInput;
    type Output = ();

    fn route(&self) -> Route {
        Route::get(self.path).summary("A page to read about the endpoints")
    }

    async fn handle(&self, cx: &mut Context, _: NoInput) -> Result<(), ApiError> {
        if !self.shows_page {
            return Err(ApiError::empty(StatusCode::NOT_FOUND));
        }
        let html = page::render(&document::write(&cx.engine));
        let mut response = Response::new(Bytes::from(html));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::POLICY));
        Err(ApiError::respond(response))
    }
}
