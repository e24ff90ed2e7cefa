//! Where requests with a token may go.

use std::fmt;

use url::{Host, Origin, Url};

use crate::Error;

/// Where the endpoints are when nothing is said.
pub(crate) const BASE_PATH: &str = "/api/auth";

/// Why a client cannot be made of what was said.
pub struct BuildError(String);

impl BuildError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BuildError").field(&self.0).finish()
    }
}

impl std::error::Error for BuildError {}

/// An auth server: its origin, and where its endpoints begin.
#[derive(Clone)]
pub(crate) struct Server {
    origin: Origin,
    /// Without a slash at the end.
    base: String,
    base_path: String,
    plain: bool,
    allow_plain: bool,
}

impl Server {
    /// A URL with a path of its own needs no base path, and gets none.
    pub(crate) fn new(url: &str, base_path: &str, allow_plain: bool) -> Result<Self, BuildError> {
        let url = checked(url, allow_plain)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BuildError::new("a base URL has neither query nor fragment"));
        }
        let own = url.path().trim_end_matches('/');
        let base_path = if own.is_empty() { base_path.trim_end_matches('/') } else { own };
        if !base_path.is_empty() && !base_path.starts_with('/') {
            return Err(BuildError::new("a base path begins with a slash, such as /api/auth"));
        }
        let base = format!("{}{base_path}", url.origin().ascii_serialization());
        let normal = Url::parse(&base).ok().filter(|normal| normal.origin() == url.origin());
        let normal = normal.ok_or_else(|| BuildError::new("the base path is none"))?;
        let base_path = normal.path().trim_end_matches('/').to_owned();
        let base = format!("{}{base_path}", url.origin().ascii_serialization());
        Ok(Self { origin: url.origin(), base, base_path, plain: url.scheme() == "http", allow_plain })
    }

    /// Origin and base path.
    pub(crate) fn name(&self) -> &str {
        &self.base
    }

    /// Whether what goes there can be read on its way.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether whoever made the client takes that for no danger.
    pub(crate) fn allows_plain(&self) -> bool {
        self.allow_plain
    }

    /// The URL of an endpoint. Whatever the path says, it is one of this server below its base path.
    pub(crate) fn url(&self, path: &str) -> Result<Url, Error> {
        let refused = || Error::request("an endpoint's path begins with one slash and stays below the base path");
        if !path.starts_with('/') || path.starts_with("//") || path.contains(['\\', '#']) {
            return Err(refused());
        }
        let url = Url::parse(&format!("{}{path}", self.base)).map_err(|_| refused())?;
        let below = url.path().strip_prefix(&self.base_path).is_some_and(|rest| rest.starts_with('/'));
        if below && url.origin() == self.origin { Ok(url) } else { Err(refused()) }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

/// A URL that a token may be sent to: `https`, or this machine's own.
pub(crate) fn checked(url: &str, allow_plain: bool) -> Result<Url, BuildError> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| BuildError::new("the URL of a server begins with https:// and names a host"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BuildError::new("the URL of a server holds no user name and no password"));
    }
    if url.scheme() == "http" && !allow_plain && !is_loopback(&url) {
        return Err(BuildError::new(
            "over http:// everybody on the way can read the token and use it; use https://, or, if this network is trusted \
             entirely, say dangerously_allow_plain_http()",
        ));
    }
    Ok(url)
}

/// Names below `localhost` do not count: a resolver may ask the network for them.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Result<Server, BuildError> {
        Server::new(url, BASE_PATH, false)
    }

    #[test]
    fn a_url_without_a_path_gets_the_base_path() {
        for url in ["https://a.example", "https://A.example/", "https://a.example:443"] {
            assert_eq!(server(url).unwrap().name(), "https://a.example/api/auth");
        }
    }

    #[test]
    fn a_path_of_its_own_takes_the_place_of_the_base_path() {
        assert_eq!(server("https://a.example/auth/").unwrap().name(), "https://a.example/auth");
        let root = Server::new("https://a.example", "/", false).unwrap();
        assert_eq!(root.url("/ok").unwrap().as_str(), "https://a.example/ok");
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        for url in ["http://localhost:3000", "http://127.8.0.1", "http://[::1]:1"] {
            assert!(server(url).unwrap().is_plain(), "{url}");
        }
        for url in [
            "http://a.example",
            "http://10.0.0.1",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://app.localhost",
        ] {
            assert!(server(url).unwrap_err().to_string().contains("dangerously_allow_plain_http"), "{url}");
            assert!(Server::new(url, BASE_PATH, true).is_ok());
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        let not =
            ["", "a.example", "ftp://a.example", "https://", "https://u:p@a.example", "https://a.example/?x", "data:x"];
        assert!(not.iter().all(|url| server(url).is_err()));
        assert!(Server::new("https://a.example", "@evil.example", false).is_err());
    }

    #[test]
    fn no_path_leads_elsewhere() {
        let server = server("https://a.example").unwrap();
        assert_eq!(server.url("/list-sessions?x=1").unwrap().as_str(), "https://a.example/api/auth/list-sessions?x=1");
        for path in [
            "",
            "x",
            "@evil.example",
            ".evil.example",
            "//evil.example/x",
            "/\\evil.example",
            "/../../x",
            "/..",
            "/%2e%2e/x",
            "/#x",
            "https://evil.example/",
            ":80/x",
        ] {
            assert!(server.url(path).is_err(), "{path}");
        }
    }
}
