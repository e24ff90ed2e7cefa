//! Building the engine, and what it consists of.

use std::{collections::HashMap, fmt, num::NonZeroUsize, sync::Arc};

use hallpass_store::{Mode, Plan, Schema, Session, Store, StoreError, Table, User};
use hallpass_verify::{Secret, SigningKey};
use indexmap::IndexMap;
use url::Url;

use crate::{
    api::Api,
    background::Background,
    callbacks::{Callbacks, Nobody},
    clock::{Clock, SystemClock},
    cookie::{AuthCookies, SetCookie},
    crypto::{
        ids::{Ids, MakeId},
        jwe::{self, KeyRing},
        password,
        pool::Pool,
        random::{Randomness, SystemRandomness},
        secrets::Secrets,
    },
    endpoints,
    error::{ApiError, BuildError, ErrorCode},
    gate::{
        ClientIps, RateLimiter, StoredCounters, TrustedOrigins,
        base_url::{self, DynamicBaseUrl, NameCookies},
        origin::{OriginCheck, OriginsOf},
        origin_of, stored_counters,
    },
    mail::{MailKind, Mailer, Outbox, Senders},
    oauth::{HttpClient, Providers},
    options::{
        AccountOptions, AdditionalField, AdvancedOptions, AllowedHosts, BaseUrl, BaseUrlProtocol, ChangeEmailOptions,
        CookieCacheOptions, DeleteUserOptions, EmailAndPassword, EmailVerification, Environment, GenerateId,
        RateLimitOptions, RateLimitStorage, RefreshCache, SessionOptions, UserOptions, VerificationOptions,
    },
    plugin::{
        AfterHook, BeforeHook, DatabaseHooks, Matcher, Plugin, Registrar, RequestInterceptor, ResponseInterceptor,
    },
    request::Request,
    routes::Routes,
    session::{
        SessionAndUser,
        cache::{Cache, VersionOf},
    },
    table_names::{self, TableNames},
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
    /// Takes out the fields that clients do not see (`returned: false`).
    pub(crate) fn visible(&self, found: SessionAndUser) -> SessionAndUser {
        SessionAndUser { session: self.visible_session(found.session), user: self.visible_user(found.user) }
    }

    pub(crate) fn visible_session(&self, mut session: Session) -> Session {
        session.extra.retain(|name| is_returned(&self.session_fields, name));
        session
    }

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
    pub fn store(&self) -> &dyn Store {
        &*self.engine.store
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
        let path = path::routed(path, &self.engine.base_path)?;
        self.engine.routes.find(method, path).map(|found| found.endpoint.route().path())
    }

    /// Creates the tables and columns that the store lacks, or says which.
    ///
    /// # Errors
    /// When the store is away, or has something that this cannot be fitted to; nothing is changed then.
    pub async fn migrate(&self, mode: Mode) -> Result<Plan, StoreError> {
        self.engine.store.migrate(&self.engine.schema, mode).await
    }
}

/// Collects what an engine is made of. Every method replaces what was said before, but those that add hooks and plugins.
#[must_use]
pub struct Builder {
    environment: Environment,
    secret: Option<Secret>,
    secrets: Vec<(u32, Secret)>,
    base_url: Option<BaseUrl>,
    trusted_origins_for: Option<OriginsOf>,
    base_path: Option<String>,
    store: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    make_id: Option<MakeId>,
    trusted_origins: Vec<String>,
    disabled_paths: Vec<String>,
    email_and_password: EmailAndPassword,
    email_verification: EmailVerification,
    verification: VerificationOptions,
    senders: Senders,
    callbacks: Arc<dyn Callbacks>,
    session: SessionOptions,
    cookie_cache_version: Option<VersionOf>,
    user: UserOptions,
    account: AccountOptions,
    http_client: Option<Arc<dyn HttpClient>>,
    rate_limit: RateLimitOptions,
    advanced: AdvancedOptions,
    error_url: Option<String>,
    body_limit: usize,
    hash_queue: usize,
    hooks: Registrar,
    plugins: Vec<Box<dyn Plugin>>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            environment: Environment::default(),
            secret: None,
            secrets: Vec::new(),
            base_url: None,
            trusted_origins_for: None,
            base_path: None,
            store: None,
            clock: Arc::new(SystemClock),
            randomness: Arc::new(SystemRandomness),
            make_id: None,
            trusted_origins: Vec::new(),
            disabled_paths: Vec::new(),
            // As in the npm package, passwords are offered once somebody says so.
            email_and_password: EmailAndPassword { enabled: false, ..EmailAndPassword::default() },
            email_verification: EmailVerification::default(),
            verification: VerificationOptions::default(),
            senders: Senders::default(),
            callbacks: Arc::new(Nobody),
            session: SessionOptions::default(),
            cookie_cache_version: None,
            user: UserOptions::default(),
            account: AccountOptions::default(),
            http_client: None,
            rate_limit: RateLimitOptions::default(),
            advanced: AdvancedOptions::default(),
            error_url: None,
            body_limit: 1024 * 1024,
            hash_queue: 256,
            hooks: Registrar::new(),
            plugins: Vec::new(),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("environment", &self.environment).finish_non_exhaustive()
    }
}

