//! A bearer token as a client presented it, before anybody looked into it.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::bearer::Credential;

/// The token of an `Authorization: Bearer` header, exactly as it came. Its shape is sound and nothing more is known of it.
///
/// It is a secret: it does not print, and its memory is wiped when it goes.
///
/// ```
/// use hallpass_verify::BearerToken;
/// let token = BearerToken::new("abcdefghijklmnopqrstuvwxyzABCDEF").unwrap();
/// assert_eq!(format!("{token:?}"), "BearerToken(…)");
/// assert!(BearerToken::new("two words").is_err());
/// ```
#[derive(Clone)]
pub struct BearerToken(Zeroizing<String>);

/// A text that cannot be a bearer token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedToken;

impl fmt::Display for MalformedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the shape of a bearer token")
    }
}

impl std::error::Error for MalformedToken {}

impl BearerToken {
    /// The longest token that is looked at. Session tokens have 32 characters, signed ones 77; the rest is for JSON Web Tokens.
    pub const MAX_LEN: usize = 8 * 1024;

    /// Takes a text as a token.
    ///
    /// # Errors
    /// When it is no `b64token` (RFC 6750 §2.1) or longer than [`Self::MAX_LEN`]. Beyond the RFC `%` is allowed: clients of this wire
    /// send signed tokens percent-encoded as well (CONTRACT §8.1).
    pub fn new(text: impl Into<String>) -> Result<Self, MalformedToken> {
        let text = Zeroizing::new(text.into());
        if is_b64token(&text) && text.len() <= Self::MAX_LEN { Ok(Self(text)) } else { Err(MalformedToken) }
    }

    /// Reads the value of an `Authorization` header. `None` when it is of another scheme, and so no bearer credential at all.
    ///
    /// # Errors
    /// When it is a bearer credential without a token, or with something that cannot be one.
    ///
    /// ```
    /// use hallpass_verify::BearerToken;
    /// assert!(BearerToken::from_header(b"bEARER  abc ").unwrap().is_ok());
    /// assert!(BearerToken::from_header(b"Bearer").unwrap().is_err());
    /// assert!(BearerToken::from_header(b"Basic dXNlcg==").is_none());
    /// ```
    pub fn from_header(value: &[u8]) -> Option<Result<Self, MalformedToken>> {
        let (scheme, rest) = value.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case(b"bearer") {
            return None;
        }
        match rest.first() {
            Some(b' ') => {
                let token = rest.trim_ascii();
                Some(std::str::from_utf8(token).map_err(|_| MalformedToken).and_then(Self::new))
            }
            // Another letter makes it another scheme's name.
            None | Some(b'\t') => Some(Err(MalformedToken)),
            Some(_) => None,
        }
    }

    /// The token itself, for the places where it must be written.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What kind of session token it is.
    pub fn credential(&self) -> Credential<'_> {
        Credential::of(self.expose().into())
    }

    /// Names the token without giving it away: for caches and logs that must tell tokens apart.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.expose()).into()
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(…)")
    }
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" / "%" ) *"="`.
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/%".contains(&byte);
    !body.is_empty() && body.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_token_and_what_is_not() {
        for good in ["a", "a=", "a==", "a.b+/c=", "a-._~+/", "tok.sig%3D"] {
            assert!(BearerToken::new(good).is_ok(), "{good}");
        }
        let long = "a".repeat(BearerToken::MAX_LEN + 1);
        for bad in ["", "=", "a=b", "a b", "a,b", "\"a\"", "é", "a\0", &*long] {
            assert!(BearerToken::new(bad).is_err(), "{bad}");
        }
        assert!(BearerToken::new("a".repeat(BearerToken::MAX_LEN)).is_ok());
    }

    #[test]
    fn other_schemes_are_not_malformed_ones() {
        for header in ["", "Bear", "Basic a", "Bearertok", "BearerX a", "Digest a=b"] {
            assert!(BearerToken::from_header(header.as_bytes()).is_none(), "{header}");
        }
        for header in [&b"Bearer"[..], b"Bearer ", b"bearer\ttok", b"Bearer a b", b"Bearer \xff", b"Bearer a,Bearer b"]
        {
            assert!(BearerToken::from_header(header).unwrap().is_err(), "{header:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_token_reads_the_same_here_and_in_the_engine(text in "[A-Za-z0-9._~+/%-]{1,80}={0,2}") {
            let header = format!("Bearer {text}");
            let token = BearerToken::from_header(header.as_bytes()).unwrap().unwrap();
            let read = crate::bearer::parse(header.as_bytes());
            proptest::prop_assert_eq!(Some(token.credential()), read);
        }
    }
}
