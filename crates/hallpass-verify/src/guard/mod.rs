//! Whom to let in, and what to answer to everybody else: the one place that knows (RFC 6750), whatever the framework.

mod presented;
mod refusal;

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, Uri, header};

use crate::{
    caller::Caller,
    source::{Reason, SessionSource, Unavailable, Verdict},
};
use presented::Presented;
use refusal::Realm;
pub use refusal::{Refusal, RefusalKind};

/// How long a source may take, if nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Decides on requests by the bearer token they carry.
///
/// The [tower layer](crate::VerifyLayer) and the middleware of other frameworks are made of one; whoever has neither calls
/// [`check`](Self::check). Every source makes one that requires a token: `Guard::from(source)`.
///
/// | The request | The answer |
/// |---|---|
/// | has no bearer token | 401 and a challenge without an error code, or goes on without a caller if that is [`optional`](Self::optional) |
/// | has two, or what cannot be one, or one in the query | 400 `invalid_request` |
/// | has one that is forged, unknown, expired or revoked | 401 `invalid_token`; nobody can tell which from outside |
/// | is from somebody whom [`authorize`](Self::authorize) refuses | 403 `insufficient_scope` |
/// | comes while the source is unavailable | 503 with `retry-after`; never 401, and never let through |
///
/// Cookies are not looked at, so a token that is no good falls back to nothing.
///
/// ```
/// use hallpass_verify::{Guard, RefusalKind, StoreSource, store::MemoryStore};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let guard = Guard::new(StoreSource::new(MemoryStore::new(), "better-auth-contract-secret-00000000")).realm("orders");
/// let request = http::Request::get("/orders").body(()).unwrap();
///
/// let refusal = guard.check(request.headers(), request.uri()).await.unwrap_err();
/// assert_eq!(refusal.kind(), RefusalKind::Unauthenticated);
/// assert_eq!(refusal.into_response::<String>().headers()["www-authenticate"], r#"Bearer realm="orders""#);
/// # });
/// ```
#[derive(Clone)]
pub struct Guard(Arc<Settings>);

type Authorize = dyn Fn(&Caller) -> bool + Send + Sync;
type Observe = dyn Fn(&Check<'_>) + Send + Sync;

#[derive(Clone)]
struct Settings {
    source: Arc<dyn SessionSource>,
    realm: Realm,
    scope: Option<String>,
    optional: bool,
    token_in_query: bool,
    timeout: Duration,
    authorize: Option<Arc<Authorize>>,
    observe: Option<Arc<Observe>>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("optional", &self.0.optional).finish_non_exhaustive()
    }
}

impl<S: SessionSource> From<S> for Guard {
    fn from(source: S) -> Self {
        Self::new(source)
    }
}

/// The future of [`Guard::check_parts`]; it borrows nothing.
pub type CheckFuture = Pin<Box<dyn Future<Output = Result<Admission, Refusal>> + Send>>;

/// A request that may go on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Admission {
    /// Who is calling. `None` only where a caller is optional and none came.
    pub caller: Option<Caller>,
    /// Whether the token came in the query: the answer must then not be stored by any cache.
    pub by_query: bool,
}

/// One decision, for metrics and logs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Check<'a> {
    /// What was decided.
    pub seen: Seen<'a>,
    /// How long that took.
    pub took: Duration,
}

/// What a guard found.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Seen<'a> {
    /// A caller, who may go on.
    Caller(&'a Caller),
    /// A caller whom [`Guard::authorize`] refused.
    Forbidden(&'a Caller),
    /// No caller, and why. With [`Reason::Missing`] the request may have gone on, if a caller is optional.
    Nobody(Reason),
    /// The source could not say.
    Unavailable(&'a Unavailable),
}

impl Seen<'_> {
    /// A short name, fit for a metric's label.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Caller(_) => "live",
            Self::Forbidden(_) => "forbidden",
            Self::Nobody(reason) => reason.as_str(),
            Self::Unavailable(_) => "unavailable",
        }
    }
}

