//! Percent-encoding as ECMAScript's `encodeURIComponent` and `decodeURIComponent` have it, which is what cookies on this wire use.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Encodes everything but `A-Z a-z 0-9 - _ . ! ~ * ' ( )`.
///
/// ```
/// assert_eq!(hallpass_verify::component::encode("a+b/c="), "a%2Bb%2Fc%3D");
/// ```
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Decodes, or returns the text as it is when it is malformed: a stray `%`, or bytes that are no UTF-8.
///
/// ```
/// use hallpass_verify::component::decode_or_raw;
/// assert_eq!(decode_or_raw("a%2Bb"), "a+b");
/// assert_eq!(decode_or_raw("a%zz"), "a%zz");
/// assert_eq!(decode_or_raw("%FF"), "%FF");
/// ```
pub fn decode_or_raw(text: &str) -> Cow<'_, str> {
    if !text.contains('%') || !is_well_formed(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    percent_decode_str(text).decode_utf8().unwrap_or(Cow::Borrowed(text))
}

/// The library decodes what it can and leaves a stray `%` alone; ECMAScript refuses the whole text.
fn is_well_formed(mut bytes: &[u8]) -> bool {
    while let Some(at) = bytes.iter().position(|byte| *byte == b'%') {
        match bytes.get(at + 1..at + 3) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => bytes = bytes.get(at + 3..).unwrap_or_default(),
            _ => return false,
        }
    }
    true
}
