//! Reading the Redis that a Node server writes (CONTRACT §14).

use std::{fmt, sync::Arc, time::Duration};

use hallpass_store::{SessionToken, StoreError, Timestamp};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

use crate::{
    caller::Caller,
    clock::{Clock, SystemClock},
    local::Signatures,
    signed::Secret,
    source::{Reason, SessionSource, SourceFuture, Unavailable, Verdict},
    token::BearerToken,
    wire,
};

/// How long Redis may take to accept a connection, and how long to answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The prefix of the npm package's Redis storage.
const PREFIX: &str = "better-auth:";

/// Asks the Redis that a Node server with the npm package has as its secondary storage.
///
/// It only reads, two keys a look-up over one connection that all look-ups share. Nothing is cached, so a session that was ended is worth
/// nothing from then on. A forged token never reaches Redis. While Redis is away every look-up is "unavailable"; the connection comes back by
/// itself.
///
/// Sessions that are in the database only (`storeSessionInDatabase`, after Redis forgot them) are not found here.
///
/// ```no_run
/// # async fn example() -> Result<(), hallpass_verify::RedisSetupError> {
/// use hallpass_verify::RedisSource;
/// let source = RedisSource::open("redis://127.0.0.1:6379", "the secret of the auth server, 32 characters or more")?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisSource {
    connection: ConnectionManager,
    prefix: String,
    signatures: Signatures,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for RedisSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSource").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// The address of a Redis is none. Its text does not repeat the address, which may hold a password.
#[derive(Debug)]
pub struct RedisSetupError(redis::ErrorKind);

impl fmt::Display for RedisSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the address of Redis cannot be used ({:?}); write it as redis://user:password@host:6379/0", self.0)
    }
}

impl std::error::Error for RedisSetupError {}

impl RedisSource {
    /// Reads from the Redis at this address; `rediss` addresses want the feature `tokio-rustls-comp` of the crate `redis`. Connects with the
    /// first look-up, so it does not matter who starts first. The secret is the auth server's.
    ///
    /// Has to be called within a tokio runtime.
    ///
    /// # Errors
    /// When that is no address.
    pub fn open(url: &str, secret: impl Into<Secret>) -> Result<Self, RedisSetupError> {
        let client = redis::Client::open(url).map_err(|error| RedisSetupError(error.kind()))?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            // A request that has to wait longer is better answered with 503.
            .set_number_of_retries(1);
        let connection =
            ConnectionManager::new_lazy_with_config(client, config).map_err(|error| RedisSetupError(error.kind()))?;
        let signatures = Signatures::new(&secret.into());
        Ok(Self { connection, prefix: PREFIX.to_owned(), signatures, clock: Arc::new(SystemClock) })
    }

    /// What stands before each key, if not `better-auth:`.
    pub fn key_prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Accepts signed tokens only, as `set-auth-token` has them. Say it here if the auth server says it.
    pub fn require_signature(mut self, require: bool) -> Self {
        self.signatures.required = require;
        self
    }

    /// Takes the time from somewhere else.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    async fn get(&self, key: &str) -> Result<Option<String>, Unavailable> {
        let mut connection = self.connection.clone();
        let mut command = redis::cmd("GET");
        command.arg(format!("{}{key}", self.prefix));
        command
            .query_async(&mut connection)
            .await
            .map_err(|error| Unavailable::new("Redis could not be reached, or did not answer in time").because(error))
    }

    async fn look_up(&self, token: &SessionToken) -> Result<Verdict, Unavailable> {
        // Other things have keys there as well, and a token of another shape could name one of them.
        let shape = token.expose();
        if shape.len() != 32 || !shape.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(Reason::Unknown.into());
        }
        let Some(stored) = self.get(token.expose()).await? else { return Ok(Reason::Unknown.into()) };
        // The parser's words may repeat what it read.
        let stored = serde_json::from_str(&stored)
            .map_err(|_| not_a_session(StoreError::corrupt("session", "", "", "no JSON")))?;
        let (session, user) = wire::session_and_user(stored, token).map_err(not_a_session)?;
        if session.token != *token {
            return Ok(Reason::Unknown.into());
        }
        if session.expires_at < self.clock.now() {
            return Ok(Reason::Expired.into());
        }
        match self.get(&format!("revoked-sessions-before-{}", session.user_id)).await? {
            Some(mark) if session.created_at < moment(&mark)? => Ok(Reason::Revoked.into()),
            _ => Ok(Verdict::Live(Caller::of_session(session, user))),
        }
    }
}

fn moment(mark: &str) -> Result<Timestamp, Unavailable> {
    let millis =
        mark.trim().parse().map_err(|_| Unavailable::new("Redis holds a mark of revocation that is no number"))?;
    Ok(Timestamp::from_millis(millis))
}

fn not_a_session(error: StoreError) -> Unavailable {
    Unavailable::new("Redis holds something that is no session").because(error)
}

impl SessionSource for RedisSource {
    fn verify<'a>(&'a self, token: &'a BearerToken) -> SourceFuture<'a> {
        Box::pin(async move {
            match self.signatures.admit(token) {
                Ok(token) => self.look_up(&token).await,
                Err(reason) => Ok(reason.into()),
            }
        })
    }
}
