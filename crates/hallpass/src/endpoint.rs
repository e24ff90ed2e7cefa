//! What an endpoint is.
//!
//! An endpoint says where it is mounted and what it asks of a caller ([`Route`]), reads its input into a type ([`Input`]), and
//! answers. It is reached over HTTP and in process by the same way, so a check made here holds for both.

use std::{any::Any, fmt};

use futures_util::future::BoxFuture;
use http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    context::Context,
    error::ApiError,
    plugins::open_api::{Described, Schemas},
    request::{Body, Door},
    session::requirement,
    wire::{Reader, body::MediaTypes},
};

/// What an endpoint asks of its caller's session (CONTRACT §7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Requirement {
    /// Nothing.
    #[default]
    None,
    /// A session, be it from a cache.
    Session,
    /// A session, asked of the store just now.
    Sensitive,
    /// A session that began a short while ago.
    Fresh,
}

/// Where an endpoint is mounted and what it asks of a request.
///
/// ```
/// use hallpass::{Requirement, Route};
/// let route = Route::post("/notes/add").requires(Requirement::Session);
/// assert_eq!(route.path(), "/notes/add");
/// ```
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct Route {
    methods: Vec<Method>,
    path: &'static str,
    pub(crate) requirement: Requirement,
    pub(crate) media_types: MediaTypes,
    pub(crate) signs_in_by_form: bool,
    pub(crate) checks_callback_url: bool,
    pub(crate) summary: Option<&'static str>,
    /// Whether it looks for a session itself, and refuses in its own way where there is none; for the OpenAPI document.
    pub(crate) finds_session: bool,
    pub(crate) for_gateways: bool,
}

impl Route {
    /// Answers GET at a path below the base path. Parameters are written `{name}`.
    pub fn get(path: &'static str) -> Self {
        Self::new(vec![Method::GET], path)
    }

    /// Answers POST.
    pub fn post(path: &'static str) -> Self {
        Self::new(vec![Method::POST], path)
    }

    /// Answers GET and POST.
    pub fn get_or_post(path: &'static str) -> Self {
        Self::new(vec![Method::GET, Method::POST], path)
    }

    /// Answers gateways: any method, at a path and at every path below it, where the path of another server's request stands. That
    /// request's body, origin and query are that server's business. It is no endpoint for clients, and OpenAPI has no words
    /// for such paths, so the document leaves it out.
    pub(crate) fn for_gateways(path: &'static str) -> Self {
        Self { for_gateways: true, ..Self::new(Vec::new(), path).ignores_body() }
    }

    /// Asks for a session.
    pub fn requires(mut self, requirement: Requirement) -> Self {
        self.requirement = requirement;
        self
    }

    /// What it does, in a few words; for the OpenAPI document.
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.summary = Some(summary);
        self
    }

    pub(crate) fn finds_session(mut self) -> Self {
        self.finds_session = true;
        self
    }

    /// Takes form bodies beside JSON ones.
    pub fn accepts_forms(mut self) -> Self {
        self.media_types = MediaTypes::FormOrJson;
        self
    }

    /// Never looks at the body.
    pub fn ignores_body(mut self) -> Self {
        self.media_types = MediaTypes::Ignored;
        self
    }

    /// Makes a session out of what a form says, and so must not be sent by another site (CONTRACT §9.2).
    pub fn signs_in_by_form(mut self) -> Self {
        self.signs_in_by_form = true;
        self
    }

    /// Sends browsers on to the query's `callbackURL`, which must then lead to a trusted place (CONTRACT §9.3).
    pub fn checks_callback_url(mut self) -> Self {
        self.checks_callback_url = true;
        self
    }

    /// The path below the base path.
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// The methods; none where any is answered.
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    fn new(methods: Vec<Method>, path: &'static str) -> Self {
        Self {
            methods,
            path,
            requirement: Requirement::None,
            media_types: MediaTypes::Json,
            signs_in_by_form: false,
            checks_callback_url: false,
            summary: None,
            finds_session: false,
            for_gateways: false,
        }
    }
}

/// An endpoint's input: read from body and query over HTTP, given as it is in process.
pub trait Input: Serialize + JsonSchema + Send + Sync + Sized + 'static {
    /// Reads it. Whatever is wrong is noted by the reader; `None` then.
    fn read(from: &mut Reader<'_>) -> Option<Self>;
}

