//! Building the engine, and what it consists of.

use std::{collections::HashMap, fmt, num::NonZeroUsize, sync::Arc};

use hallpass_store::{Mode, Plan, Schema, Session, Store, StoreError, User};
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
        password,
        pool::Pool,
        random::{Randomness, SystemRandomness},
        secrets::Secrets,
    },
    endpoints,
    error::{ApiError, BuildError, ErrorCode},
    gate::{ClientIps, RateLimiter, StoredCounters, TrustedOrigins, origin::OriginCheck, origin_of, stored_counters},
    mail::{MailKind, Mailer, Outbox, Senders},
    options::{
        AdditionalField, AdvancedOptions, ChangeEmailOptions, DeleteUserOptions, EmailAndPassword, EmailVerification,
        Environment, GenerateId, RateLimitOptions, RateLimitStorage, SessionOptions, UserOptions, VerificationOptions,
    },
    plugin::{
        AfterHook, BeforeHook, DatabaseHooks, Matcher, Plugin, Registrar, RequestInterceptor, ResponseInterceptor,
    },
    routes::Routes,
    session::SessionAndUser,
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
    pub(crate) cookies: AuthCookies,
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
    base_url: Option<String>,
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
    user: UserOptions,
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
            base_url: None,
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
            user: UserOptions::default(),
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

    /// What tokens and cookies are signed with. Required; whoever knows it can sign.
    pub fn secret(mut self, secret: impl Into<Secret>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// What clients reach this server at, such as `https://api.example.com`. When not said, each request's own host is taken
    /// for it.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
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

    /// The user record.
    pub fn user(mut self, options: UserOptions) -> Self {
        self.user = options;
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

    /// Runs a hook before every endpoint, and before the plugins' hooks.
    pub fn before(mut self, hook: BeforeHook) -> Self {
        self.hooks.before(crate::plugin::every(), hook);
        self
    }

    /// Runs a hook after every endpoint, and before the plugins' hooks.
    pub fn after(mut self, hook: AfterHook) -> Self {
        self.hooks.after(crate::plugin::every(), hook);
        self
    }

    /// Sees writes of records.
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
        let secret = self.secret.take().filter(|secret| !secret.expose().is_empty());
        let secret = secret.ok_or_else(|| {
            BuildError::new("a secret is required: call `.secret(…)` with at least 32 random characters")
        })?;
        warn_of_weak(&secret);
        let store = self.store.take().ok_or_else(|| BuildError::new("a store is required: call `.store(…)`"))?;
        let base = Base::new(self.base_url.as_deref(), self.base_path.as_deref())?;
        check_spans(&self.session)?;
        check_disabled_paths(&self.disabled_paths)?;
        check_domain(&self.advanced, &base)?;
        check_storage(&self.rate_limit)?;
        self.senders.switches = self.switches();
        check_links(&self, &base)?;
        let registrar = self.collect()?;
        Ok(Hallpass { engine: Arc::new(self.assemble(&secret, store, base, registrar)?) })
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
        secret: &Secret,
        store: Arc<dyn Store>,
        base: Base,
        registrar: Registrar,
    ) -> Result<Engine, BuildError> {
        let is_https = base.origin.as_deref().map(|origin| origin.starts_with("https://"));
        let secure = self.advanced.use_secure_cookies.or(is_https);
        let secure = secure.unwrap_or(self.environment == Environment::Production);
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let hashing = Pool::start(threads, self.hash_queue).map_err(|error| {
            BuildError::new(format!("the threads for hashing passwords could not be started: {error}"))
        })?;
        let (schema, key) = (self.schema(&registrar), SigningKey::new(secret.expose()));
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
            secrets: Secrets::new(secret.clone()),
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
            cookies: AuthCookies::new(&self.advanced, &self.session, secure, base.host.as_deref()),
            email_and_password: self.email_and_password,
            email_verification: self.email_verification,
            verification: self.verification,
            next_sweep: NextSweep::default(),
            change_email: self.user.change_email,
            delete_user: self.user.delete_user,
            session: self.session,
            user_fields: registrar.user_fields,
            session_fields: registrar.session_fields,
            error_url: self.error_url,
            ips: ClientIps::new(&self.advanced.ip_address, self.environment)?,
            origins: OriginCheck {
                trusted: trusted(base.origin.as_deref(), &self.trusted_origins, &registrar.trusted_origins),
                trust_own: base.origin.is_none(),
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

    /// The tables, with what configuration and plugins add to them.
    fn schema(&self, registrar: &Registrar) -> Schema {
        let tables = [("user", &registrar.user_fields), ("session", &registrar.session_fields)];
        let columns = tables.into_iter().flat_map(|(table, fields)| fields.iter().map(move |field| (table, field)));
        let mut schema = columns.fold(registrar.schema.clone(), |schema, (table, (name, field))| {
            schema.with_column(table, field.column(name))
        });
        if self.rate_limit.is_in_database() {
            schema = schema.with_table(stored_counters::table());
        }
        let numbers = self.make_id.is_none() && self.advanced.database.generate_id == Some(GenerateId::Serial);
        if numbers { schema.numbered() } else { schema }
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

fn trusted(own: Option<&str>, configured: &[String], plugins: &[String]) -> TrustedOrigins {
    TrustedOrigins::new(own.into_iter().chain(configured.iter().chain(plugins).map(String::as_str)))
}

/// Clients keep no cookie longer than 400 days; the npm package fails at every sign-in instead.
fn check_spans(session: &SessionOptions) -> Result<(), BuildError> {
    if session.expires_in().as_secs() > SetCookie::MAX_AGE_LIMIT {
        return Err(BuildError::new(
            "session.expires_in: clients keep no cookie longer than 400 days; choose a shorter span",
        ));
    }
    Ok(())
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
    if cross.enabled && cross.domain.is_none() && base.host.is_none() {
        return Err(BuildError::new("advanced.cross_sub_domain_cookies: set its domain, or base_url"));
    }
    Ok(())
}

/// Links in mails lead to the base URL. Without one they would lead wherever the `Host` header of a request says, and a stranger who
/// asks for somebody else's link would choose where its token goes.
fn check_links(builder: &Builder, base: &Base) -> Result<(), BuildError> {
    let sends = builder.senders.every.is_some() || !builder.senders.single.is_empty();
    if sends && base.origin.is_none() && builder.environment == Environment::Production {
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

/// As in the npm package, a short secret is a warning and no more.
fn warn_of_weak(secret: &Secret) {
    let text = secret.expose();
    let distinct = text.chars().collect::<std::collections::BTreeSet<_>>().len();
    let bits = f64::from(u32::try_from(text.chars().count()).unwrap_or(u32::MAX))
        * f64::from(u32::try_from(distinct).unwrap_or(u32::MAX)).log2();
    if text.len() < 32 || bits < 120.0 {
        tracing::warn!(
            "the secret is short or repeats itself; use at least 32 random characters, such as `hallpass secret` prints"
        );
    }
}

/// The base URL taken apart.
struct Base {
    origin: Option<String>,
    host: Option<String>,
    path: String,
}

impl Base {
    fn new(url: Option<&str>, path: Option<&str>) -> Result<Self, BuildError> {
        let path = trimmed(path.filter(|path| !path.is_empty()).unwrap_or("/api/auth"));
        let Some(url) = url.filter(|url| !url.is_empty()) else {
            return Ok(Self { origin: None, host: None, path: plain(path)? });
        };
        let wrong = || BuildError::new(format!("base_url: `{url}` is no URL that begins with http:// or https://"));
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(wrong)?;
        // A path of its own replaces the base path (CONTRACT §1.1).
        let own = trimmed(parsed.path());
        let path = plain(if own.is_empty() { path } else { own })?;
        Ok(Self { origin: origin_of(&parsed), host: parsed.host_str().map(Into::into), path })
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