impl Builder {
    /// Development or production; production when not said.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// What tokens and cookies are signed and encrypted with. Required; whoever knows it can sign. In production the npm package's
    /// default, which everybody knows, is refused.
    pub fn secret(mut self, secret: impl Into<Secret>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Secrets with versions, the current one first; a version must not change its secret.
    ///
    /// To replace a secret, put a new version before it and leave it where it is. What was encrypted before can still be read then;
    /// what was signed before counts for nothing any more, so everybody has to sign in again. A secret from before there were
    /// versions stays what [`secret`](Self::secret) says.
    ///
    /// ```
    /// # use hallpass::{Hallpass, store::MemoryStore};
    /// # fn main() -> Result<(), hallpass::BuildError> {
    /// let auth = Hallpass::builder()
    ///     .secrets([(2, "the new secret of at least 32 characters"), (1, "the one before, which still decrypts")])
    ///     .store(MemoryStore::new())
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn secrets<S: Into<Secret>>(mut self, secrets: impl IntoIterator<Item = (u32, S)>) -> Self {
        self.secrets = secrets.into_iter().map(|(version, secret)| (version, secret.into())).collect();
        self
    }

    /// What clients reach this server at, such as `https://api.example.com`. When not said, each request's own host is taken
    /// for it. Several hosts are given as [`AllowedHosts`].
    pub fn base_url(mut self, url: impl Into<BaseUrl>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Where endpoints are mounted; `/api/auth`.
    pub fn base_path(mut self, path: impl Into<String>) -> Self {
        self.base_path = Some(path.into());
        self
    }

    /// What keeps users and sessions. Required.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// A store that others use too.
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Where the time comes from; the machine when not said.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where randomness comes from; the operating system when not said.
    pub fn randomness(mut self, randomness: impl Randomness) -> Self {
        self.randomness = Arc::new(randomness);
        self
    }

    /// Makes the ids of rows with a function, which is given the logical name of the table; comes before
    /// [`DatabaseOptions::generate_id`](crate::options::DatabaseOptions). Session tokens are not made by it.
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicU64, Ordering};
    /// # use hallpass::{Hallpass, store::MemoryStore};
    /// let next = AtomicU64::new(1);
    /// let builder = Hallpass::builder()
    ///     .generate_id(move |table| format!("{table}_{}", next.fetch_add(1, Ordering::Relaxed)));
    /// # builder.secret("a secret of at least thirty-two characters").store(MemoryStore::new()).build().unwrap();
    /// ```
    pub fn generate_id(mut self, function: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.make_id = Some(Arc::new(function));
        self
    }

    /// Further origins whose pages may use this server (CONTRACT §9.4).
    pub fn trusted_origins<S: Into<String>>(mut self, origins: impl IntoIterator<Item = S>) -> Self {
        self.trusted_origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Further origins that depend on the request, asked anew for each request that is checked.
    ///
    /// ```
    /// # use hallpass::{Hallpass, store::MemoryStore};
    /// let builder = Hallpass::builder().trusted_origins_for(|request| {
    ///     let tenant = request.header("x-tenant").filter(|tenant| tenant.chars().all(char::is_alphanumeric));
    ///     tenant.map(|tenant| format!("https://{tenant}.example.com")).into_iter().collect()
    /// });
    /// # builder.secret("a secret of at least thirty-two characters").store(MemoryStore::new()).build().unwrap();
    /// ```
    pub fn trusted_origins_for(mut self, origins: impl Fn(&Request) -> Vec<String> + Send + Sync + 'static) -> Self {
        self.trusted_origins_for = Some(OriginsOf(Box::new(origins)));
        self
    }

    /// Paths below the base path that are answered with 404.
    pub fn disabled_paths<S: Into<String>>(mut self, paths: impl IntoIterator<Item = S>) -> Self {
        self.disabled_paths = paths.into_iter().map(Into::into).collect();
        self
    }

    /// Offers signing up and in with e-mail address and password.
    pub fn email_and_password(mut self, options: EmailAndPassword) -> Self {
        self.email_and_password = options;
        self
    }

    /// How addresses are proven.
    pub fn email_verification(mut self, options: EmailVerification) -> Self {
        self.email_verification = options;
        self
    }

    /// How values are kept until a link is followed.
    pub fn verification(mut self, options: VerificationOptions) -> Self {
        self.verification = options;
        self
    }

    /// Who carries mail, but for kinds that have a mailer of their own. Without any, what needs mail is refused as in the npm
    /// package without its sender functions.
    pub fn mailer(mut self, mailer: impl Mailer) -> Self {
        self.senders.every = Some(Arc::new(mailer));
        self
    }

    /// Who carries mail of one kind; it is sent then, whatever the options say.
    pub fn mailer_for(mut self, kind: MailKind, mailer: impl Mailer) -> Self {
        self.senders.single.insert(kind, Arc::new(mailer));
        self
    }

    /// Is told what happens to users.
    pub fn callbacks(mut self, callbacks: impl Callbacks) -> Self {
        self.callbacks = Arc::new(callbacks);
        self
    }

    /// How long sessions live.
    pub fn session(mut self, options: SessionOptions) -> Self {
        self.session = options;
        self
    }

    /// Says which version the copy of a session in a cookie must have to be believed, from what the copy holds; goes before
    /// [`CookieCacheOptions::version`](crate::options::CookieCacheOptions::version).
    ///
    /// ```
    /// # use hallpass::{Hallpass, store::MemoryStore};
    /// # let builder = Hallpass::builder();
    /// let builder = builder.cookie_cache_version(|_session, user| format!("2-{}", user.email_verified));
    /// ```
    pub fn cookie_cache_version(mut self, version: impl Fn(&Session, &User) -> String + Send + Sync + 'static) -> Self {
        self.cookie_cache_version = Some(Box::new(version));
        self
    }

    /// The user record.
    pub fn user(mut self, options: UserOptions) -> Self {
        self.user = options;
        self
    }

    /// How providers are reached. Required where there are any.
    pub fn http_client(mut self, client: impl HttpClient) -> Self {
        self.http_client = Some(Arc::new(client));
        self
    }

    /// Accounts at outside providers.
    pub fn account(mut self, options: AccountOptions) -> Self {
        self.account = options;
        self
    }

    /// How often clients may call.
    pub fn rate_limit(mut self, options: RateLimitOptions) -> Self {
        self.rate_limit = options;
        self
    }

    /// Cookies, origins and addresses.
    pub fn advanced(mut self, options: AdvancedOptions) -> Self {
        self.advanced = options;
        self
    }

    /// Where browsers are sent when something goes wrong on a redirect (`onAPIError.errorURL`).
    pub fn error_url(mut self, url: impl Into<String>) -> Self {
        self.error_url = Some(url.into());
        self
    }

    /// The longest body that is read, in bytes; 1 MiB. Longer ones are refused with 413.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// How many passwords may wait to be hashed, beyond those being hashed; 256. Further ones are refused with 503.
    pub fn hash_queue(mut self, waiting: usize) -> Self {
        self.hash_queue = waiting;
        self
    }

    /// Runs a hook before every endpoint, and before the plugins' hooks: it sees the request as the client sent it, may change what comes
    /// after sees of it, answer in the endpoint's place, or refuse. In which order hooks run, and after which refusals, is CONTRACT
    /// §1.3 and §16.
    ///
    /// ```
    /// use hallpass::{ApiError, Hallpass, plugin::{Flow, hook}, store::MemoryStore};
    /// use http::StatusCode;
    ///
    /// // Nobody signs up at the weekend.
    /// let is_weekend = || true;
    /// let auth = Hallpass::builder()
    ///     .before(hook(move |cx| Box::pin(async move {
    ///         if cx.request().path() == "/sign-up/email" && is_weekend() {
    ///             return Err(ApiError::coded(StatusCode::FORBIDDEN, "CLOSED", "Sign-up opens on Monday"));
    ///         }
    ///         Ok(Flow::Continue)
    ///     })))
    /// #   .secret("a secret of at least thirty-two characters")
    /// #   .store(MemoryStore::new())
    ///     .build()
    ///     .unwrap();
    /// ```
    pub fn before(mut self, hook: BeforeHook) -> Self {
        self.hooks.before(crate::plugin::every(), hook);
        self
    }

    /// Runs a hook after every endpoint, and before the plugins' hooks: it sees what was answered or refused, the session that began
    /// ([`Context::new_session`](crate::Context::new_session)), and may add headers, replace the answer, or refuse after all.
    ///
    /// ```
    /// use hallpass::{Hallpass, plugin::hook, store::MemoryStore};
    ///
    /// let auth = Hallpass::builder()
    ///     .after(hook(|cx| Box::pin(async move {
    ///         if let Some(session) = cx.new_session() {
    ///             println!("{} signed in", session.user.id);
    ///         }
    ///         Ok(())
    ///     })))
    /// #   .secret("a secret of at least thirty-two characters")
    /// #   .store(MemoryStore::new())
    ///     .build()
    ///     .unwrap();
    /// ```
    pub fn after(mut self, hook: AfterHook) -> Self {
        self.hooks.after(crate::plugin::every(), hook);
        self
    }

    /// Sees writes of records, and may change or forbid them; [`DatabaseHooks`] has examples.
    pub fn database_hooks(mut self, hooks: impl DatabaseHooks) -> Self {
        self.hooks.database_hooks(hooks);
        self
    }

    /// Adds a plugin.
    pub fn plugin(mut self, plugin: impl Plugin) -> Self {
        self.plugins.push(Box::new(plugin));
        self
    }

    /// Checks everything and builds the engine.
    ///
    /// # Errors
    /// When something required is missing or makes no sense; the text says what to change.
    pub fn build(mut self) -> Result<Hallpass, BuildError> {
        let secrets = Secrets::build(std::mem::take(&mut self.secrets), self.secret.take(), self.environment)?;
        let store = self.store.take().ok_or_else(|| BuildError::new("a store is required: call `.store(…)`"))?;
        let base = Base::new(self.base_url.as_ref(), self.base_path.as_deref())?;
        check_spans(&self.session)?;
        warn_of_refresh_cache(&self.session.cookie_cache);
        check_disabled_paths(&self.disabled_paths)?;
        check_domain(&self.advanced, &base)?;
        check_storage(&self.rate_limit)?;
        self.senders.switches = self.switches();
        check_links(&self, &base)?;
        let registrar = self.collect()?;
        Ok(Hallpass { engine: Arc::new(self.assemble(secrets, store, base, registrar)?) })
    }

    /// What the user of the engine, the engine itself and the plugins add, in this order.
    fn collect(&mut self) -> Result<Registrar, BuildError> {
        let mut registrar = std::mem::replace(&mut self.hooks, Registrar::new());
        registrar.user_fields = std::mem::take(&mut self.user.additional_fields);
        registrar.session_fields = std::mem::take(&mut self.session.additional_fields);
        endpoints::mount(&mut registrar);
        self.add_plugins(&mut registrar)?;
        check_fields(&registrar)?;
        Ok(registrar)
    }

    /// Which mail is sent where one mailer carries every kind.
    fn switches(&self) -> HashMap<MailKind, bool> {
        let (change, delete) = (&self.user.change_email, &self.user.delete_user);
        HashMap::from([
            (MailKind::VERIFY_EMAIL, self.email_verification.send_verification_email.unwrap_or(true)),
            (MailKind::RESET_PASSWORD, self.email_and_password.send_reset_password.unwrap_or(true)),
            (MailKind::CHANGE_EMAIL_CONFIRMATION, change.send_change_email_confirmation.unwrap_or(false)),
            (MailKind::DELETE_ACCOUNT, delete.send_delete_account_verification.unwrap_or(false)),
        ])
    }

    /// Puts everything in its place.
    fn assemble(
        self,
        secrets: Secrets,
        store: Arc<dyn Store>,
        base: Base,
        registrar: Registrar,
    ) -> Result<Engine, BuildError> {
        let secure = self.advanced.use_secure_cookies.or(base.is_https());
        let secure = secure.unwrap_or(self.environment == Environment::Production);
        let hosts = self.dynamic_base_url(&base)?;
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let hashing = Pool::start(threads, self.hash_queue).map_err(|error| {
            BuildError::new(format!("the threads for hashing passwords could not be started: {error}"))
        })?;
        let (schema, key) = (self.schema(&registrar)?, SigningKey::new(secrets.current()));
        let ids = Ids::new(self.advanced.database.generate_id, self.make_id, Arc::clone(&self.randomness));
        let stored = self
            .rate_limit
            .is_in_database()
            .then(|| StoredCounters::new(Arc::clone(&store), schema.clone(), Arc::clone(&self.clock), ids.clone()));
        let limits = registrar.rate_limits;
        let background = Background::default();
        Ok(Engine {
            environment: self.environment,
            limiter: RateLimiter::new(&self.rate_limit, self.environment, limits, key.clone(), stored),
            store,
            schema,
            key,
            ids,
            clock: self.clock,
            outbox: Outbox::new(self.senders, background.clone(), Arc::clone(&self.randomness)),
            randomness: self.randomness,
            hashing,
            background,
            callbacks: self.callbacks,
            body_limit: self.body_limit,
            disabled_paths: self.disabled_paths,
            skip_trailing_slashes: self.advanced.skip_trailing_slashes,
            trusted_proxy_headers: self.advanced.trusted_proxy_headers,
            hosts,
            default_cookies: AuthCookies::new(&self.advanced, &self.session, secure, base.host.as_deref()),
            email_and_password: self.email_and_password,
            email_verification: self.email_verification,
            verification: self.verification,
            next_sweep: NextSweep::default(),
            change_email: self.user.change_email,
            delete_user: self.user.delete_user,
            cookie_cache: Cache::new(&self.session.cookie_cache, self.cookie_cache_version, &secrets),
            account_cookie: self.account.store_account_cookie.then(|| KeyRing::new(&secrets, jwe::ACCOUNT)),
            account: self.account,
            providers: Providers::new(registrar.providers, self.http_client)?,
            secrets,
            session: self.session,
            user_fields: registrar.user_fields,
            session_fields: registrar.session_fields,
            error_url: self.error_url,
            ips: ClientIps::new(&self.advanced.ip_address, self.environment)?,
            origins: OriginCheck {
                trusted: trusted(&base, &self.trusted_origins, &registrar.trusted_origins),
                of_request: self.trusted_origins_for,
                trust_own: base.is_unknown(),
                csrf_disabled: self.advanced.disable_csrf_check,
                disabled: self.advanced.disable_origin_check,
            },
            origin: base.origin,
            base_path: base.path,
            routes: Routes::new(registrar.endpoints)?,
            before: registrar.before,
            after: registrar.after,
            on_request: registrar.on_request,
            on_response: registrar.on_response,
            database: registrar.database,
            error_codes: registrar.error_codes,
        })
    }

    /// Where the base URL depends on the request, what it can be.
    fn dynamic_base_url(&self, base: &Base) -> Result<Option<DynamicBaseUrl>, BuildError> {
        let Some(hosts) = &base.hosts else { return Ok(None) };
        let name_cookies = self.advanced.cross_sub_domain_cookies.enabled.then(|| -> NameCookies {
            let (advanced, session) = (self.advanced.clone(), self.session.clone());
            Box::new(move |is_https, host| {
                AuthCookies::new(&advanced, &session, advanced.use_secure_cookies.unwrap_or(is_https), host)
            })
        });
        let trusts_proxy = self.advanced.trusted_proxy_headers;
        DynamicBaseUrl::new(hosts, &base.path, trusts_proxy, name_cookies).map(Some)
    }

    /// The tables, with what configuration and plugins add to them.
    fn schema(&self, registrar: &Registrar) -> Result<Schema, BuildError> {
        let tables = [("user", &registrar.user_fields), ("session", &registrar.session_fields)];
        let columns = tables.into_iter().flat_map(|(table, fields)| fields.iter().map(move |field| (table, field)));
        let mut schema = columns.fold(registrar.schema.clone(), |schema, (table, (name, field))| {
            schema.with_column(table, field.column(name))
        });
        if self.rate_limit.is_in_database() {
            schema = schema.with_table(stored_counters::table());
        }
        let numbers = self.make_id.is_none() && self.advanced.database.generate_id == Some(GenerateId::Serial);
        if numbers {
            schema = schema.numbered();
        }
        let named = self.table_names().iter().try_fold(schema, |schema, names| names.apply(schema))?;
        table_names::check(&named)?;
        Ok(named)
    }

    /// What the engine's own tables are called.
    fn table_names(&self) -> Vec<TableNames<'_>> {
        let named = |table: Table| {
            let (section, model_name, fields) = match &*table.name {
                "user" => ("user", &self.user.model_name, &self.user.fields),
                "session" => ("session", &self.session.model_name, &self.session.fields),
                "account" => ("account", &self.account.model_name, &self.account.fields),
                "verification" => ("verification", &self.verification.model_name, &self.verification.fields),
                _ => ("rate_limit", &self.rate_limit.model_name, &self.rate_limit.fields),
            };
            TableNames { table, section, model_name: model_name.as_deref(), fields }
        };
        let core = Schema::core();
        core.tables().iter().cloned().chain([stored_counters::table()]).map(named).collect()
    }

    fn add_plugins(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        let mut known: Vec<&str> = Vec::new();
        for plugin in &self.plugins {
            if known.contains(&plugin.id()) {
                return Err(BuildError::new(format!("the plugin `{}` is added twice", plugin.id())));
            }
            known.push(plugin.id());
            plugin.build(registrar)?;
        }
        Ok(())
    }
}

fn trusted(base: &Base, configured: &[String], plugins: &[String]) -> TrustedOrigins {
    let own = base.hosts.as_ref().map_or_else(|| base.origin.clone().into_iter().collect(), base_url::trusted);
    TrustedOrigins::new(own.iter().chain(configured).chain(plugins).map(String::as_str))
}

/// Clients keep no cookie longer than 400 days; the npm package fails at every sign-in instead.
fn check_spans(session: &SessionOptions) -> Result<(), BuildError> {
    let spans = [("expires_in", session.expires_in()), ("cookie_cache.max_age", session.cookie_cache.max_age())];
    match spans.iter().find(|(_, span)| span.as_secs() > SetCookie::MAX_AGE_LIMIT) {
        None => Ok(()),
        Some((name, _)) => Err(BuildError::new(format!(
            "session.{name}: clients keep no cookie longer than 400 days; choose a shorter span"
        ))),
    }
}

/// As in the npm package with a database.
fn warn_of_refresh_cache(cache: &CookieCacheOptions) {
    if cache.refresh_cache.is_some_and(|refresh| refresh != RefreshCache::Switch(false)) {
        tracing::warn!(
            "session.cookie_cache.refresh_cache is for servers without a database and does nothing here; leave it out"
        );
    }
}

/// Counting elsewhere than was asked for would be no limit for several servers together.
fn check_storage(rate_limit: &RateLimitOptions) -> Result<(), BuildError> {
    if rate_limit.storage == Some(RateLimitStorage::SecondaryStorage) {
        return Err(BuildError::new(
            "rate_limit.storage: there is no secondary storage yet; say \"memory\" or \"database\"",
        ));
    }
    Ok(())
}

/// As in the npm package: without a base URL there is no domain to share.
fn check_domain(advanced: &AdvancedOptions, base: &Base) -> Result<(), BuildError> {
    let cross = &advanced.cross_sub_domain_cookies;
    if cross.enabled && cross.domain.is_none() && base.host.is_none() && base.hosts.is_none() {
        return Err(BuildError::new("advanced.cross_sub_domain_cookies: set its domain, or base_url"));
    }
    Ok(())
}

/// Links in mails lead to the base URL. Without one they would lead wherever the `Host` header of a request says, and a stranger who
/// asks for somebody else's link would choose where its token goes.
fn check_links(builder: &Builder, base: &Base) -> Result<(), BuildError> {
    let senders = &builder.senders;
    let sends = senders.every.is_some() && senders.switches.values().any(|is_on| *is_on) || !senders.single.is_empty();
    if sends && base.is_unknown() && builder.environment == Environment::Production {
        return Err(BuildError::new(
            "base_url is required where mail is sent: links in mails would otherwise lead wherever a request's Host \
             header says; set it to what clients reach this server at, such as https://api.example.com",
        ));
    }
    Ok(())
}

/// A path that can never match would leave open what was meant to be closed.
fn check_disabled_paths(paths: &[String]) -> Result<(), BuildError> {
    match paths.iter().find(|path| !path.starts_with('/') || path.ends_with('/')) {
        None => Ok(()),
        Some(path) => Err(BuildError::new(format!(
            "disabled_paths: `{path}` matches nothing; write it as the endpoint is written, such as /sign-up/email"
        ))),
    }
}

/// A field in the place of a core column would let clients set what is not theirs to set.
fn check_fields(registrar: &Registrar) -> Result<(), BuildError> {
    let core = Schema::core();
    for (table, fields) in [("user", &registrar.user_fields), ("session", &registrar.session_fields)] {
        let columns = core.table(table);
        if let Some(name) = fields.keys().find(|name| columns.is_some_and(|columns| columns.get(name).is_some())) {
            return Err(BuildError::new(format!(
                "{table}.additional_fields: `{name}` is a column of the {table} table already; choose another name"
            )));
        }
    }
    Ok(())
}

/// The base URL taken apart.
struct Base {
    origin: Option<String>,
    host: Option<String>,
    path: String,
    hosts: Option<AllowedHosts>,
}

impl Base {
    /// Whether it is known over TLS or without; each request may say otherwise where it is not.
    fn is_https(&self) -> Option<bool> {
        match self.hosts.as_ref().map(|hosts| hosts.protocol) {
            Some(Some(BaseUrlProtocol::Https)) => Some(true),
            Some(Some(BaseUrlProtocol::Http)) => Some(false),
            Some(Some(BaseUrlProtocol::Auto) | None) => None,
            None => self.origin.as_deref().map(|origin| origin.starts_with("https://")),
        }
    }

