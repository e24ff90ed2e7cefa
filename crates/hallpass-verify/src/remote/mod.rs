//! Asking an auth server.

mod cache;
mod flights;

use std::{fmt, sync::Arc, time::Duration};

use hallpass_store::SessionToken;
use reqwest::Url;

use crate::{
    bearer::Credential,
    caller::Caller,
    clock::{Clock, SystemClock},
    local::Signatures,
    signed::Secret,
    source::{Reason, SessionSource, SourceFuture, Unavailable, Verdict},
    token::BearerToken,
    upstream::{self, SetupError, Upstream},
    wire,
};
use cache::Cache;
use flights::Flights;

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Asks an auth server's `/get-session`: hallpass, or a Node server with the npm package and its Bearer plugin.
///
/// **What it costs.** Without a cache, one request a token *at a time*: look-ups of one token that come while one is under way share the
/// next. Connections are kept. Every service that asks counts as one client to the auth server's rate limiter, so give `/get-session` a
/// rule of its own there (`rate_limit.custom_rules`); until then a busy service meets 429, which is "unavailable".
///
/// **How stale it may be.** Without a cache, not at all: an answer always comes from a question that was sent after the look-up began. With
/// [`positive_cache`](RemoteBuilder::positive_cache) a revoked session is still good for at most its `max_age`, counted from the moment the
/// question was *sent*, and never beyond the session's own end.
///
/// **What counts as an answer.** `200 null` and 401 mean that the token is worth nothing. Everything else that is no session (429, 5xx,
/// redirects, broken JSON, a session of another token, silence) is [`Unavailable`] and never cached.
///
/// **Refreshes.** The auth server extends a session that is used here, as if it were used there. The `set-auth-token` that comes with that
/// is dropped: a refresh does not change the token. Say [`refresh(false)`](RemoteBuilder::refresh) to have sessions only looked at.
///
/// ```
/// # fn main() -> Result<(), hallpass_verify::SetupError> {
/// use std::time::Duration;
/// use hallpass_verify::RemoteSource;
/// let plain = RemoteSource::new("https://auth.example.com/api/auth")?;
/// let faster = RemoteSource::builder("https://auth.example.com/api/auth")
///     .positive_cache(Duration::from_secs(2), 10_000)
///     .negative_cache(Duration::from_millis(500), 1_000)
///     .build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RemoteSource(Arc<Remote>);

struct Remote {
    upstream: Upstream,
    url: Url,
    signatures: Option<Signatures>,
    require_signature: bool,
    cache: Cache,
    flights: Flights<Result<Verdict, Unavailable>>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for RemoteSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteSource").field("host", &self.0.url.host_str()).finish_non_exhaustive()
    }
}

/// How an auth server is asked. Made by [`RemoteSource::builder`].
#[derive(Clone)]
pub struct RemoteBuilder {
    base: String,
    plain_http: bool,
    timeout: Duration,
    refresh: bool,
    signatures: Option<Signatures>,
    require_signature: bool,
    positive: (Duration, usize),
    negative: (Duration, usize),
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for RemoteBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteBuilder").finish_non_exhaustive()
    }
}

impl RemoteSource {
    /// Asks the auth server whose endpoints are below this address, such as `https://auth.example.com/api/auth`.
    ///
    /// # Errors
    /// When that is no address, or one to which tokens would travel readable, or when this machine's TLS cannot be used.
    pub fn new(base: &str) -> Result<Self, SetupError> {
        Self::builder(base).build()
    }

    /// The same, with more to be said.
    pub fn builder(base: &str) -> RemoteBuilder {
        RemoteBuilder {
            base: base.to_owned(),
            plain_http: false,
            timeout: TIMEOUT,
            refresh: true,
            signatures: None,
            require_signature: false,
            positive: (Duration::ZERO, 0),
            negative: (Duration::ZERO, 0),
            clock: Arc::new(SystemClock),
        }
    }
}

impl RemoteBuilder {
    /// The auth server's secret. With it forged tokens are refused here, without asking. Only for services that may know it: whoever has the
    /// secret can make cookies.
    pub fn secret(mut self, secret: impl Into<Secret>) -> Self {
        self.signatures = Some(Signatures::new(&secret.into()));
        self
    }

    /// Refuses tokens without a signature without asking. Say it here if the auth server says it.
    pub fn require_signature(mut self, require: bool) -> Self {
        self.require_signature = require;
        self
    }

