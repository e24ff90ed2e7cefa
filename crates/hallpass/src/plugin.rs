//! What a plugin can add (CONTRACT §16).
//!
//! A plugin gets a [`Registrar`] once, when the engine is built, and leaves with it what it wants to be asked for: hooks before
//! and after endpoints, interceptors of whole requests and answers, endpoints, tables and columns, rate-limit rules, database hooks, error codes, trusted
//! origins, providers.
//! Plugins run in the order of registration, the hooks of the user of the engine before them.
//!
//! What a plugin cannot do yet: begin a session of its own. And what it writes through [`Context::store`] runs no database hooks.
//!
//! ```
//! use hallpass::{BuildError, plugin::{Plugin, Registrar, every, hook}};
//!
//! struct PoweredBy;
//! impl Plugin for PoweredBy {
//!     fn id(&self) -> &'static str { "powered-by" }
//!     fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
//!         registrar.after(every(), hook(|cx| Box::pin(async move {
//!             let value = http::HeaderValue::from_static("hallpass");
//!             cx.outgoing_mut().set_header(http::HeaderName::from_static("x-powered-by"), value);
//!             Ok(())
//!         })));
//!         Ok(())
//!     }
//! }
//! ```

use std::{fmt, sync::Arc};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hallpass_store::{Row, Schema, Table};
use indexmap::IndexMap;

use crate::{
    context::Context,
    endpoint::{AnyEndpoint, Endpoint, Mounted},
    error::{ApiError, BuildError},
    gate::rate_limit::RateLimitRule,
    oauth::Provider,
    options::AdditionalField,
};

/// Adds something to the engine.
pub trait Plugin: Send + Sync + 'static {
    /// Its name, unique among the plugins of an engine.
    fn id(&self) -> &'static str;

    /// Registers what it adds. Refuses, with a sentence that says what to change, when its options make no sense.
    fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError>;
}

/// Decides whether a hook is concerned with a request.
pub type Matcher = Box<dyn Fn(&Context) -> bool + Send + Sync>;

/// Matches every request.
pub fn every() -> Matcher {
    Box::new(|_| true)
}

/// Matches requests to these paths, such as `/sign-up/email`.
pub fn paths<const N: usize>(paths: [&'static str; N]) -> Matcher {
    Box::new(move |cx| paths.contains(&cx.request().path()))
}

/// What a before-hook wants to happen.
#[derive(Debug)]
pub enum Flow {
    /// Goes on to the next hook, and to the endpoint.
    Continue,
    /// Answers with this; neither the endpoint nor any after-hook runs. A call in process then fails, since its type is the
    /// endpoint's: match on [`Request::door`](crate::Request::door) where both are used.
    Respond(serde_json::Value),
}

/// Runs somewhere on a request's way.
pub type Hook<T> = Box<dyn for<'a> Fn(&'a mut Context) -> HookFuture<'a, T> + Send + Sync>;

/// Runs before an endpoint. It may change the request, answer instead, or refuse with an error.
pub type BeforeHook = Hook<Flow>;

/// Runs after an endpoint, also when it refused. It sees what was returned and may replace it; an error replaces it too.
pub type AfterHook = Hook<()>;

/// Turns a closure into a hook, helping the compiler with its lifetimes.
pub fn hook<T, F>(hook: F) -> Hook<T>
where
    F: for<'a> Fn(&'a mut Context) -> HookFuture<'a, T> + Send + Sync + 'static,
{
    Box::new(hook)
}

/// What an interceptor of requests does with one.
#[derive(Debug)]
pub enum Intercepted {
    /// Lets it pass, changed or not.
    Pass(http::request::Parts),
    /// Answers at once.
    Respond(http::Response<Bytes>),
}

/// Sees every request after the rate limiter and before routing (stage 3).
pub type RequestInterceptor = Box<dyn Fn(http::request::Parts) -> BoxFuture<'static, Intercepted> + Send + Sync>;

/// Sees every answer last (stage 12).
pub type ResponseInterceptor =
    Box<dyn Fn(http::Response<Bytes>) -> BoxFuture<'static, http::Response<Bytes>> + Send + Sync>;

/// What a database hook says to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The write goes on.
    Proceed,
    /// The write does not happen.
    Cancel,
}

/// A hook's answer.
pub type HookFuture<'a, T> = BoxFuture<'a, Result<T, ApiError>>;