    /// Whether nothing was said, so that each request's own host has to be taken for it.
    fn is_unknown(&self) -> bool {
        self.origin.is_none() && self.hosts.is_none()
    }

    fn new(url: Option<&BaseUrl>, path: Option<&str>) -> Result<Self, BuildError> {
        let path = trimmed(path.filter(|path| !path.is_empty()).unwrap_or("/api/auth"));
        let (url, hosts) = match url {
            Some(BaseUrl::Url(url)) if !url.is_empty() => (url, None),
            Some(BaseUrl::Hosts(hosts)) => (&String::new(), Some(hosts.clone())),
            _ => (&String::new(), None),
        };
        if url.is_empty() {
            return Ok(Self { origin: None, host: None, path: plain(path)?, hosts });
        }
        let wrong = || BuildError::new(format!("base_url: `{url}` is no URL that begins with http:// or https://"));
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(wrong)?;
        // A path of its own replaces the base path (CONTRACT §1.1).
        let own = trimmed(parsed.path());
        let path = plain(if own.is_empty() { path } else { own })?;
        Ok(Self { origin: origin_of(&parsed), host: parsed.host_str().map(Into::into), path, hosts })
    }
}

/// A base path stands in routes and in pages, so it is made of letters that mean nothing there.
fn plain(path: String) -> Result<String, BuildError> {
    if path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~%".contains(&byte)) {
        return Ok(path);
    }
    Err(BuildError::new(format!("base_path: `{path}` may hold letters, digits, - _ . ~ % and slashes only")))
}

fn trimmed(path: &str) -> String {
    let path = path.trim_matches('/');
    if path.is_empty() { String::new() } else { format!("/{path}") }
}
