use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What clients reach the server at (`baseURL` in the npm package; CONTRACT §1.1).
///
/// ```
/// use hallpass::options::{AllowedHosts, BaseUrl};
/// let one: BaseUrl = "https://api.example.com".into();
/// let many: BaseUrl = AllowedHosts { allowed_hosts: vec!["*.example.com".into()], ..AllowedHosts::default() }.into();
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a URL, or allowed_hosts with a fallback and a protocol if wanted")]
pub enum BaseUrl {
    /// One URL, whatever a request's `Host` header says.
    Url(String),
    /// The host each request names, if it is an allowed one.
    Hosts(AllowedHosts),
}

/// The hosts a server may be reached at. A request that names another is taken to have come to the fallback; without one it
/// is answered with 500.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AllowedHosts {
    /// Hosts with their ports, in which `*` stands for any run of characters and `?` for one. Pages there are trusted origins.
    pub allowed_hosts: Vec<String>,
    /// The URL that counts for requests to other hosts.
    pub fallback: Option<String>,
    /// How they are reached; as each request says, when not said. Decides whether cookies are `Secure`.
    pub protocol: Option<BaseUrlProtocol>,
}

/// How hosts are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BaseUrlProtocol {
    /// Without TLS.
    Http,
    /// Over TLS.
    Https,
    /// As each request says. Then pages of the allowed hosts are trusted with and without TLS.
    #[default]
    Auto,
}

impl From<&str> for BaseUrl {
    fn from(url: &str) -> Self {
        Self::Url(url.into())
    }
}

impl From<String> for BaseUrl {
    fn from(url: String) -> Self {
        Self::Url(url)
    }
}

impl From<AllowedHosts> for BaseUrl {
    fn from(hosts: AllowedHosts) -> Self {
        Self::Hosts(hosts)
    }
}
