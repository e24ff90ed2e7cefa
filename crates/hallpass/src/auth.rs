//! The server, and everything it consists of.

use std::{fmt, sync::Arc};

use hallpass_cache::{CachedStore, WhyOff};
use hallpass_store::{Fields, Mode, Plan, Schema, Session, Store, StoreError, User};
use hallpass_verify::SigningKey;
use indexmap::IndexMap;

use crate::{
    api::Api,
    background::Background,
    builder::Builder,
    callbacks::Callbacks,
    clock::Clock,
    cookie::AuthCookies,
    crypto::{ids::Ids, jwe::KeyRing, password, pool::Pool, random::Randomness, secrets::Secrets},
    error::{ApiError, ErrorCode},
    gate::{ClientIps, RateLimiter, base_url::DynamicBaseUrl, origin::OriginCheck, rate_limit::Limit},
    mail::Outbox,
    oauth::Providers,
    options::{
        AccountOptions, AdditionalField, ChangeEmailOptions, DeleteUserOptions, EmailAndPassword, EmailVerification,
        Environment, SessionOptions, VerificationOptions,
    },
    plugin::{AfterHook, BeforeHook, DatabaseHooks, Matcher, RequestInterceptor, ResponseInterceptor},
    routes::Routes,
    session::{SessionAndUser, cache::Cache},
    verification::values::NextSweep,
    wire::path,
};

/// An authentication server: give it requests, get answers ([`Hallpass::handle`], or as a [`tower::Service`]), or call its
/// endpoints in process ([`Hallpass::api`]). Cheap to clone; clones are the same server.
///
/// ```
/// use hallpass::{Bearer, EmailAndPassword, Hallpass, store::MemoryStore};
///
/// # fn main() -> Result<(), hallpass::BuildError> {
/// let auth = Hallpass::builder()
///     .secret("a secret of at least thirty-two characters")
///     .base_url("https://api.example.com")
///     .store(MemoryStore::new())
///     .email_and_password(EmailAndPassword::default())
///     .plugin(Bearer::new())
///     .build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Hallpass {
    pub(crate) engine: Arc<Engine>,
}

impl fmt::Debug for Hallpass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hallpass").field("base_path", &self.engine.base_path).finish_non_exhaustive()
    }
}

/// Everything an engine consists of. Nothing in it changes but counters.
pub(crate) struct Engine {
    pub(crate) environment: Environment,
    pub(crate) store: Arc<dyn Store>,
    /// The store once more, where it answers look-ups from memory, or why it does not.
    pub(crate) session_cache: Result<Arc<CachedStore>, WhyOff>,
    pub(crate) schema: Schema,
    pub(crate) key: SigningKey,
    pub(crate) secrets: Secrets,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) ids: Ids,
    pub(crate) hashing: Pool,
    pub(crate) background: Background,
    pub(crate) outbox: Outbox,
    pub(crate) callbacks: Arc<dyn Callbacks>,
    /// The base URL's origin, if one was configured.
    pub(crate) origin: Option<String>,
    pub(crate) base_path: String,
    pub(crate) body_limit: usize,
    pub(crate) disabled_paths: Vec<String>,
    pub(crate) skip_trailing_slashes: bool,
    pub(crate) trusted_proxy_headers: bool,
    /// What cookies are called where that does not depend on the request; ask [`Context::auth_cookies`].
    ///
    /// [`Context::auth_cookies`]: crate::Context::auth_cookies
    pub(crate) default_cookies: AuthCookies,
    /// The hosts it may be reached at, where there are several.
    pub(crate) hosts: Option<DynamicBaseUrl>,
    pub(crate) cookie_cache: Option<Cache>,
    pub(crate) account: AccountOptions,
    pub(crate) providers: Providers,
    /// The keys of the account cookie, where there is one.
    pub(crate) account_cookie: Option<KeyRing>,
    pub(crate) email_and_password: EmailAndPassword,
    pub(crate) email_verification: EmailVerification,
    pub(crate) verification: VerificationOptions,
    pub(crate) next_sweep: NextSweep,
    pub(crate) change_email: ChangeEmailOptions,
    pub(crate) delete_user: DeleteUserOptions,
    pub(crate) session: SessionOptions,
    pub(crate) user_fields: IndexMap<String, AdditionalField>,
    pub(crate) session_fields: IndexMap<String, AdditionalField>,
    pub(crate) error_url: Option<String>,
    pub(crate) ips: ClientIps,
    pub(crate) limiter: RateLimiter,
    pub(crate) origins: OriginCheck,
    pub(crate) routes: Routes,
    pub(crate) before: Vec<(Matcher, BeforeHook)>,
    pub(crate) after: Vec<(Matcher, AfterHook)>,
    pub(crate) on_request: Vec<RequestInterceptor>,
    pub(crate) on_response: Vec<ResponseInterceptor>,
    pub(crate) database: Vec<Arc<dyn DatabaseHooks>>,
    pub(crate) error_codes: Vec<(&'static str, &'static str)>,
}