/// No input. A body, if one came, was read and is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct NoInput;

impl Input for NoInput {
    fn read(_: &mut Reader<'_>) -> Option<Self> {
        Some(Self)
    }
}

/// Something mounted under the base path. Built-in endpoints and those of plugins are alike.
///
/// ```
/// use hallpass::{ApiError, Context, Endpoint, NoInput, Route};
///
/// struct Motd;
/// impl Endpoint for Motd {
///     type Input = NoInput;
///     type Output = &'static str;
///     fn route(&self) -> Route { Route::get("/motd") }
///     async fn handle(&self, _: &mut Context, _: NoInput) -> Result<&'static str, ApiError> { Ok("be kind") }
/// }
/// ```
pub trait Endpoint: Send + Sync + 'static {
    /// What it reads.
    type Input: Input;
    /// What it answers with, as JSON over HTTP.
    type Output: Serialize + JsonSchema + Send + Sync + 'static;

    /// Where it is mounted.
    fn route(&self) -> Route;

    /// Answers. Checks of origin, input and session are behind it.
    fn handle(
        &self,
        cx: &mut Context,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output, ApiError>> + Send;
}

/// An endpoint's answer whose type only its caller knows.
pub(crate) trait AnyOutput: Send + Sync {
    fn to_json(&self) -> serde_json::Result<Vec<u8>>;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<T: Serialize + Send + Sync + 'static> AnyOutput for T {
    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        // A session and its user fit in without moving.
        let mut json = Vec::with_capacity(768);
        serde_json::to_writer(&mut json, self)?;
        Ok(json)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// An endpoint without its types, as routes hold it.
pub(crate) trait AnyEndpoint: Send + Sync {
    fn route(&self) -> &Route;
    /// Its types, for the OpenAPI document.
    fn describe(&self, schemas: &mut Schemas) -> Described;
    /// Stages 8 to 10 of CONTRACT §1.3: validation, requirements, the endpoint itself.
    fn call<'a>(&'a self, cx: &'a mut Context) -> BoxFuture<'a, Result<Box<dyn AnyOutput>, ApiError>>;
}

/// An endpoint with its route at hand.
pub(crate) struct Mounted<E> {
    route: Route,
    endpoint: E,
}

impl<E: Endpoint> Mounted<E> {
    pub(crate) fn new(endpoint: E) -> Self {
        Self { route: endpoint.route(), endpoint }
    }
}

impl<E: Endpoint> AnyEndpoint for Mounted<E> {
    fn route(&self) -> &Route {
        &self.route
    }

    fn describe(&self, schemas: &mut Schemas) -> Described {
        schemas.describe::<E>()
    }

    fn call<'a>(&'a self, cx: &'a mut Context) -> BoxFuture<'a, Result<Box<dyn AnyOutput>, ApiError>> {
        Box::pin(async move {
            let input = take_input::<E::Input>(cx)?;
            if self.route.signs_in_by_form && cx.request().door() == Door::Http {
                cx.engine.origins.check_form(cx.request())?;
            }
            if self.route.checks_callback_url && cx.request().door() == Door::Http {
                cx.engine.origins.check_callback_url(cx.request())?;
            }
            requirement::meet(cx, self.route.requirement).await?;
            let output = self.endpoint.handle(cx, input).await?;
            Ok(Box::new(output) as Box<dyn AnyOutput>)
        })
    }
}

fn take_input<I: Input>(cx: &mut Context) -> Result<I, ApiError> {
    let request = cx.request_mut();
    let body = match std::mem::replace(&mut request.body, Body::Absent) {
        Body::Absent => None,
        Body::Json(json) => Some(json),
        Body::Typed(typed) => match typed.into_any().downcast::<I>() {
            Ok(input) => return Ok(*input),
            Err(_) => return Err(ApiError::unexpected("an endpoint was called with another endpoint's input")),
        },
    };
    let mut reader = Reader::new(body.as_ref(), &request.query, &request.params);
    let input = I::read(&mut reader);
    match (reader.refusal(), input) {
        (Some(refusal), _) => Err(refusal),
        (None, Some(input)) => Ok(input),
        (None, None) => Err(ApiError::unexpected("an input was not read, and no reason noted")),
    }
}

impl<E: Endpoint> fmt::Debug for Mounted<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mounted").field(&self.route).finish()
    }
}
