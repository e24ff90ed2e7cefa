//! Which origins and redirect targets are trusted (CONTRACT §9.4).

use std::net::Ipv4Addr;

use hallpass_verify::component::decode_or_raw;
use url::{Origin, Url};

use super::glob::Glob;

/// No redirect target is so long; taking megabytes of one apart would keep a core busy.
const LONGEST_URL: usize = 8 * 1024;

/// The trusted origins, patterns compiled.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustedOrigins(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    text: String,
    /// Set when the entry has a `*` or `?`.
    glob: Option<Glob>,
    has_scheme: bool,
    /// Whether its host is only digits, dots and wildcards: a range of addresses, which no name may match.
    is_ipv4_range: bool,
    /// For entries of schemes other than http and https.
    custom: Option<Custom>,
}

/// A URL of a scheme of its own, taken apart by plain text operations: parsers disagree on such URLs.
#[derive(Debug, Clone)]
struct Custom {
    scheme: String,
    authority: String,
    path: String,
    authority_glob: Option<Glob>,
    path_glob: Option<Glob>,
}

impl TrustedOrigins {
    pub(crate) fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Self {
        Self(entries.into_iter().filter(|entry| !entry.is_empty()).map(Entry::new).collect())
    }

    /// Whether an origin, or the origin of a URL, is trusted.
    pub(crate) fn trusts_origin(&self, url: &str) -> bool {
        url.len() <= LONGEST_URL && !url.starts_with('/') && self.0.iter().any(|entry| entry.matches(url))
    }

    /// Whether a redirect may go there: a path of this site, or a trusted origin.
    pub(crate) fn trusts_redirect(&self, url: &str) -> bool {
        // The npm package asks each entry, so an empty list trusts no path either.
        if url.starts_with('/') { !self.0.is_empty() && is_safe_path(url) } else { self.trusts_origin(url) }
    }
}

impl Entry {
    fn new(text: &str) -> Self {
        let has_scheme = text.contains("://");
        let is_wild = text.contains(['*', '?']);
        let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
        Self {
            glob: if is_wild { Glob::new(text) } else { None },
            has_scheme,
            is_ipv4_range: is_ipv4_range(authority),
            custom: Custom::parse(text, is_wild),
            text: text.to_owned(),
        }
    }

    fn matches(&self, url: &str) -> bool {
        let parsed = Url::parse(url).ok();
        if let (Some(glob), false) = (&self.glob, self.has_scheme) {
            let host = parsed.as_ref().map(host_and_port).unwrap_or_default();
            return !host.is_empty() && glob.matches(&host) && self.admits_address(&host);
        }
        match parsed.as_ref().map(Url::scheme) {
            None | Some("http" | "https") => {
                let Some(origin) = parsed.as_ref().and_then(origin_of) else { return false };
                match &self.glob {
                    None => self.text == origin,
                    Some(glob) => {
                        let authority = origin.split_once("://").map_or("", |(_, rest)| rest);
                        glob.matches(&origin) && self.admits_address(authority)
                    }
                }
            }
            Some(_) => self.matches_custom(url),
        }
    }

    fn admits_address(&self, authority: &str) -> bool {
        let host = authority.split(':').next().unwrap_or_default();
        !self.is_ipv4_range || host.parse::<Ipv4Addr>().is_ok()
    }

    fn matches_custom(&self, url: &str) -> bool {
        let (Some(pattern), Some(candidate)) = (&self.custom, Custom::parse(url, false)) else { return false };
        if pattern.scheme != candidate.scheme {
            return false;
        }
        if self.glob.is_some() {
            let authority = pattern.authority.is_empty()
                || pattern.authority_glob.as_ref().is_some_and(|glob| glob.matches(&candidate.authority))
                    && (!is_ipv4_range(&pattern.authority) || is_ipv4(&candidate.authority));
            let path = if candidate.path.is_empty() { "/" } else { &candidate.path };
            return authority
                && !candidate.authority.contains('@')
                && (pattern.path.is_empty() || pattern.path_glob.as_ref().is_some_and(|glob| glob.matches(path)));
        }
        let below = candidate.path.strip_prefix(&*pattern.path);
        (pattern.authority.is_empty() || pattern.authority == candidate.authority)
            && (pattern.path.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }
}

impl Custom {
    /// `is_pattern`: in a pattern with wildcards a `?` is one of them and begins no query.
    fn parse(text: &str, is_pattern: bool) -> Option<Self> {
        if text.chars().any(char::is_control) {
            return None;
        }
        let (scheme, rest) = text.split_once(':').filter(|(scheme, _)| !scheme.is_empty())?;
        let ends: &[char] = if is_pattern { &['/', '#'] } else { &['/', '?', '#'] };
        let (authority, rest) = match rest.strip_prefix("//") {
            None => ("", rest),
            Some(rest) => rest.split_at(rest.find(ends).unwrap_or(rest.len())),
        };
        let path_ends: &[char] = if is_pattern { &['#'] } else { &['?', '#'] };
        let path = normalised(rest.split(path_ends).next().unwrap_or_default());
        let (scheme, authority) = (scheme.to_lowercase(), authority.to_lowercase());
        let glob = |text: &str| if is_pattern { Glob::new(text) } else { None };
        Some(Self { authority_glob: glob(&authority), path_glob: glob(&path), scheme, authority, path })
    }
}

/// The path decoded, dot segments resolved: `/cb/../evil` must not pass for something below `/cb`.
fn normalised(path: &str) -> String {
    let decoded = decode_or_raw(path);
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            ".." => drop(segments.pop()),
            "." | "" => {}
            segment => segments.push(segment),
        }
    }
    segments.iter().flat_map(|segment| ["/", segment]).collect()
}

