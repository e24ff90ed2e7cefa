//! The request's `Cookie` header.
//!
//! The npm package reads it in two ways: endpoints take the first cookie of a name and forgive much, while the bearer hook
//! and the chunk reader take the last and drop what RFC 6265 does not allow. Both are observable, so both are here.

use std::borrow::Cow;

use hallpass_verify::{SigningKey, bearer::is_space, component::decode_or_raw};
use indexmap::IndexMap;

/// The cookies of a request, as the endpoint sees them.
///
/// ```
/// use hallpass::cookie::RequestCookies;
/// let cookies = RequestCookies::from_header("a=1; a=2; b=\"x%3D\"");
/// assert_eq!(cookies.get("a").as_deref(), Some("1"));
/// assert_eq!(cookies.get("b").as_deref(), Some("x="));
/// ```
#[derive(Clone, Default)]
pub struct RequestCookies(Source);

#[derive(Clone)]
enum Source {
    Header(String),
    /// What a hook made of the header: names and values free of any encoding.
    Rewritten(IndexMap<String, String>),
}

impl Default for Source {
    fn default() -> Self {
        Self::Header(String::new())
    }
}

impl std::fmt::Debug for RequestCookies {
    /// Names only; values are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.well_formed().keys()).finish()
    }
}

impl RequestCookies {
    /// Takes a `Cookie` header's text; nothing is parsed yet.
    pub fn from_header(header: impl Into<String>) -> Self {
        Self(Source::Header(header.into()))
    }

    /// The value of the first cookie of this name, decoded where it can be (CONTRACT §4.2).
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        match &self.0 {
            Source::Header(header) => {
                forgiving(header).find(|(key, _)| *key == name).map(|(_, raw)| decode_or_raw(raw))
            }
            Source::Rewritten(cookies) => cookies.get(name).map(|value| Cow::Borrowed(&**value)),
        }
    }

    /// The value inside a signed cookie, if its signature is right (the strict reader of CONTRACT §4.2).
    pub fn get_signed(&self, name: &str, key: &SigningKey) -> Option<String> {
        let signed = self.get(name)?;
        key.verify(&signed).map(ToOwned::to_owned)
    }

    /// Adds or replaces a cookie, as the bearer hook does: what is not well-formed is dropped, of cookies with one name
    /// the last stays (CONTRACT §8.1 step 5).
    pub fn set(&mut self, name: &str, value: String) {
        let mut cookies = match std::mem::take(&mut self.0) {
            Source::Rewritten(cookies) => cookies,
            header @ Source::Header(_) => Self(header).well_formed(),
        };
        if is_name(name) {
            cookies.insert(name.to_owned(), value);
        }
        self.0 = Source::Rewritten(cookies);
    }

    /// Every well-formed cookie, decoded, the last of each name.
    pub fn well_formed(&self) -> IndexMap<String, String> {
        match &self.0 {
            Source::Rewritten(cookies) => cookies.clone(),
            Source::Header(header) => {
                let mut cookies = IndexMap::new();
                for pair in header.split(';') {
                    let Some((name, value)) = pair.split_once('=') else { continue };
                    let (name, value) = (trim_ows(name), unquote(trim_ows(value)));
                    if is_name(name) && is_value(value) {
                        cookies.insert(name.to_owned(), decode_or_raw(value).into_owned());
                    }
                }
                cookies
            }
        }
    }

    /// Names of `base` and its chunks `base.0`, `base.1`, … that the request brought (CONTRACT §5.5).
    pub fn chunks_of(&self, base: &str) -> Vec<String> {
        let is_one = |name: &&String| *name == base || chunk_index(base, name).is_some();
        match &self.0 {
            Source::Rewritten(cookies) => cookies.keys().filter(is_one).cloned().collect(),
            Source::Header(_) => self.well_formed().keys().filter(is_one).cloned().collect(),
        }
    }
}

/// Pairs of name and raw value: a piece without `=` is skipped, space and quotes around the value go.
fn forgiving(header: &str) -> impl Iterator<Item = (&str, &str)> {
    header.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let value = value.trim_matches(is_space);
        let value = match value.strip_prefix('"') {
            // The npm package drops the last character with the opening quote, whatever it is.
            Some(rest) => rest.char_indices().next_back().map_or("", |(end, _)| rest.get(..end).unwrap_or_default()),
            None => value,
        };
        Some((name.trim_matches(is_space), value))
    })
}

fn trim_ows(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn unquote(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

/// RFC 9110 §5.6.2 `token`.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// RFC 6265 §4.1.1 `cookie-octet`, and space and comma, which clients send.
fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b';' | b'\\'))
}

/// Which piece of the cookie `base` a cookie of this name is: a canonical non-negative integer follows, without sign or leading zero.
pub(super) fn chunk_index(base: &str, name: &str) -> Option<u64> {
    let digits = name.strip_prefix(base)?.strip_prefix('.')?;
    let is_canonical = digits == "0" || !digits.starts_with(['0', '+']);
    // The largest is the largest whole number that a double holds exactly.
    digits.parse().ok().filter(|index| is_canonical && *index < 1 << 53)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_take_the_first_and_hooks_the_last() {
        let mut cookies = RequestCookies::from_header("a=1; a=2; =x; lonely; bad name=1; c=a\\b; d=\"q\"");
        assert_eq!(cookies.get("a").as_deref(), Some("1"));
        assert_eq!(cookies.get("bad name").as_deref(), Some("1"));
        cookies.set("t", "tok.sig=".into());
        assert_eq!(cookies.get("a").as_deref(), Some("2"));
        assert_eq!(cookies.get("bad name"), None);
        assert_eq!(cookies.get("c"), None);
        assert_eq!(cookies.get("d").as_deref(), Some("q"));
        assert_eq!(cookies.get("t").as_deref(), Some("tok.sig="));
    }

    #[test]
    fn malformed_encoding_stays_as_it_is() {
        assert_eq!(RequestCookies::from_header("a=%zz").get("a").as_deref(), Some("%zz"));
        assert_eq!(RequestCookies::from_header("a=x%3D").get("a").as_deref(), Some("x="));
    }

    #[test]
    fn chunks_have_canonical_numbers() {
        let cookies = RequestCookies::from_header("d=1; d.0=a; d.10=b; d.01=c; d.-1=e; d.x=f; dd.0=g");
        assert_eq!(cookies.chunks_of("d"), ["d", "d.0", "d.10"]);
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_a_reader_panic(header in ".{0,120}") {
            let mut cookies = RequestCookies::from_header(header);
            let _ = cookies.get("a");
            cookies.set("a", "b".into());
            let value = cookies.get("a");
            proptest::prop_assert_eq!(value.as_deref(), Some("b"));
        }
    }
}
