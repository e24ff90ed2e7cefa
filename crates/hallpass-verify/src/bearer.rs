//! The `Authorization: Bearer` header (CONTRACT §8.1, RFC 6750 §2.1).

use std::borrow::Cow;

use crate::{
    component::decode_or_raw,
    signed::{self, SigningKey},
};

/// What a bearer header holds. It is a secret, so it does not print.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential<'a> {
    /// A bare session token, as answers have it in their body. Anyone who reads the store has these.
    Raw(Cow<'a, str>),
    /// `token.signature`, as the `set-auth-token` header has it; percent-decoded where it was encoded.
    Signed(Cow<'a, str>),
}

impl std::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Raw(_) => "Raw(…)",
            Self::Signed(_) => "Signed(…)",
        })
    }
}

/// Reads the header's value. `None` when it is no bearer credential at all: another scheme, no token, or anything but an
/// ordinary space after the scheme. The scheme's case does not matter (RFC 9110 §11.1).
///
/// ```
/// use hallpass_verify::bearer::{Credential, parse};
/// assert_eq!(parse(b"bEARER  tok "), Some(Credential::Raw("tok".into())));
/// assert_eq!(parse(b"Bearer tok.sig%3D"), Some(Credential::Signed("tok.sig=".into())));
/// assert_eq!(parse(b"Basic dXNlcg=="), None);
/// assert_eq!(parse(b"Bearer"), None);
/// ```
pub fn parse(header: &[u8]) -> Option<Credential<'_>> {
    let (scheme, rest) = header.split_at_checked(7)?;
    if !scheme.eq_ignore_ascii_case(b"bearer ") {
        return None;
    }
    match trimmed(rest) {
        token if token.is_empty() => None,
        token => Some(Credential::of(token)),
    }
}

/// The token without the space around it. Header bytes past ASCII are Latin-1 (RFC 9110 §5.5), and so are the spaces.
fn trimmed(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text.trim_matches(is_space)),
        _ => {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            Cow::Owned(text.trim_matches(is_space).to_owned())
        }
    }
}

/// What ECMAScript's `trim` takes off a header's ends: unlike Rust's, not U+0085.
pub fn is_space(character: char) -> bool {
    matches!(character, '\t'..='\r' | ' ' | '\u{a0}')
}

impl<'a> Credential<'a> {
    /// A dot makes the token a signed one, and only a signed one is percent-decoded.
    pub(crate) fn of(token: Cow<'a, str>) -> Self {
        match token {
            token if !token.contains('.') => Self::Raw(token),
            Cow::Borrowed(token) => Self::Signed(decode_or_raw(token)),
            Cow::Owned(token) => Self::Signed(Cow::Owned(decode_or_raw(&token).into_owned())),
        }
    }
}

impl Credential<'_> {
    /// What the credential comes to, or `None` when it counts for nothing: a wrong signature, or a raw token where signatures
    /// are required. Needs no store.
    pub fn admit(&self, key: &SigningKey, require_signature: bool) -> Option<Admitted> {
        match self {
            Self::Raw(_) if require_signature => None,
            Self::Raw(token) => {
                Some(Admitted { cookie: key.sign(token), token: Some(token.len()).filter(|length| *length > 0) })
            }
            Self::Signed(text) => {
                let mut parts = text.split('.');
                let (value, signature) = (parts.next()?, parts.next()?);
                if !key.verify_leniently(value, signature) {
                    return None;
                }
                // Mostly both readers read the same parts as the same bytes, and the one check was the other as well.
                let is_strict = parts.next().is_none() && !value.is_empty() && signed::is_strict(signature);
                let token = if is_strict { Some(value.len()) } else { key.verify(text).map(str::len) };
                Some(Admitted { cookie: text.clone().into_owned(), token })
            }
        }
    }
}

/// A credential that counts. It is a secret, so it does not print.
#[derive(Clone)]
pub struct Admitted {
    cookie: String,
    /// How much of that the strict reader takes for the token, if it takes any.
    token: Option<usize>,
}

impl Admitted {
    /// The text that takes the place of the session cookie: `token.signature`.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// The session token to ask the store for. The strict reader ([`SigningKey::verify`]), which every cookie goes through, has the
    /// last word: a signature that only the bearer hook lets through makes a session of nobody, and this is `None`.
    pub fn token(&self) -> Option<&str> {
        self.cookie.get(..self.token?)
    }
}

impl std::fmt::Debug for Admitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Admitted(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_that_are_no_bearer_credential() {
        for header in ["Bearer\ttok", "Bearertok", "tok", "Basic tok", "Bearer", "Bearer ", "Bearer   ", "", "Bear"] {
            assert_eq!(parse(header.as_bytes()), None, "{header:?}");
        }
    }

    #[test]
    fn bytes_past_ascii_are_latin_1() {
        assert_eq!(parse(b"Bearer \xa0t\xe9k\xa0"), Some(Credential::Raw("ték".into())));
        assert_eq!(parse("Bearer é".as_bytes()), Some(Credential::Raw("Ã©".into())));
    }

    #[test]
    fn a_raw_token_is_never_decoded_and_a_signed_one_is_when_it_can_be() {
        assert_eq!(parse(b"Bearer tok%2Esig"), Some(Credential::Raw("tok%2Esig".into())));
        assert_eq!(parse(b"Bearer tok.%zz"), Some(Credential::Signed("tok.%zz".into())));
    }

    #[test]
    fn a_raw_token_counts_for_nothing_where_signatures_are_required() {
        let key = SigningKey::new("secret");
        assert!(Credential::Raw("tok".into()).admit(&key, false).is_some());
        assert!(Credential::Raw("tok".into()).admit(&key, true).is_none());
        assert!(Credential::Signed(key.sign("tok").into()).admit(&key, true).is_some());
    }

    /// Two readers, and one check where they agree.
    #[test]
    fn the_token_is_what_the_strict_reader_says() {
        let key = SigningKey::new("secret");
        let signed = key.sign("tok");
        let (digits, twice) = (signed.trim_end_matches('='), key.sign(&signed));
        let odd = [
            signed.clone(),
            digits.to_owned(),
            format!("{digits}=="),
            format!("{digits}=x"),
            format!("{signed}.x"),
            signed.replace('+', "-").replace('/', "_"),
            key.sign(""),
            twice,
        ];
        let mut tokens = Vec::new();
        for text in odd {
            let admitted = Credential::Signed(text.clone().into()).admit(&key, true).unwrap();
            assert_eq!(admitted.token(), key.verify(&text), "{text}");
            assert_eq!(admitted.cookie(), text);
            tokens.push(admitted.token().map(ToOwned::to_owned));
        }
        assert_eq!(tokens[0].as_deref(), Some("tok"));
        assert_eq!(tokens[7].as_deref(), Some(&*signed));
        for raw in ["tok", "", "a.b"] {
            let admitted = Credential::Raw(raw.into()).admit(&key, false).unwrap();
            assert_eq!(admitted.token(), key.verify(admitted.cookie()));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_the_reader_panic(mut header in proptest::collection::vec(0_u8..=255, 0..120), prefix: bool) {
            if prefix {
                header.splice(0..0, *b"Bearer ");
            }
            if let Some(credential) = parse(&header) {
                let _ = credential.admit(&SigningKey::new("secret"), false);
            }
        }
    }
}