impl Guard {
    /// Lets in whom this source knows, and nobody else.
    pub fn new(source: impl SessionSource) -> Self {
        Self(Arc::new(Settings {
            source: Arc::new(source),
            realm: Realm::default(),
            scope: None,
            optional: false,
            token_in_query: false,
            timeout: TIMEOUT,
            authorize: None,
            observe: None,
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Lets requests without a token through, as strangers. A token that is no good is refused all the same: whoever sends one believes
    /// to be signed in, and should learn otherwise.
    pub fn optional(self) -> Self {
        self.with(|settings| settings.optional = true)
    }

    /// What is protected here, as challenges name it; `api` unless said. Characters that a challenge cannot carry are left out.
    pub fn realm(self, realm: &str) -> Self {
        self.with(|settings| settings.realm = Realm::new(realm))
    }

    /// Looks at each caller: role, verified address, whatever the source knows. Whom it answers `false` gets 403 `insufficient_scope`.
    ///
    /// ```
    /// # use hallpass_verify::{Guard, StoreSource, store::MemoryStore};
    /// # let source = StoreSource::new(MemoryStore::new(), "better-auth-contract-secret-00000000");
    /// let guard = Guard::new(source).authorize(|caller| caller.has_role("admin")).scope("admin");
    /// ```
    pub fn authorize(self, may: impl Fn(&Caller) -> bool + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.authorize = Some(Arc::new(may)))
    }

    /// What it would have taken, for the challenge of a 403.
    pub fn scope(self, scope: &str) -> Self {
        self.with(|settings| settings.scope = Some(scope.to_owned()))
    }

    /// Is told of every decision, for metrics. It runs within the request, so it should be quick.
    pub fn on_verdict(self, observe: impl Fn(&Check<'_>) + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.observe = Some(Arc::new(observe)))
    }

    /// How long the source may take before it counts as unavailable; 10 seconds unless said.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|settings| settings.timeout = timeout)
    }

    /// Accepts tokens as `?access_token=…` too (RFC 6750 §2.3). The name is a warning: addresses end up in logs, histories and
    /// `referer` headers, and the token with them. For downloads and event streams that cannot send a header, if for anything.
    pub fn danger_accept_token_in_query(self) -> Self {
        self.with(|settings| settings.token_in_query = true)
    }

    /// Decides on a request.
    ///
    /// # Errors
    /// The answer to give, when the request must not go on.
    pub async fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<Admission, Refusal> {
        let authorization = headers.get_all(header::AUTHORIZATION).iter().map(http::HeaderValue::as_bytes);
        self.check_parts(authorization, uri.query()).await
    }

    /// Decides on a request of a framework that has header types of its own: by the values of its `Authorization` headers and its query.
    ///
    /// # Errors
    /// The answer to give, when the request must not go on.
    pub fn check_parts<'a>(
        &self,
        authorization: impl IntoIterator<Item = &'a [u8]>,
        query: Option<&str>,
    ) -> CheckFuture {
        let presented = presented::find(authorization, query, self.0.token_in_query);
        let guard = self.clone();
        Box::pin(async move { guard.decide(presented).await })
    }

    /// The answer to somebody who had to be known and is not: for handlers that need a caller where the guard lets strangers through.
    pub fn challenge(&self) -> Refusal {
        self.0.realm.refuse(RefusalKind::Unauthenticated)
    }

    async fn decide(&self, presented: Result<Option<Presented>, &'static str>) -> Result<Admission, Refusal> {
        let begun = Instant::now();
        let tell = |seen| self.tell(&Check { seen, took: begun.elapsed() });
        let realm = &self.0.realm;
        let presented = match presented {
            Err(problem) => {
                tell(Seen::Nobody(Reason::Malformed));
                return Err(realm.refuse(RefusalKind::InvalidRequest).described(problem));
            }
            Ok(None) => {
                tell(Seen::Nobody(Reason::Missing));
                let stranger = Admission { caller: None, by_query: false };
                return if self.0.optional { Ok(stranger) } else { Err(self.challenge()) };
            }
            Ok(Some(presented)) => presented,
        };
        let verdict = tokio::time::timeout(self.0.timeout, self.0.source.verify(&presented.token))
            .await
            .unwrap_or_else(|_| Err(Unavailable::new("the source of sessions took too long to answer")));
        match verdict {
            Ok(Verdict::Live(caller)) if self.0.authorize.as_ref().is_some_and(|may| !may(&caller)) => {
                tell(Seen::Forbidden(&caller));
                Err(realm.refuse(RefusalKind::InsufficientScope).naming(self.0.scope.as_deref()))
            }
            Ok(Verdict::Live(caller)) => {
                tell(Seen::Caller(&caller));
                Ok(Admission { caller: Some(caller), by_query: presented.by_query })
            }
            Ok(Verdict::Invalid(reason)) => {
                tell(Seen::Nobody(reason));
                Err(realm.refuse(RefusalKind::InvalidToken))
            }
            Err(error) => {
                tell(Seen::Unavailable(&error));
                Err(realm.refuse(RefusalKind::Unavailable).after(error.suggested_wait()))
            }
        }
    }

    fn tell(&self, check: &Check<'_>) {
        match check.seen {
            Seen::Unavailable(error) => {
                let error: &(dyn std::error::Error + 'static) = error;
                tracing::error!(error, "whose token a request carries could not be told");
            }
            seen => tracing::debug!(verdict = seen.as_str(), "a bearer token was looked at"),
        }
        if let Some(observe) = &self.0.observe {
            observe(check);
        }
    }
}
