//! What an engine is built of, and how it is said.

mod assembly;
mod checks;

use std::{fmt, sync::Arc};

use hallpass_store::{SecondaryStorage, Session, Store, User};
use hallpass_verify::Secret;

use crate::{
    callbacks::{Callbacks, Nobody},
    clock::{Clock, SystemClock},
    crypto::{
        ids::MakeId,
        random::{Randomness, SystemRandomness},
    },
    gate::origin::OriginsOf,
    mail::{MailKind, Mailer, Senders},
    oauth::HttpClient,
    options::{
        AccountOptions, AdvancedOptions, BaseUrl, EmailAndPassword, EmailVerification, Environment, RateLimitOptions,
        SessionOptions, UserOptions, VerificationOptions,
    },
    plugin::{AfterHook, BeforeHook, DatabaseHooks, Plugin, Registrar},
    request::Request,
    session::cache::VersionOf,
};

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
    pub(super) secondary: Option<Arc<dyn SecondaryStorage>>,
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
            secondary: None,
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
    /// for it. Several hosts are given as [`AllowedHosts`](crate::options::AllowedHosts).
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

    /// What keeps sessions and verifications in place of the store, or beside it (`session.store_session_in_database`,
    /// `verification.store_in_database`); and counts calls, unless `rate_limit.storage` says otherwise.
    pub fn secondary_storage(mut self, storage: impl SecondaryStorage) -> Self {
        self.secondary = Some(Arc::new(storage));
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
}
