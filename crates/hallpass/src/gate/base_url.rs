//! What clients reach the server at, where that depends on the request (CONTRACT §1.1).

use std::{fmt, net::Ipv4Addr, sync::Arc};

use http::HeaderMap;
use url::{Position, Url};

use super::{glob::Glob, trusted_origins::origin_of};
use crate::{
    cookie::AuthCookies,
    error::BuildError,
    options::{AllowedHosts, BaseUrlProtocol},
    request::Door,
    wire::header_text,
};

/// Names the cookies of one host: whether it is reached over TLS, and what it is called.
pub(crate) type NameCookies = Box<dyn Fn(bool, Option<&str>) -> AuthCookies + Send + Sync>;

/// Where one request has reached the server.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) origin: String,
    /// Set where cookies are shared with the host's subdomains, so that they depend on the host.
    pub(crate) cookies: Option<Arc<AuthCookies>>,
}

/// The hosts the server may be reached at.
pub(crate) struct DynamicBaseUrl {
    patterns: Vec<Pattern>,
    fallback: Option<String>,
    protocol: BaseUrlProtocol,
    trusts_proxy: bool,
    name_cookies: Option<NameCookies>,
}

enum Pattern {
    Exact(String),
    Wild(Glob),
}

impl fmt::Debug for DynamicBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicBaseUrl").field("fallback", &self.fallback).finish_non_exhaustive()
    }
}

impl DynamicBaseUrl {
    pub(crate) fn new(
        options: &AllowedHosts,
        base_path: &str,
        trusts_proxy: bool,
        name_cookies: Option<NameCookies>,
    ) -> Result<Self, BuildError> {
        if options.allowed_hosts.iter().all(String::is_empty) {
            return Err(BuildError::new("base_url.allowed_hosts: name at least one host, such as *.example.com"));
        }
        let fallback = options.fallback.as_deref().filter(|url| !url.is_empty());
        Ok(Self {
            patterns: options.allowed_hosts.iter().map(|text| Pattern::new(text)).collect(),
            fallback: fallback.map(|url| fallback_origin(url, base_path)).transpose()?,
            protocol: options.protocol.unwrap_or_default(),
            trusts_proxy,
            name_cookies,
        })
    }

    /// Where a request has reached the server; nowhere when its host is not allowed and there is no fallback.
    pub(crate) fn resolve(&self, headers: &HeaderMap, door: Door) -> Option<Site> {
        let host = self.host(headers, door).filter(|host| self.patterns.iter().any(|pattern| pattern.matches(host)));
        let origin = match host {
            Some(host) => format!("{}://{host}", self.scheme(headers, door, &host)),
            None => self.fallback.clone()?,
        };
        let cookies = self.name_cookies.as_ref().map(|name| {
            let url = Url::parse(&origin).ok();
            Arc::new(name(origin.starts_with("https://"), url.as_ref().and_then(Url::host_str)))
        });
        Some(Site { origin, cookies })
    }

    fn host(&self, headers: &HeaderMap, door: Door) -> Option<String> {
        let forwarded = header_text(headers, "x-forwarded-host").filter(|host| self.trusts_proxy && is_host(host));
        let named = || header_text(headers, "host").filter(|host| is_host(host));
        let in_url = || {
            let url = Url::parse(&format!("http://{}", header_text(headers, "host")?)).ok()?;
            (door == Door::Http).then(|| url[Position::BeforeHost..Position::AfterPort].to_owned())
        };
        forwarded.or_else(named).or_else(in_url)
    }

    fn scheme(&self, headers: &HeaderMap, door: Door, host: &str) -> &'static str {
        let forwarded = || match header_text(headers, "x-forwarded-proto").as_deref() {
            Some("http") => Some("http"),
            Some("https") => Some("https"),
            _ => None,
        };
        match self.protocol {
            BaseUrlProtocol::Http => "http",
            BaseUrlProtocol::Https => "https",
            // As behind the npm package's Node adapter, a request's own scheme is what `x-forwarded-proto` says, else http.
            BaseUrlProtocol::Auto if door == Door::Http => forwarded().unwrap_or("http"),
            BaseUrlProtocol::Auto => {
                forwarded().filter(|_| self.trusts_proxy).unwrap_or(if is_loopback(host) { "http" } else { "https" })
            }
        }
    }
}

impl Pattern {
    fn new(text: &str) -> Self {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
        let host = host.split('/').next().unwrap_or_default().to_lowercase();
        let glob = if host.contains(['*', '?']) { Glob::new(&host) } else { None };
        glob.map_or(Self::Exact(host), Self::Wild)
    }

    fn matches(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        match self {
            Self::Exact(exact) => !exact.is_empty() && *exact == host,
            Self::Wild(glob) => glob.matches(&host),
        }
    }
}

/// The origins that are trusted because the server may be reached there.
pub(crate) fn trusted(options: &AllowedHosts) -> Vec<String> {
    let mut origins = Vec::new();
    for host in options.allowed_hosts.iter().filter(|host| !host.is_empty()) {
        if host.contains("://") {
            origins.push(host.clone());
            continue;
        }
        if options.protocol != Some(BaseUrlProtocol::Http) {
            origins.push(format!("https://{host}"));
        }
        if matches!(options.protocol, Some(BaseUrlProtocol::Http | BaseUrlProtocol::Auto)) || is_loopback(host) {
            origins.push(format!("http://{host}"));
        }
    }
    let fallback = options.fallback.as_deref().and_then(|url| Url::parse(url).ok());
    origins.extend(fallback.as_ref().and_then(origin_of));
    origins
}

