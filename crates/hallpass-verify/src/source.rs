//! Who says what a token is worth: the trait, and what it answers.
//!
//! To write a source of your own, remember the one distinction that everything else rests on: [`Verdict::Invalid`] signs people
//! out, so it is for tokens that were *found* to be worth nothing. Whatever kept you from finding out is an [`Unavailable`].
//!
//! ```
//! use hallpass_verify::{BearerToken, Caller, Reason, SessionSource, SourceFuture, Verdict};
//! use hallpass_verify::store::UserId;
//!
//! /// Knows one token, for a machine that has no user.
//! struct Robot { token: BearerToken }
//!
//! impl SessionSource for Robot {
//!     fn verify<'a>(&'a self, token: &'a BearerToken) -> SourceFuture<'a> {
//!         // Digests, so that the time it takes tells nothing of the token.
//!         let known = token.digest() == self.token.digest();
//!         let verdict = if known { Verdict::Live(Caller::of_user(UserId::new("robot"))) } else { Reason::Unknown.into() };
//!         Box::pin(std::future::ready(Ok(verdict)))
//!     }
//! }
//! ```

use std::{borrow::Cow, error::Error, fmt, pin::Pin, sync::Arc, time::Duration};

use crate::{caller::Caller, token::BearerToken};

/// The future of [`SessionSource::verify`].
pub type SourceFuture<'a> = Pin<Box<dyn Future<Output = Result<Verdict, Unavailable>> + Send + 'a>>;

/// Says whose token a token is.
pub trait SessionSource: Send + Sync + 'static {
    /// What this token is worth now.
    ///
    /// # Errors
    /// When that could not be found out. It is never an answer about the token.
    fn verify<'a>(&'a self, token: &'a BearerToken) -> SourceFuture<'a>;
}

impl<S: SessionSource + ?Sized> SessionSource for Arc<S> {
    fn verify<'a>(&'a self, token: &'a BearerToken) -> SourceFuture<'a> {
        (**self).verify(token)
    }
}

impl<S: SessionSource + ?Sized> SessionSource for Box<S> {
    fn verify<'a>(&'a self, token: &'a BearerToken) -> SourceFuture<'a> {
        (**self).verify(token)
    }
}

/// What a token is worth.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "whoever asks must handle both, and there is no third")]
pub enum Verdict {
    /// It stands for somebody.
    Live(Caller),
    /// It stands for nobody.
    Invalid(Reason),
}

impl Verdict {
    /// The caller, if there is one.
    pub fn live(self) -> Option<Caller> {
        match self {
            Self::Live(caller) => Some(caller),
            Self::Invalid(_) => None,
        }
    }
}

impl From<Reason> for Verdict {
    fn from(reason: Reason) -> Self {
        Self::Invalid(reason)
    }
}

/// Why a request has no caller. For logs and metrics only: a client cannot tell an unknown token from an expired, revoked or forged one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The request brought no bearer token.
    Missing,
    /// What it brought cannot be a bearer token, or it brought several.
    Malformed,
    /// A wrong signature, or none where one is required.
    BadSignature,
    /// No session has this token, or none any more: an auth server does not remember what it revoked.
    Unknown,
    /// Its time is over.
    Expired,
    /// Its session was ended before its time, and the source can tell.
    Revoked,
    /// A sound token of somebody else's: issuer or audience are not ours, or its time has not come yet.
    NotForUs,
}

impl Reason {
    /// A short name, fit for a metric's label.
    ///
    /// ```
    /// assert_eq!(hallpass_verify::Reason::BadSignature.as_str(), "bad_signature");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::BadSignature => "bad_signature",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::NotForUs => "not_for_us",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A source could not say what a token is worth. The text and its causes are for the operator; clients get a 503.
///
/// ```
/// use hallpass_verify::Unavailable;
/// let error = Unavailable::new("the auth server did not answer").because(std::io::Error::other("connection refused"));
/// assert_eq!(error.to_string(), "the auth server did not answer");
/// assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "connection refused");
/// ```
#[derive(Debug, Clone)]
pub struct Unavailable {
    what: Cow<'static, str>,
    // Shared because everybody who waited for one look-up gets its failure.
    cause: Option<Arc<dyn Error + Send + Sync>>,
    retry_after: Option<Duration>,
}

impl Unavailable {
    /// An error that says what happened, and if possible what to do.
    pub fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into(), cause: None, retry_after: None }
    }

    /// The same with what lies underneath.
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into().into());
        self
    }

    /// The same with when it is worth asking again.
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time);
        self
    }

    /// When it is worth asking again, if the source knows.
    pub fn suggested_wait(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Unavailable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let cause: &(dyn Error + 'static) = &**self.cause.as_ref()?;
        Some(cause)
    }
}
