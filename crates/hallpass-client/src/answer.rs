//! What servers answer, and what hooks are shown of it.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, header::LOCATION};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::{Error, Token};

/// The header that brings a new token.
const SET_AUTH_TOKEN: HeaderName = HeaderName::from_static("set-auth-token");

/// A whole answer.
#[derive(Clone)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, mut headers: HeaderMap, body: Bytes) -> Self {
        if let Some(value) = headers.get_mut(SET_AUTH_TOKEN) {
            value.set_sensitive(true);
        }
        Self { status, headers, body }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers. The value of `set-auth-token` is marked as sensitive, so `Debug` does not print it.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body as it came.
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as JSON. A body of no bytes is `null`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let body: &[u8] = if self.body.is_empty() { b"null" } else { &self.body };
        serde_json::from_slice(body).map_err(|error| Error::answer(self.status, misfit(&error)))
    }

    /// The token that came with it.
    pub fn new_token(&self) -> Option<Token> {
        new_token(&self.headers)
    }

    /// Where it redirects to, if it does.
    pub fn redirect(&self) -> Option<Redirect> {
        let location = self.headers.get(LOCATION).filter(|_| self.status.is_redirection())?;
        Some(Redirect { location: location.to_str().ok()?.to_owned() })
    }

    /// The server's code, such as `UNAUTHORIZED`.
    pub fn code(&self) -> Option<String> {
        if self.status.is_success() {
            return None;
        }
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        Some(body.get("code")?.as_str()?.to_owned())
    }

    /// Whether it says outright that there is nothing. An empty page, which a proxy may have put there, says nothing at all.
    pub(crate) fn says_null(&self) -> bool {
        self.status == StatusCode::OK && self.body.trim_ascii() == b"null"
    }

    /// Whether a refusal can be an auth server's: without a body, or with an object. A proxy on the way has a page to show.
    pub(crate) fn speaks_for_the_server(&self) -> bool {
        self.body.is_empty() || serde_json::from_slice::<Value>(&self.body).is_ok_and(|body| body.is_object())
    }
}

/// What `set-auth-token` brings.
pub(crate) fn new_token(headers: &HeaderMap) -> Option<Token> {
    headers.get(SET_AUTH_TOKEN).and_then(Token::from_header)
}

/// Where the reader stopped, without what it read.
fn misfit(error: &serde_json::Error) -> String {
    let what = if error.is_data() { "its JSON has another shape" } else { "its body is no JSON" };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Where an answer sends a browser. Nothing follows it by itself.
///
/// Such addresses can hold secrets (the link of a password reset carries its token), so `Debug` shows the path alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Redirect {
    location: String,
}

impl Redirect {
    /// The address as the server gave it, which may be relative.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// A value of its query.
    pub fn query(&self, name: &str) -> Option<String> {
        let before_fragment = self.location.split('#').next()?;
        let (_, query) = before_fragment.split_once('?')?;
        let found = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name)?;
        Some(found.1.into_owned())
    }

    /// The code of what went wrong, such as `INVALID_TOKEN`. Servers tell it in the address, since there is nobody else to tell.
    pub fn error(&self) -> Option<String> {
        self.query("error")
    }

    /// Scheme, host and port, where the address has them.
    pub(crate) fn origin(&self) -> Option<String> {
        Url::parse(&self.location).ok().map(|url| url.origin().ascii_serialization())
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.location.split(['?', '#']).next().unwrap_or_default();
        f.debug_struct("Redirect").field("path", &path).finish_non_exhaustive()
    }
}

/// What following a link of a mail leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkOutcome<T> {
    /// An answer in JSON: no `callbackURL` was given.
    Done(T),
    /// The way to the `callbackURL`, with [`error`](Redirect::error) in it if something is wrong.
    Redirect(Redirect),
}

/// What can be read from an answer that is not a refusal. Everything that serde can read from JSON can.
pub trait FromAnswer: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// When the answer is something else.
    fn from_answer(answer: Answer) -> Result<Self, Error>;
}

impl<T: DeserializeOwned> FromAnswer for T {
    fn from_answer(answer: Answer) -> Result<Self, Error> {
        if answer.status().is_success() { answer.json() } else { Err(Error::refused(&answer, None)) }
    }
}

impl FromAnswer for Answer {
    fn from_answer(answer: Answer) -> Result<Self, Error> {
        Ok(answer)
    }
}

impl FromAnswer for Redirect {
    fn from_answer(answer: Answer) -> Result<Self, Error> {
        answer.redirect().ok_or_else(|| Error::answer(answer.status(), "it does not redirect"))
    }
}

impl<T: DeserializeOwned> FromAnswer for LinkOutcome<T> {
    fn from_answer(answer: Answer) -> Result<Self, Error> {
        match answer.redirect() {
            Some(redirect) => Ok(Self::Redirect(redirect)),
            None => T::from_answer(answer).map(Self::Done),
        }
    }
}

/// What a hook or a [`DropPolicy`](crate::DropPolicy) is shown of an answer.
pub struct Seen<'a> {
    pub(crate) path: &'a str,
    pub(crate) answer: &'a Answer,
    pub(crate) needs_session: bool,
}

impl Seen<'_> {
    /// The endpoint, such as `/list-sessions`.
    pub fn path(&self) -> &str {
        self.path
    }

    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        self.answer.status()
    }

    /// The answer's headers.
    pub fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// The answer's code, such as `UNAUTHORIZED`.
    pub fn code(&self) -> Option<String> {
        self.answer.code()
    }

    /// The token that the answer brings.
    pub fn new_token(&self) -> Option<Token> {
        self.answer.new_token()
    }

    /// Whether the endpoint asks for a session. Of an endpoint that this crate does not know, it is taken for granted.
    pub fn needs_session(&self) -> bool {
        self.needs_session
    }
}

impl fmt::Debug for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("path", &self.path).field("status", &self.status()).finish_non_exhaustive()
    }
}