fn fallback_origin(url: &str, base_path: &str) -> Result<String, BuildError> {
    let wrong =
        || BuildError::new(format!("base_url.fallback: `{url}` is no URL that begins with http:// or https://"));
    let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(wrong)?;
    let path = parsed.path().trim_end_matches('/');
    if !path.is_empty() && path != base_path {
        return Err(BuildError::new(format!(
            "base_url.fallback: leave the path of `{url}` out, or set base_path to it"
        )));
    }
    origin_of(&parsed).ok_or_else(wrong)
}

/// A host with an optional port, and nothing that could pass for more of a URL.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']')) {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let port_fits = port.is_none_or(|port| (1..=5).contains(&port.len()) && port.bytes().all(|it| it.is_ascii_digit()));
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return port_fits && !address.is_empty() && address.bytes().all(|it| it.is_ascii_hexdigit() || it == b':');
    }
    let label_fits = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    port_fits && host.split('.').all(label_fits)
}

/// Whether a host, with or without a port, is this machine; TLS is not expected there.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None if host.matches(':').count() == 1 => host.split(':').next().unwrap_or_default(),
        None => host,
    };
    let name = name.trim_end_matches('.').to_lowercase();
    let is_address = name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    name == "localhost" || name.ends_with(".localhost") || name == "::1" || is_address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(options: &AllowedHosts, trusts_proxy: bool, headers: &[(&str, &str)]) -> Option<String> {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let dynamic = DynamicBaseUrl::new(options, "/api/auth", trusts_proxy, None).unwrap();
        dynamic.resolve(&headers, Door::Http).map(|site| site.origin)
    }

    fn hosts(protocol: Option<BaseUrlProtocol>, fallback: Option<&str>) -> AllowedHosts {
        let allowed_hosts = vec!["*.example.com".into(), "App.Test:8080".into(), "https://one.test/x".into()];
        AllowedHosts { allowed_hosts, fallback: fallback.map(Into::into), protocol }
    }

    #[test]
    fn only_allowed_hosts_count() {
        let with_fallback = hosts(Some(BaseUrlProtocol::Https), Some("https://back.test/"));
        for (host, origin) in [
            ("a.example.com", "https://a.example.com"),
            ("A.b.Example.com", "https://A.b.Example.com"),
            ("app.test:8080", "https://app.test:8080"),
            ("one.test", "https://one.test"),
            ("example.com", "https://back.test"),
            ("app.test", "https://back.test"),
            ("evil.test", "https://back.test"),
            ("a.example.com.evil.test", "https://back.test"),
            ("evil.test/a.example.com", "https://back.test"),
            ("evil.test#.example.com", "https://back.test"),
            ("x@a.example.com", "https://a.example.com"),
        ] {
            assert_eq!(resolve(&with_fallback, false, &[("host", host)]).as_deref(), Some(origin), "{host}");
        }
        assert_eq!(resolve(&hosts(None, None), false, &[("host", "evil.test")]), None);
        assert_eq!(resolve(&hosts(None, None), false, &[]), None);
    }

    #[test]
    fn a_forwarded_host_counts_where_the_proxy_is_trusted() {
        let headers =
            [("host", "a.example.com"), ("x-forwarded-host", "b.example.com"), ("x-forwarded-proto", "https")];
        let options = hosts(Some(BaseUrlProtocol::Http), None);
        assert_eq!(resolve(&options, false, &headers).as_deref(), Some("http://a.example.com"));
        assert_eq!(resolve(&options, true, &headers).as_deref(), Some("http://b.example.com"));
        let broken = [("host", "a.example.com"), ("x-forwarded-host", "b.example.com, c.example.com")];
        assert_eq!(resolve(&options, true, &broken).as_deref(), Some("http://a.example.com"));
    }

    #[test]
    fn the_origins_of_allowed_hosts_are_trusted() {
        let own = |protocol| trusted(&AllowedHosts { protocol, ..hosts(None, Some("https://back.test/x")) });
        let expected = ["https://*.example.com", "https://App.Test:8080", "https://one.test/x", "https://back.test"];
        assert_eq!(own(None), expected);
        assert_eq!(own(Some(BaseUrlProtocol::Http))[0], "http://*.example.com");
        assert_eq!(own(Some(BaseUrlProtocol::Auto)).len(), 6);
        let local = AllowedHosts { allowed_hosts: vec!["localhost:3000".into()], ..AllowedHosts::default() };
        assert_eq!(trusted(&local), ["https://localhost:3000", "http://localhost:3000"]);
    }

    #[test]
    fn a_host_is_nothing_but_a_host() {
        for host in ["a", "a.b", "1.2.3.4:80", "[::1]", "[::1]:3000", "localhost:3000", "a-b.c"] {
            assert!(is_host(host), "{host}");
        }
        for text in ["", "a..b", ".a", "a.", "-a", "a/b", "a b", "a:b", "a:", "a:123456", "[x]", "a@b", "a_b"] {
            assert!(!is_host(text), "{text}");
        }
    }
}