/// Sees writes of records. Before-hooks run before anything of a transaction is written, after-hooks once it is committed. Tables and
/// columns go by their logical names.
///
/// An after-hook runs before the answer, and also when the client has gone away meanwhile: with hooks registered, requests are seen
/// through to their end on the tokio runtime. Of a call in process that is dropped, the rest does not happen. A process that is killed
/// between commit and hook runs it never: what must not be missed belongs into the database.
///
/// What a hook says about a write holds whichever endpoint or plugin caused it, so this is the place for rules about data; rules about
/// requests belong into [`Builder::before`](crate::Builder::before).
///
/// Only addresses of one domain, whether somebody signs up with them or changes to them:
///
/// ```
/// # use hallpass::{ApiError, Bearer, Context, EmailAndPassword, Hallpass, endpoints::SignUpEmail, store::MemoryStore};
/// use hallpass::{plugin::{DatabaseHooks, HookFuture, Verdict}, store::{Row, Value}};
/// use http::StatusCode;
///
/// struct Colleagues;
///
/// impl Colleagues {
///     fn admit(row: &Row) -> Result<Verdict, ApiError> {
///         match row.get("email").and_then(Value::as_text) {
///             Some(email) if !email.ends_with("@example.com") => {
///                 Err(ApiError::coded(StatusCode::FORBIDDEN, "FOREIGN_ADDRESS", "Use your address at example.com"))
///             }
///             _ => Ok(Verdict::Proceed),
///         }
///     }
/// }
///
/// impl DatabaseHooks for Colleagues {
///     fn before_create<'a>(&'a self, _: &'a Context, table: &'a str, row: &'a mut Row) -> HookFuture<'a, Verdict> {
///         Box::pin(async move { if table == "user" { Self::admit(row) } else { Ok(Verdict::Proceed) } })
///     }
///     fn before_update<'a>(&'a self, _: &'a Context, table: &'a str, set: &'a mut Row) -> HookFuture<'a, Verdict> {
///         Box::pin(async move { if table == "user" { Self::admit(set) } else { Ok(Verdict::Proceed) } })
///     }
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let auth = Hallpass::builder()
/// #     .secret("a secret of at least thirty-two characters").store(MemoryStore::new())
///     .email_and_password(EmailAndPassword::default())
///     .database_hooks(Colleagues)
///     .build()
///     .unwrap();
/// let eve = SignUpEmail::new("Eve", "eve@elsewhere.example".parse().unwrap(), "correct horse");
/// let refused = auth.api().sign_up_email(eve, &http::HeaderMap::new()).await.unwrap_err();
/// assert_eq!(refused.code(), Some("FOREIGN_ADDRESS"));
/// # });
/// ```
///
/// A claim of your own on every session, which clients see and cannot set:
///
/// ```
/// # use hallpass::{Context, EmailAndPassword, Hallpass, endpoints::SignUpEmail, store::MemoryStore};
/// # use hallpass::{plugin::{DatabaseHooks, HookFuture, Verdict}, store::Row};
/// use hallpass::options::{AdditionalField, SessionOptions};
///
/// struct Region(&'static str);
///
/// impl DatabaseHooks for Region {
///     fn before_create<'a>(&'a self, _: &'a Context, table: &'a str, row: &'a mut Row) -> HookFuture<'a, Verdict> {
///         if table == "session" {
///             row.set("region", self.0);
///         }
///         Box::pin(async { Ok(Verdict::Proceed) })
///     }
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let region = AdditionalField { input: false, required: Some(false), ..AdditionalField::default() };
/// let auth = Hallpass::builder()
/// #     .secret("a secret of at least thirty-two characters").store(MemoryStore::new()).plugin(hallpass::Bearer::new())
/// #     .email_and_password(EmailAndPassword::default())
///     .session(SessionOptions { additional_fields: [("region".into(), region)].into(), ..SessionOptions::default() })
///     .database_hooks(Region("eu-central"))
///     .build()
///     .unwrap();
/// # let ann = SignUpEmail::new("Ann", "ann@example.com".parse().unwrap(), "correct horse");
/// # let signed_up = auth.api().sign_up_email(ann, &http::HeaderMap::new()).await.unwrap();
/// # let mut headers = http::HeaderMap::new();
/// # let token = signed_up.headers["set-auth-token"].to_str().unwrap();
/// # headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
/// let found = auth.api().get_session(&headers).await.unwrap();
/// let json = serde_json::to_value(&found.as_ref().unwrap().session).unwrap();
/// assert_eq!(json["region"], "eu-central");
/// # });
/// ```
#[expect(unused_variables, reason = "the defaults do nothing")]
pub trait DatabaseHooks: Send + Sync + 'static {
    /// A row is about to be added; it may be changed.
    fn before_create<'a>(&'a self, cx: &'a Context, table: &'a str, row: &'a mut Row) -> HookFuture<'a, Verdict> {
        Box::pin(async { Ok(Verdict::Proceed) })
    }
    /// A row was added.
    fn after_create<'a>(&'a self, cx: &'a Context, table: &'a str, row: &'a Row) -> HookFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }
    /// Cells are about to be set; what is set may be changed.
    fn before_update<'a>(&'a self, cx: &'a Context, table: &'a str, set: &'a mut Row) -> HookFuture<'a, Verdict> {
        Box::pin(async { Ok(Verdict::Proceed) })
    }
    /// Cells were set.
    fn after_update<'a>(&'a self, cx: &'a Context, table: &'a str, set: &'a Row) -> HookFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }
    /// A row is about to be removed.
    fn before_delete<'a>(&'a self, cx: &'a Context, table: &'a str, row: &'a Row) -> HookFuture<'a, Verdict> {
        Box::pin(async { Ok(Verdict::Proceed) })
    }
    /// A row was removed.
    fn after_delete<'a>(&'a self, cx: &'a Context, table: &'a str, row: &'a Row) -> HookFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Collects what plugins and the user of the engine add.