impl Engine {
    /// What may be shown of a session and its user. As a rule that is all of it, which is then not copied.
    pub(crate) fn visible(&self, found: SessionAndUser) -> SessionAndUser {
        let shows = |extra: &Fields, fields| extra.iter().all(|(name, _)| is_returned(fields, name));
        if shows(&found.session.extra, &self.session_fields) && shows(&found.user.extra, &self.user_fields) {
            return found;
        }
        let (session, user) = found.into_parts();
        SessionAndUser::new(self.visible_session(session), self.visible_user(user))
    }

    /// Takes out the fields that clients do not see (`returned: false`).
    pub(crate) fn visible_session(&self, mut session: Session) -> Session {
        session.extra.retain(|name| is_returned(&self.session_fields, name));
        session
    }

    /// Takes out the fields that clients do not see (`returned: false`).
    pub(crate) fn visible_user(&self, mut user: User) -> User {
        user.extra.retain(|name| is_returned(&self.user_fields, name));
        user
    }

    pub(crate) async fn hash_password(&self, password: String) -> Result<String, ApiError> {
        let salt = password::draw_salt(&*self.randomness);
        Ok(self.hashing.run(move || password::hash(&password, &salt)).await?)
    }

    pub(crate) async fn verify_password(&self, password: String, stored: String) -> Result<bool, ApiError> {
        let verified = self.hashing.run(move || password::verify(&password, &stored)).await?;
        verified.map_err(ApiError::unexpected)
    }
}

fn is_returned(fields: &IndexMap<String, AdditionalField>, name: &str) -> bool {
    fields.get(name).is_none_or(|field| field.returned)
}

impl Hallpass {
    /// Begins to build one.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The endpoints, to call in process.
    pub fn api(&self) -> Api<'_> {
        Api::new(self)
    }

    /// Where it is mounted, such as `/api/auth`.
    pub fn base_path(&self) -> &str {
        &self.engine.base_path
    }

    /// Every error code it can answer with and its text: the engine's own, then those that plugins announced.
    pub fn error_codes(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let own = ErrorCode::ALL.iter().map(|code| (code.code(), code.message()));
        own.chain(self.engine.error_codes.iter().copied())
    }

    /// The tables it uses, those of plugins included.
    pub fn schema(&self) -> &Schema {
        &self.engine.schema
    }

    /// The store it uses.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.engine.store
    }

    /// The cache in front of the store that answers session look-ups from memory.
    ///
    /// # Errors
    /// Where there is none, why.
    ///
    /// ```
    /// use hallpass::{Hallpass, cache::WhyOff, store::MemoryStore};
    /// # let builder = Hallpass::builder().secret("a secret of at least thirty-two characters");
    /// let auth = builder.store(MemoryStore::new()).build().unwrap();
    /// assert_eq!(auth.session_cache().unwrap_err(), WhyOff::StoreCannotTell);
    /// ```
    pub fn session_cache(&self) -> Result<&CachedStore, WhyOff> {
        self.engine.session_cache.as_deref().map_err(|why| *why)
    }

    /// Waits until work that went on after answers is done: mail on its way, above all. Call it before the process ends.
    pub async fn finish_background_work(&self) {
        self.engine.background.finish().await;
    }

    /// The path of the endpoint that answers a request, as the endpoint itself spells it; for labels of metrics and logs.
    ///
    /// ```
    /// # use hallpass::{Hallpass, store::MemoryStore};
    /// # let auth = Hallpass::builder().secret("a secret of at least thirty-two characters").store(MemoryStore::new())
    /// #     .build().unwrap();
    /// assert_eq!(auth.route_of(&http::Method::GET, "/api/auth/ok"), Some("/ok"));
    /// assert_eq!(auth.route_of(&http::Method::GET, "/api/auth/else"), None);
    /// ```
    pub fn route_of(&self, method: &http::Method, path: &str) -> Option<&'static str> {
        let path = self.engine.routes.settled(path, &self.engine.base_path);
        let path = path::routed(&path, &self.engine.base_path)?;
        self.engine.routes.find(method, path).map(|found| found.endpoint.route().path())
    }

    /// How often one client may call a path below the base path; `None` where nothing is counted. For tools that look at a
    /// configuration.
    ///
    /// ```
    /// # use hallpass::{Hallpass, store::MemoryStore};
    /// # let auth = Hallpass::builder().secret("a secret of at least thirty-two characters").store(MemoryStore::new())
    /// #     .build().unwrap();
    /// assert_eq!(auth.rate_limit_of("/sign-in/email").unwrap().max, 3);
    /// ```
    pub fn rate_limit_of(&self, path: &str) -> Option<Limit> {
        self.engine.limiter.limit_of(path)
    }

    /// Creates the tables and columns that the store lacks, or says which.
    ///
    /// # Errors
    /// When the store is away, or has something that this cannot be fitted to; nothing is changed then.
    pub async fn migrate(&self, mode: Mode) -> Result<Plan, StoreError> {
        self.engine.store.migrate(&self.engine.schema, mode).await
    }
}
