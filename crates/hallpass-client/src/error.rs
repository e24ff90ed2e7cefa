//! What can go wrong with a call.

use std::{error::Error as StdError, fmt, time::Duration};

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use serde_json::Value;

use crate::{Token, answer::Answer, store::TokenStoreError};

/// Why a call did not succeed. Ask it what you have to know: was it the server that refused ([`status`](Self::status),
/// [`code`](Self::code)), was it not reached ([`is_connect`](Self::is_connect), [`is_timeout`](Self::is_timeout)), or could the token
/// not be read or kept ([`is_store`](Self::is_store))?
///
/// Neither its text nor its `Debug` holds a token or a URL.
pub struct Error(Box<Kind>);

enum Kind {
    /// The server said no.
    Refused(Refusal),
    /// It redirects where nobody asked for it.
    Redirected { status: StatusCode, to: Option<String> },
    /// It did not answer.
    Transport { error: reqwest::Error, connect: bool, timeout: bool },
    /// It answered something that the protocol does not know.
    Answer { status: StatusCode, text: String },
    /// The token could not be read or kept.
    Store { error: TokenStoreError, answered: bool },
    /// What was to be sent cannot be.
    Request(String),
}

struct Refusal {
    status: StatusCode,
    code: Option<String>,
    message: Option<String>,
    body: Value,
    retry_after: Option<Duration>,
}

impl Error {
    /// The status of the answer, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match &*self.0 {
            Kind::Refused(Refusal { status, .. }) | Kind::Redirected { status, .. } | Kind::Answer { status, .. } => {
                Some(*status)
            }
            _ => None,
        }
    }

    /// The server's code, such as `INVALID_EMAIL_OR_PASSWORD`. Some refusals have none.
    pub fn code(&self) -> Option<&str> {
        self.refusal()?.code.as_deref()
    }

    /// The server's words, which are for people.
    pub fn message(&self) -> Option<&str> {
        self.refusal()?.message.as_deref()
    }

    /// What else the server said with its refusal; `null` when that was nothing.
    pub fn body(&self) -> Option<&Value> {
        Some(&self.refusal()?.body)
    }

    /// Whether the answer was 401: there is no session, or what was given does not open one.
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(StatusCode::UNAUTHORIZED)
    }

    /// Whether the server cannot help at the moment: it was not reached, took too long, or answered 502, 503 or 504. It says nothing
    /// about who is signed in.
    pub fn is_unavailable(&self) -> bool {
        let away = [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];
        matches!(*self.0, Kind::Transport { .. }) || self.status().is_some_and(|status| away.contains(&status))
    }

    /// Whether the server took too long. What was asked may have happened all the same.
    pub fn is_timeout(&self) -> bool {
        matches!(*self.0, Kind::Transport { timeout: true, .. })
    }

    /// Whether there was no connection. Nothing was sent.
    pub fn is_connect(&self) -> bool {
        matches!(*self.0, Kind::Transport { connect: true, .. })
    }

    /// Whether there are too many calls; [`retry_after`](Self::retry_after) says how long to wait.
    pub fn is_rate_limited(&self) -> bool {
        self.status() == Some(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Whether the token could not be read or kept.
    pub fn is_store(&self) -> bool {
        matches!(*self.0, Kind::Store { .. })
    }

    /// How long the server wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after
    }

    /// Whether the connection failed at some point, for another reason than time.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(*self.0, Kind::Transport { timeout: false, .. })
    }

    fn refusal(&self) -> Option<&Refusal> {
        match &*self.0 {
            Kind::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// An answer that is not a success. The token that was sent is taken out of its words, in case they repeat it.
    pub(crate) fn refused(answer: &Answer, sent: Option<&Token>) -> Self {
        if answer.status().is_redirection() {
            let to = answer.redirect().and_then(|redirect| redirect.origin());
            return Self(Box::new(Kind::Redirected { status: answer.status(), to }));
        }
        let text = String::from_utf8_lossy(answer.bytes());
        let text = match sent {
            Some(token) if !token.is_empty() => text.replace(token.expose(), "…"),
            _ => text.into_owned(),
        };
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let field = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let (code, message) = (field("code"), field("message"));
        let retry_after = retry_after(answer.headers());
        Self(Box::new(Kind::Refused(Refusal { status: answer.status(), code, message, body, retry_after })))
    }

    pub(crate) fn transport(error: reqwest::Error) -> Self {
        let error = error.without_url();
        Self(Box::new(Kind::Transport { connect: error.is_connect(), timeout: error.is_timeout(), error }))
    }

    pub(crate) fn answer(status: StatusCode, text: impl Into<String>) -> Self {
        Self(Box::new(Kind::Answer { status, text: text.into() }))
    }

    pub(crate) fn request(text: impl Into<String>) -> Self {
        Self(Box::new(Kind::Request(text.into())))
    }

    /// The answer was there, and what it brought could not be kept.
    pub(crate) fn not_kept(error: TokenStoreError) -> Self {
        Self(Box::new(Kind::Store { error, answered: true }))
    }
}

impl From<TokenStoreError> for Error {
    fn from(error: TokenStoreError) -> Self {
        Self(Box::new(Kind::Store { error, answered: false }))
    }
}

/// In whole seconds, under the standard's name or the npm package's.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER).or_else(|| headers.get("x-retry-after"))?;
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Refused(Refusal { status, code, message, .. }) => {
                let words = message.as_deref().or(status.canonical_reason()).unwrap_or("without a reason");
                write!(f, "the server refused: {words} ({}", status.as_u16())?;
                code.iter().try_for_each(|code| write!(f, " {code}"))?;
                f.write_str(")")
            }
            Kind::Redirected { status, to } => {
                let to = to.as_deref().unwrap_or("another place");
                write!(
                    f,
                    "the server redirects to {to} ({}), which is not followed; is the base URL right?",
                    status.as_u16()
                )
            }
            Kind::Transport { connect: true, timeout: true, .. } => {
                f.write_str("connecting to the server took too long")
            }
            Kind::Transport { connect: true, .. } => f.write_str("the server cannot be reached"),
            Kind::Transport { timeout: true, .. } => f.write_str("the server took too long to answer"),
            Kind::Transport { .. } => f.write_str("the connection to the server broke"),
            Kind::Answer { status, text } => {
                write!(
                    f,
                    "the answer is not one of an auth server ({}): {text}; is the base URL right?",
                    status.as_u16()
                )
            }
            Kind::Store { answered: false, .. } => {
                f.write_str("the token could not be read or changed where it is kept")
            }
            Kind::Store { answered: true, .. } => {
                f.write_str("the server did what was asked, but its token could not be kept or dropped")
            }
            Kind::Request(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Error");
        shown.field("text", &self.to_string());
        if let Some(source) = self.source() {
            shown.field("source", &source.to_string());
        }
        shown.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.0 {
            Kind::Transport { error, .. } => Some(error),
            Kind::Store { error, .. } => Some(error),
            _ => None,
        }
    }
}
