//! What a client consists of, and how it is said.

use std::{convert::Infallible, fmt, future::Future, sync::Arc, time::Duration};

use reqwest::redirect::Policy;
use tokio::sync::Mutex;

use crate::{
    AuthClient, BuildError, DropPolicy, Token,
    answer::Seen,
    client::{Hooks, Inner},
    origin::{BASE_PATH, Server},
    retry::Retries,
    store::{MemoryTokenStore, Slot, TokenSource, TokenStore},
};

/// How long one try may take when nothing is said.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Node ends idle connections after five seconds. What does something, and meets that moment, could not be tried again.
const IDLE: Duration = Duration::from_secs(4);
const RETRIES: usize = 2;

/// Makes an [`AuthClient`]. Begins with [`AuthClient::builder`].
#[must_use]
pub struct Builder {
    url: String,
    base_path: String,
    profile: String,
    plain: bool,
    store: Arc<dyn TokenStore>,
    hooks: Hooks,
    policy: DropPolicy,
    timeout: Duration,
    retries: Retries,
    user_agent: Option<String>,
    http: Option<reqwest::ClientBuilder>,
}

impl Builder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            base_path: BASE_PATH.into(),
            profile: Slot::DEFAULT_PROFILE.into(),
            plain: false,
            store: Arc::new(MemoryTokenStore::new()),
            hooks: Hooks::default(),
            policy: DropPolicy::standard(),
            timeout: TIMEOUT,
            retries: Retries(RETRIES),
            user_agent: None,
            http: None,
        }
    }

    /// Where the server's endpoints begin; `/api/auth` when not said. A URL that has a path of its own begins there instead.
    pub fn base_path(mut self, path: impl Into<String>) -> Self {
        self.base_path = path.into();
        self
    }

    /// Keeps the token here; in memory when not said.
    pub fn token_store(mut self, store: impl TokenStore) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// As [`token_store`](Self::token_store), for a store that others use, too.
    pub fn shared_token_store(mut self, store: Arc<dyn TokenStore>) -> Self {
        self.store = store;
        self
    }

    /// Which of several tokens for this server is meant; `default` when not said.
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = profile.into();
        self
    }

    /// Asks this function for the token at each call, in place of a store. Nothing is kept then: what answers bring is shown to
    /// [`on_success`](Self::on_success), and keeping and dropping it is the program's own business.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use hallpass_client::{AuthClient, Token};
    ///
    /// # fn main() -> Result<(), hallpass_client::BuildError> {
    /// let kept: Arc<Mutex<Option<Token>>> = Arc::default();
    /// let (read, written) = (Arc::clone(&kept), Arc::clone(&kept));
    /// let client = AuthClient::builder("https://api.example.com")
    ///     .token(move || read.lock().unwrap().clone())
    ///     .on_success(move |seen| {
    ///         if let Some(token) = seen.new_token() {
    ///             *written.lock().unwrap() = Some(token);
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn token(self, ask: impl Fn() -> Option<Token> + Send + Sync + 'static) -> Self {
        self.token_async(move || std::future::ready(Ok::<_, Infallible>(ask())))
    }

    /// As [`token`](Self::token), for a function that has to wait, or may fail. It must not use the client that it is for.
    pub fn token_async<F, T>(self, ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Option<Token>, T>> + Send + 'static,
        T: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.token_store(TokenSource::new(ask))
    }

    /// Shows this function each answer that is not a refusal, after the token it may bring was kept.
    ///
    /// Other calls may be waiting for it, so it should be brief. What it wants of the client itself belongs into a task of its own.
    pub fn on_success(mut self, look: impl Fn(&Seen<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.success.push(Arc::new(look));
        self
    }

    /// Shows this function each answer that is a refusal (4xx and 5xx). A server that cannot be reached has given none.
    pub fn on_error(mut self, look: impl Fn(&Seen<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.error.push(Arc::new(look));
        self
    }

    /// When the token is dropped; see [`DropPolicy`] for what applies when nothing is said.
    pub fn drop_policy(mut self, policy: DropPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// How long one try may take from beginning to end; half a minute when not said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many times more a call is tried, after growing pauses; twice when not said.
    ///
    /// What changes nothing at the server is tried again when the connection fails and when the answer is 503 (after as long as
    /// `retry-after` says, if that is no more than ten seconds). Everything else only if there was no connection at all, so that
    /// nothing can have been done twice. Whoever runs into the timeout is not kept waiting for another.
    pub fn retries(mut self, more: usize) -> Self {
        self.retries = Retries(more);
        self
    }

    /// How the client introduces itself, which people see in the list of their sessions.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// Makes connections as this says (root certificates, proxies, DNS), except that redirects are not followed.
    pub fn http(mut self, http: reqwest::ClientBuilder) -> Self {
        self.http = Some(http);
        self
    }

    /// Takes a server whose URL begins with `http://` and is not on this machine.
    ///
    /// Everybody on the way can then read the token and use it (RFC 6750 §5.3). Only for networks that are trusted entirely.
    pub fn dangerously_allow_plain_http(mut self) -> Self {
        self.plain = true;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// When the URL is not one of a server, or TLS cannot be used on this machine.
    pub fn build(self) -> Result<AuthClient, BuildError> {
        let server = Server::new(&self.url, &self.base_path, self.plain)?;
        let custom = self.http.is_some();
        let mut http = self.http.unwrap_or_default().redirect(Policy::none());
        if !custom {
            http = http.connect_timeout(CONNECT_TIMEOUT).pool_idle_timeout(IDLE);
        }
        if server.is_plain() {
            // A proxy would be told the token. Over TLS it only carries what it cannot read.
            http = http.no_proxy();
        }
        let ours = || concat!("hallpass-client/", env!("CARGO_PKG_VERSION")).to_owned();
        if let Some(name) = self.user_agent.or_else(|| (!custom).then(ours)) {
            http = http.user_agent(name);
        }
        let http =
            http.build().map_err(|error| BuildError::new(format!("HTTP cannot be used: {}", error.without_url())))?;
        Ok(AuthClient::new(Inner {
            slot: Slot::new(server.name(), self.profile),
            server,
            http,
            store: self.store,
            hooks: self.hooks,
            policy: self.policy,
            timeout: self.timeout,
            retries: self.retries,
            turn: Mutex::new(()),
        }))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("profile", &self.profile).finish_non_exhaustive()
    }
}
