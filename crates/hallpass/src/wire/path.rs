//! From a request's path to the path of an endpoint (CONTRACT §§1.2, 1.5).

use std::borrow::Cow;

use url::Url;

/// The path as a WHATWG URL parser leaves it: dot segments resolved, backslashes turned.
pub(crate) fn canonical(path: &str) -> Cow<'_, str> {
    // The parser costs more than the rest of routing, and nearly every path is canonical as it comes.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_~!$&'()*+,;=:@".contains(&byte);
    let suspicious = !path.bytes().all(|byte| plain(byte) || byte == b'.') || path.contains("/.");
    if !suspicious {
        return Cow::Borrowed(path);
    }
    let parsed = Url::parse("http://h").and_then(|base| base.join(&format!("http://h{path}")));
    parsed.map_or(Cow::Borrowed(path), |url| Cow::Owned(url.path().to_owned()))
}

/// The path below the base, trailing slashes gone, by which disabled paths and rate-limit rules are found. A path that is
/// not below the base is left whole.
pub(crate) fn below_base<'a>(path: &'a str, base: &str) -> &'a str {
    let path = trimmed(path);
    match path.strip_prefix(base) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => trimmed(rest),
        _ => path,
    }
}

/// The path to route by, or `None` where nothing can be mounted: not below the base, or with an empty segment.
pub(crate) fn routed<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(base)?;
    (rest.starts_with('/') && !rest.contains("//")).then_some(rest)
}

fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        path => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_what_a_url_parser_makes_of_them() {
        for (raw, clean) in [
            ("/api/auth/ok", "/api/auth/ok"),
            ("/x/../api/auth/ok", "/api/auth/ok"),
            ("/api/auth/x/%2e%2e/ok", "/api/auth/ok"),
            ("/api/auth\\ok", "/api/auth/ok"),
            ("/api/auth/./ok", "/api/auth/ok"),
            ("/api/auth/%6fk", "/api/auth/%6fk"),
            ("//evil/ok", "//evil/ok"),
            ("/api/auth/ok/..", "/api/auth/"),
        ] {
            assert_eq!(canonical(raw), clean, "{raw}");
        }
    }

    #[test]
    fn nothing_is_mounted_outside_the_base_or_behind_an_empty_segment() {
        assert_eq!(routed("/api/auth/ok", "/api/auth"), Some("/ok"));
        for path in ["/api/auth", "/api/authx/ok", "/ok", "/api/auth//ok", "/api/auth/ok//"] {
            assert_eq!(routed(path, "/api/auth"), None, "{path}");
        }
        assert_eq!(routed("/ok", ""), Some("/ok"));
    }

    #[test]
    fn rules_see_the_path_without_base_and_trailing_slashes() {
        for (path, key) in [
            ("/api/auth/ok//", "/ok"),
            ("/api/auth", "/"),
            ("/other", "/other"),
            ("/api/authx", "/api/authx"),
            ("/", "/"),
        ] {
            assert_eq!(below_base(path, "/api/auth"), key);
        }
    }
}
