//! Verifying JSON Web Tokens of the npm package's jwt plugin (CONTRACT §18.1, RFC 7519, RFC 8725).

mod algorithm;
mod beside;
mod claims;
mod keys;

use std::{fmt, sync::Arc, time::Duration};

use hallpass_store::{SessionId, UserId};
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Map, Value};

use crate::{
    caller::Caller,
    clock::{Clock, SystemClock},
    source::{Reason, SessionSource, SourceFuture, Unavailable, Verdict},
    token::BearerToken,
    upstream::{self, SetupError, Upstream},
    wire,
};
pub use algorithm::JwtAlgorithm;
pub use beside::BesideSessions;
use claims::Expected;
use keys::Keys;

/// How long fetching the keys may take.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Verifies tokens that the npm package's jwt plugin made (`GET /token`, or the header `set-auth-jwt`), with the keys that it publishes.
///
/// **What it costs.** A signature check, some tens of microseconds. Keys are fetched with the first token, again when they are ten minutes old
/// (in the background), and when a token names one that is not among them.
///
/// **How stale it may be.** A JSON Web Token cannot be revoked: it is good until its `exp`, 15 minutes unless the plugin says otherwise,
/// whatever became of the session. Where that is too long, use a source that asks.
///
/// **When the keys cannot be fetched.** Tokens that the keys at hand can verify are verified. Those that they cannot are [`Unavailable`].
///
/// Signatures are accepted in EdDSA, ES256, PS256 and RS256 unless [`algorithms`](JwtBuilder::algorithms) says otherwise; never in `none` or
/// one with a shared secret. ES512, which the plugin offers as well, is not supported by the library underneath. Headers with `crit` are refused.
///
/// ```
/// # fn main() -> Result<(), hallpass_verify::SetupError> {
/// use hallpass_verify::JwtSource;
/// // Keys from /api/auth/jwks, `iss` and `aud` the origin, as the plugin has it unless configured.
/// let source = JwtSource::new("https://auth.example.com/api/auth")?;
/// let other = JwtSource::builder("https://auth.example.com/api/auth").audience("orders").build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct JwtSource(Arc<Jwt>);

struct Jwt {
    keys: Arc<Keys>,
    algorithms: Vec<JwtAlgorithm>,
    expected: Expected,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for JwtSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtSource").field("expected", &self.0.expected).finish_non_exhaustive()
    }
}

/// How tokens are verified. Made by [`JwtSource::builder`].
#[derive(Clone)]
pub struct JwtBuilder {
    base: String,
    jwks: Option<String>,
    issuer: Option<String>,
    audience: Option<String>,
    algorithms: Vec<JwtAlgorithm>,
    leeway: Duration,
    timeout: Duration,
    cool_down: Duration,
    plain_http: bool,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for JwtBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtBuilder").field("base", &self.base).finish_non_exhaustive()
    }
}

impl JwtSource {
    /// Verifies tokens of the auth server whose endpoints are below this address, such as `https://auth.example.com/api/auth`.
    ///
    /// # Errors
    /// When that is no address, or one over which keys could be exchanged on the way, or when this machine's TLS cannot be used.
    pub fn new(base: &str) -> Result<Self, SetupError> {
        Self::builder(base).build()
    }

    /// The same, with more to be said.
    pub fn builder(base: &str) -> JwtBuilder {
        JwtBuilder {
            base: base.to_owned(),
            jwks: None,
            issuer: None,
            audience: None,
            algorithms: JwtAlgorithm::DEFAULT.to_vec(),
            leeway: Duration::from_secs(5),
            timeout: TIMEOUT,
            cool_down: Duration::from_secs(10),
            plain_http: false,
            clock: Arc::new(SystemClock),
        }
    }
}

impl JwtBuilder {
    /// Where the keys are, if not at `/jwks` below the base address.
    pub fn jwks_url(mut self, url: &str) -> Self {
        self.jwks = Some(url.to_owned());
        self
    }