pub struct Registrar {
    pub(crate) before: Vec<(Matcher, BeforeHook)>,
    pub(crate) after: Vec<(Matcher, AfterHook)>,
    pub(crate) on_request: Vec<RequestInterceptor>,
    pub(crate) on_response: Vec<ResponseInterceptor>,
    pub(crate) endpoints: Vec<Arc<dyn AnyEndpoint>>,
    pub(crate) database: Vec<Arc<dyn DatabaseHooks>>,
    pub(crate) rate_limits: Vec<RateLimitRule>,
    pub(crate) error_codes: Vec<(&'static str, &'static str)>,
    pub(crate) trusted_origins: Vec<String>,
    pub(crate) providers: Vec<Provider>,
    pub(crate) user_fields: IndexMap<String, AdditionalField>,
    pub(crate) session_fields: IndexMap<String, AdditionalField>,
    pub(crate) schema: Schema,
}

impl Registrar {
    pub(crate) fn new() -> Self {
        Self {
            before: Vec::new(),
            after: Vec::new(),
            on_request: Vec::new(),
            on_response: Vec::new(),
            endpoints: Vec::new(),
            database: Vec::new(),
            rate_limits: Vec::new(),
            error_codes: Vec::new(),
            trusted_origins: Vec::new(),
            providers: Vec::new(),
            user_fields: IndexMap::new(),
            session_fields: IndexMap::new(),
            schema: Schema::core(),
        }
    }

    /// Runs a hook before the endpoints that `matcher` picks.
    pub fn before(&mut self, matcher: Matcher, hook: BeforeHook) {
        self.before.push((matcher, hook));
    }

    /// Runs a hook after the endpoints that `matcher` picks.
    pub fn after(&mut self, matcher: Matcher, hook: AfterHook) {
        self.after.push((matcher, hook));
    }

    /// Sees every request before it is routed.
    pub fn on_request(&mut self, interceptor: RequestInterceptor) {
        self.on_request.push(interceptor);
    }

    /// Sees every answer last.
    pub fn on_response(&mut self, interceptor: ResponseInterceptor) {
        self.on_response.push(interceptor);
    }

    /// Mounts an endpoint. Of two at one path and method the later counts, so a plugin can take the place of a core endpoint.
    pub fn endpoint(&mut self, endpoint: impl Endpoint) {
        self.endpoints.push(Arc::new(Mounted::new(endpoint)));
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) {
        self.schema = std::mem::replace(&mut self.schema, Schema::core()).with_table(table);
    }

    /// Adds a field to the user; one of the same name that was configured is replaced.
    pub fn user_field(&mut self, name: impl Into<String>, field: AdditionalField) {
        self.user_fields.insert(name.into(), field);
    }

    /// Adds a field to the session; one of the same name that was configured is replaced.
    pub fn session_field(&mut self, name: impl Into<String>, field: AdditionalField) {
        self.session_fields.insert(name.into(), field);
    }

    /// Sees writes of records.
    pub fn database_hooks(&mut self, hooks: impl DatabaseHooks) {
        self.database.push(Arc::new(hooks));
    }

    /// Limits how often paths may be called. Of the rules of all plugins, the first that matches a path counts.
    pub fn rate_limit(&mut self, rule: RateLimitRule) {
        self.rate_limits.push(rule);
    }

    /// Announces an error code of the plugin's and its text.
    pub fn error_code(&mut self, code: &'static str, message: &'static str) {
        self.error_codes.push((code, message));
    }

    /// Lets users sign in at an outside provider.
    pub fn provider(&mut self, provider: Provider) {
        self.providers.push(provider);
    }

    /// Trusts an origin (CONTRACT §9.4).
    pub fn trusted_origin(&mut self, origin: impl Into<String>) {
        self.trusted_origins.push(origin.into());
    }
}

impl fmt::Debug for Registrar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registrar").field("endpoints", &self.endpoints.len()).finish_non_exhaustive()
    }
}
