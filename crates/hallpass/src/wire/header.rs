//! Header values as text and back.

use http::{HeaderMap, HeaderValue};

/// Headers of which a second line is dropped; lines of any other are joined (CONTRACT §1.5).
const SINGLE: &[&str] = &["authorization", "content-type", "host", "referer", "user-agent"];

/// A header's value; bytes past ASCII are Latin-1 (RFC 9110 §5.5).
pub(crate) fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut lines = headers.get_all(name).iter().map(latin1);
    let mut text = lines.next()?;
    if !SINGLE.contains(&name) {
        for line in lines {
            text.push_str(if name == "cookie" { "; " } else { ", " });
            text.push_str(&line);
        }
    }
    Some(text)
}

/// A text as a header's value, in Latin-1. `None` when it cannot be written so, or would end the header early.
pub(crate) fn header_value(text: &str) -> Option<HeaderValue> {
    // Space and line ends around a value go, as in the platform that the npm package sets headers on.
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let bytes: Option<Vec<u8>> = text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
    HeaderValue::from_bytes(&bytes?).ok()
}

fn latin1(value: &HeaderValue) -> String {
    match value.to_str() {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_1_5_repeated_lines() {
        let mut headers = HeaderMap::new();
        for name in ["origin", "cookie", "referer"] {
            headers.append(name, HeaderValue::from_static("a"));
            headers.append(name, HeaderValue::from_static("b"));
        }
        let text = |name| header_text(&headers, name).unwrap();
        assert_eq!([text("origin"), text("cookie"), text("referer")], ["a, b", "a; b", "a"]);
    }

    #[test]
    fn text_past_latin_1_and_line_ends_are_no_values() {
        assert_eq!(header_value("/ü").unwrap().as_bytes(), b"/\xfc");
        assert_eq!(header_value("/€"), None);
        assert_eq!(header_value("/\r\nset-cookie: a=b"), None);
        assert_eq!(header_value(" /x\r\n").unwrap(), "/x");
    }
}