    /// What `iss` must be; the origin of the base address unless said.
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.to_owned());
        self
    }

    /// What `aud` must be or contain; the origin of the base address unless said.
    pub fn audience(mut self, audience: &str) -> Self {
        self.audience = Some(audience.to_owned());
        self
    }

    /// The algorithms to accept.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = JwtAlgorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// How far clocks may be apart; 5 seconds unless said.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// How long fetching the keys may take; 4 seconds unless said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// For a key that is not among them the keys are fetched again, but no more often than this; 10 seconds unless said.
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down;
        self
    }

    /// Fetches keys without encryption from another machine. Whoever controls the network decides then who is signed in.
    pub fn danger_allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Takes the time from somewhere else.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the source up. Nothing is fetched yet.
    ///
    /// # Errors
    /// When an address is none, or one over which keys could be exchanged on the way, when no algorithm is accepted, or when this machine's TLS
    /// cannot be used.
    pub fn build(self) -> Result<JwtSource, SetupError> {
        let base = upstream::address(&self.base, self.plain_http)?;
        let url = match &self.jwks {
            Some(url) => upstream::address(url, self.plain_http)?,
            None => upstream::below(&base, "jwks"),
        };
        if self.algorithms.is_empty() {
            return Err(SetupError::Settings("no algorithm is accepted, so no token would be; name at least one"));
        }
        let origin = base.origin().ascii_serialization();
        let expected = Expected {
            issuer: self.issuer.unwrap_or_else(|| origin.clone()),
            audience: self.audience.unwrap_or(origin),
            leeway: self.leeway,
        };
        let keys = Arc::new(Keys::new(Upstream::new(self.timeout)?, url, self.cool_down, Arc::clone(&self.clock)));
        Ok(JwtSource(Arc::new(Jwt { keys, algorithms: self.algorithms, expected, clock: self.clock })))
    }
}

impl SessionSource for JwtSource {
    fn verify<'a>(&'a self, token: &'a BearerToken) -> SourceFuture<'a> {
        Box::pin(self.0.verify(token.expose()))
    }
}

impl Jwt {
    async fn verify(&self, token: &str) -> Result<Verdict, Unavailable> {
        let Some((header, claims)) = claims::peek(token) else { return Ok(Reason::Malformed.into()) };
        let name = header.get("alg").and_then(Value::as_str).unwrap_or_default();
        let Some(algorithm) = self.algorithms.iter().copied().find(|algorithm| algorithm.as_str() == name) else {
            return Ok(Reason::BadSignature.into());
        };
        // What can be said without a key is said without fetching one.
        if let Err(reason) = self.expected.admit(&claims, self.clock.now()) {
            return Ok(reason.into());
        }
        let id = header.get("kid").and_then(Value::as_str);
        let Some(key) = Keys::find(&self.keys, algorithm, id, claims::seconds(&claims, "iat")).await? else {
            return Ok(Reason::Unknown.into());
        };
        if !is_signed(token, &key, algorithm) {
            return Ok(Reason::BadSignature.into());
        }
        Ok(caller(claims).map_or_else(|| Reason::NotForUs.into(), Verdict::Live))
    }
}

fn is_signed(token: &str, key: &DecodingKey, algorithm: JwtAlgorithm) -> bool {
    let mut validation = Validation::new(algorithm.known());
    // The library would ask the machine's clock; what it does not check here, `Expected` does.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Map<String, Value>>(token, key, &validation).is_ok()
}

/// The plugin's tokens claim the whole user, unless it was told otherwise.
fn caller(claims: Map<String, Value>) -> Option<Caller> {
    let expires_at = claims::moment(&claims, "exp")?;
    let id = UserId::new(claims.get("sub")?.as_str()?);
    let mut fields = claims.clone();
    fields.retain(|name, _| !matches!(&**name, "iss" | "sub" | "aud" | "exp" | "nbf" | "iat" | "jti" | "sid"));
    let mut caller = Caller::of_user(id);
    if let Some(user) = wire::user(fields).filter(|user| user.id == *caller.user_id()) {
        caller = caller.with_user(user);
    }
    if let Some(session) = claims.get("sid").and_then(Value::as_str) {
        caller = caller.with_session_id(SessionId::new(session));
    }
    Some(caller.with_claims(claims, expires_at))
}