/// A path that browsers and routers agree is one: `//host`, `/\host` and encoded slashes lead elsewhere.
pub(super) fn is_safe_path(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let refused = !url.starts_with('/')
        || url.len() > LONGEST_URL
        || url.starts_with("//")
        || url.contains('\\')
        || url.chars().any(char::is_control)
        || path.contains("%2f")
        || path.contains("%5c");
    let Ok(base) = Url::parse("https://hallpass.invalid") else { return false };
    // What `/..//host` comes to is `//host`, and that is what is left of it once a parameter was added (COMPATIBILITY D60).
    let stays = |joined: Url| joined.origin() == base.origin() && !joined.path().starts_with("//");
    !refused && base.join(url).is_ok_and(stays)
}

fn is_ipv4_range(authority: &str) -> bool {
    let host = authority.split(':').next().unwrap_or_default();
    host.bytes().any(|byte| byte.is_ascii_digit())
        && host.bytes().all(|byte| byte.is_ascii_digit() || b"*?.".contains(&byte))
}

fn is_ipv4(authority: &str) -> bool {
    authority.split(':').next().is_some_and(|host| host.parse::<Ipv4Addr>().is_ok())
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The origin of a URL as text, default port left out.
pub(crate) fn origin_of(url: &Url) -> Option<String> {
    match url.origin() {
        origin @ Origin::Tuple(..) => Some(origin.ascii_serialization()),
        Origin::Opaque(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted() -> TrustedOrigins {
        TrustedOrigins::new([
            "http://127.0.0.1:4101",
            "https://app.example.com",
            "https://*.wild.example",
            "*.host.example",
            "myapp://",
            "deep://app/cb",
            "http://localhost:*",
            "192.168.*.*",
        ])
    }

    #[test]
    fn contract_9_4_accepted() {
        for url in [
            "HTTP://127.0.0.1:4101/x",
            "https://APP.example.com:443/x?y",
            "https://a.b.wild.example",
            "http://x.host.example",
            "myapp:x",
            "deep://APP/cb/more",
            "deep://app/%63b",
            "https://192.168.0.9/x",
            "http://192.168.1.1:8080",
            "http://localhost:5173",
        ] {
            assert!(trusted().trusts_origin(url), "{url}");
        }
    }

    #[test]
    fn contract_9_4_refused() {
        for url in [
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://wild.example",
            "https://a.wild.example:8443",
            "http://x.host.example:99",
            "http://localhost",
            "deep://app/cbx",
            "deep://app/cb/../other",
            "http://192.168.evil.test",
            "javascript:alert(1)",
            "dash",
            "",
            "null",
            "https://app.example.com.evil.test",
            "https://app.example.com@evil.test",
        ] {
            assert!(!trusted().trusts_origin(url), "{url}");
            assert!(!trusted().trusts_redirect(url), "{url}");
        }
    }

    #[test]
    fn relative_redirects() {
        for url in ["/x?y=1#z", "/", "/a/b", "/x?u=%2F%2Fevil"] {
            assert!(trusted().trusts_redirect(url), "{url}");
            assert!(!trusted().trusts_origin(url), "{url}");
        }
        for url in [
            "//evil",
            "/..//evil",
            "/.//evil",
            "/x/%2e%2e//evil",
            "/\\evil",
            "/%2Fevil",
            "/%5cevil",
            "/x\n",
            "/\u{9f}x",
            "dash",
        ] {
            assert!(!trusted().trusts_redirect(url), "{url:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_other_site_is_trusted(path in "[a-z/?#@:\\\\.%0-9]{0,30}") {
            let url = format!("https://evil.test{path}");
            proptest::prop_assert!(!TrustedOrigins::new(["https://app.example.com"]).trusts_redirect(&url)
                || Url::parse(&url).is_ok_and(|url| url.host_str() == Some("app.example.com")));
        }

        #[test]
        fn no_text_makes_the_matcher_panic(entry in ".{0,30}", url in ".{0,60}") {
            let _ = TrustedOrigins::new([&*entry]).trusts_redirect(&url);
        }
    }
}
