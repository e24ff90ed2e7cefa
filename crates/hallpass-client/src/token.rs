//! A token, which does not print.

use std::fmt;

use http::HeaderValue;
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::Error;

/// A bearer token: what opens a session, and therefore a secret.
///
/// It is erased from memory when it is dropped, compared in constant time, and printed as `Token(…)`. Its text is had with
/// [`expose`](Self::expose), so that a search for that word finds every place where it leaves this type.
///
/// The same session has two tokens: the *raw* one, which bodies of answers hold, and the *signed* one (`raw.signature`) of the
/// header `set-auth-token`. Both are taken by servers, unless they require the signature. This crate keeps the signed one.
///
/// ```
/// use hallpass_client::Token;
///
/// let token = Token::from("  abc.c2lnbmF0dXJl\n");
/// assert_eq!(token.expose(), "abc.c2lnbmF0dXJl");
/// assert_eq!(format!("{token:?}"), "Token(…)");
/// assert!(token.same_session(&Token::from("abc")));
/// ```
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Its text, for whatever has to have it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it. Such a token is as good as none: no header is sent.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether both open the same session: they are the same before the signature.
    pub fn same_session(&self, other: &Self) -> bool {
        equal(self.raw(), other.raw())
    }

    /// What stands before the signature.
    fn raw(&self) -> &str {
        self.0.split_once('.').map_or(self.expose(), |(raw, _)| raw)
    }

    /// As the value of `Authorization`, unless it holds characters that no header can carry.
    pub(crate) fn header(&self) -> Result<HeaderValue, Error> {
        let line = Zeroizing::new(format!("Bearer {}", self.expose()));
        let value = HeaderValue::from_str(&line);
        let mut value = value.map_err(|_| Error::request("the token holds characters that no header can carry"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The value of `set-auth-token`, if it is one.
    pub(crate) fn from_header(value: &HeaderValue) -> Option<Self> {
        let token = Self::from(value.to_str().ok()?);
        (!token.is_empty()).then_some(token)
    }
}

fn equal(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}

/// Blanks around it, such as the end of a line in a file, are no part of it.
impl From<&str> for Token {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.trim().to_owned()))
    }
}

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self::from(Zeroizing::new(text).as_str())
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        equal(self.expose(), other.expose())
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