    /// Believes for `max_age` that a session is alive, for at most `capacity` tokens. Off unless said. This is how long a revoked session may
    /// still be good.
    pub fn positive_cache(mut self, max_age: Duration, capacity: usize) -> Self {
        self.positive = (max_age, capacity);
        self
    }

    /// Believes for `max_age` that a token is worth nothing, for at most `capacity` tokens. Off unless said; choose it shorter than the
    /// positive one. The two do not take room from each other.
    pub fn negative_cache(mut self, max_age: Duration, capacity: usize) -> Self {
        self.negative = (max_age, capacity);
        self
    }

    /// Whether a session is extended by being used here, which it is unless said otherwise.
    pub fn refresh(mut self, refresh: bool) -> Self {
        self.refresh = refresh;
        self
    }

    /// How long one question may take; 4 seconds unless said. A look-up that waits for another first may take twice that.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends tokens without encryption to another machine. Whoever sees the network has them then.
    pub fn danger_allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Takes the time from somewhere else.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the source up. No question is asked yet.
    ///
    /// # Errors
    /// When the address is none, or one to which tokens would travel readable, or when this machine's TLS cannot be used.
    pub fn build(self) -> Result<RemoteSource, SetupError> {
        let mut url = upstream::below(&upstream::address(&self.base, self.plain_http)?, "get-session");
        url.set_query((!self.refresh).then_some("disableRefresh=true"));
        let mut signatures = self.signatures;
        if let Some(signatures) = &mut signatures {
            signatures.required = self.require_signature;
        }
        Ok(RemoteSource(Arc::new(Remote {
            upstream: Upstream::new(self.timeout)?,
            url,
            signatures,
            require_signature: self.require_signature,
            cache: Cache::new(self.positive, self.negative),
            flights: Flights::default(),
            clock: self.clock,
        })))
    }
}

impl SessionSource for RemoteSource {
    fn verify<'a>(&'a self, token: &'a BearerToken) -> SourceFuture<'a> {
        Box::pin(async move {
            if let Some(reason) = self.0.forged(token) {
                return Ok(reason.into());
            }
            let key = token.digest();
            if let Some(verdict) = self.0.cache.get(&key, self.0.clock.now()) {
                return Ok(verdict);
            }
            let (remote, token) = (Arc::clone(&self.0), token.clone());
            self.0.flights.join(key, async move { remote.ask(&token, key).await }).await
        })
    }
}

impl Remote {
    fn forged(&self, token: &BearerToken) -> Option<Reason> {
        if self.require_signature && matches!(token.credential(), Credential::Raw(_)) {
            return Some(Reason::BadSignature);
        }
        self.signatures.as_ref().and_then(|signatures| signatures.admit(token).err())
    }

    async fn ask(&self, token: &BearerToken, key: [u8; 32]) -> Result<Verdict, Unavailable> {
        // The look-up that this one waited for may have filled the cache.
        if let Some(verdict) = self.cache.get(&key, self.clock.now()) {
            return Ok(verdict);
        }
        let asked = std::time::Instant::now();
        let answer = self.upstream.get(self.url.clone(), Some(token)).await?;
        let verdict = if answer.status == 401 { Reason::Unknown.into() } else { understand(answer.json()?, token)? };
        self.cache.insert(key, asked, &verdict);
        Ok(verdict)
    }
}

fn understand(answer: serde_json::Value, token: &BearerToken) -> Result<Verdict, Unavailable> {
    if answer.is_null() {
        return Ok(Reason::Unknown.into());
    }
    let asked = session_token(token);
    let (session, user) = wire::session_and_user(answer, &asked).map_err(|error| {
        Unavailable::new("the auth server answered with something that is no session").because(error)
    })?;
    if session.token != asked {
        return Err(Unavailable::new(
            "the auth server answered with the session of another token; is a cache in between?",
        ));
    }
    Ok(Verdict::Live(Caller::of_session(session, user)))
}

/// The token without its signature, as a session has it.
fn session_token(token: &BearerToken) -> SessionToken {
    SessionToken::new(match token.credential() {
        Credential::Raw(token) => token.into_owned(),
        Credential::Signed(text) => text.rsplit_once('.').map_or("", |(token, _)| token).to_owned(),
    })
}
