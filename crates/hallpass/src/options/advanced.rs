use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cookie::SameSite;

/// Cookies, origins and addresses (`advanced` in the npm package).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdvancedOptions {
    /// Puts `__Secure-` before cookie names and `Secure` on them. When not said: whether the base URL is https, and without
    /// a base URL whether this is production.
    pub use_secure_cookies: Option<bool>,
    /// What cookie names begin with; `better-auth`.
    pub cookie_prefix: Option<String>,
    /// Names and attributes of single cookies, by logical name: `session_token`, `session_data`, `account_data`,
    /// `dont_remember`.
    pub cookies: IndexMap<String, CookieOptions>,
    /// Attributes for every cookie.
    pub default_cookie_attributes: CookieAttributeOptions,
    /// Shares cookies among subdomains.
    pub cross_sub_domain_cookies: CrossSubDomainCookies,
    /// Switches the origin check of requests with cookies off. Any site can then act as a signed-in visitor.
    pub disable_csrf_check: Option<bool>,
    /// Switches the check of redirect targets off: everywhere with `true`, or under a list of paths.
    pub disable_origin_check: Option<DisableOriginCheck>,
    /// Believes `x-forwarded-host` when there is no base URL. `x-forwarded-proto` is believed in any case.
    pub trusted_proxy_headers: bool,
    /// Accepts `/ok/` for `/ok`.
    pub skip_trailing_slashes: bool,
    /// How a client's address is found.
    pub ip_address: IpAddressOptions,
    /// How rows are written.
    pub database: DatabaseOptions,
}

impl AdvancedOptions {
    pub(crate) fn cookie_prefix(&self) -> &str {
        self.cookie_prefix.as_deref().filter(|prefix| !prefix.is_empty()).unwrap_or("better-auth")
    }
}

/// How rows are written (`advanced.database` in the npm package).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseOptions {
    /// What ids rows get: `"uuid"`, `"serial"`, or `false` for what the database makes of them; 32 letters and digits when not said.
    /// Session tokens are always such letters.
    pub generate_id: Option<GenerateId>,
}

/// What ids rows get. Ids are texts on the wire, however the database keeps them.
///
/// Change it on an empty database only: rows that are there keep their ids, and `migrate` changes no column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "SpelledGenerateId", into = "SpelledGenerateId")]
pub enum GenerateId {
    /// `"uuid"`: random UUIDs.
    Uuid,
    /// `"serial"`: numbers, counted up by the database. Whoever signs up learns how many users there are.
    Serial,
    /// `false`: what the database makes of them, by a default of its own on each `id` column.
    Database,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected \"uuid\", \"serial\" or false")]
enum SpelledGenerateId {
    Name(String),
    Switch(bool),
}

impl TryFrom<SpelledGenerateId> for GenerateId {
    type Error = &'static str;
    fn try_from(spelled: SpelledGenerateId) -> Result<Self, Self::Error> {
        match spelled {
            SpelledGenerateId::Name(name) if name == "uuid" => Ok(Self::Uuid),
            SpelledGenerateId::Name(name) if name == "serial" => Ok(Self::Serial),
            SpelledGenerateId::Switch(false) => Ok(Self::Database),
            _ => Err("expected \"uuid\", \"serial\" or false"),
        }
    }
}

impl From<GenerateId> for SpelledGenerateId {
    fn from(generate_id: GenerateId) -> Self {
        match generate_id {
            GenerateId::Uuid => Self::Name("uuid".into()),
            GenerateId::Serial => Self::Name("serial".into()),
            GenerateId::Database => Self::Switch(false),
        }
    }
}

/// Where redirect targets are not checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DisableOriginCheck {
    /// Everywhere. As in the npm package, this switches the origin check of requests with cookies off as well, unless
    /// `disable_csrf_check` says otherwise.
    Everywhere(bool),
    /// At these paths and below them.
    Paths(Vec<String>),
}

/// Name and attributes of one cookie.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CookieOptions {
    /// The whole name; only `__Secure-` is still put before it.
    pub name: Option<String>,
    /// Its attributes.
    pub attributes: CookieAttributeOptions,
}

/// Attributes that differ from the usual ones.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CookieAttributeOptions {
    /// Seconds until the client forgets it.
    pub max_age: Option<u64>,
    /// The domain it is for.
    pub domain: Option<String>,
    /// The path it is for.
    pub path: Option<String>,
    /// Whether scripts cannot read it.
    pub http_only: Option<bool>,
    /// Whether it travels over TLS alone.
    pub secure: Option<bool>,
    /// Which cross-site requests carry it.
    pub same_site: Option<SameSite>,
    /// Whether it is kept apart by top-level site.
    pub partitioned: Option<bool>,
}

/// Shares cookies among subdomains.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CrossSubDomainCookies {
    /// Whether they are shared.
    pub enabled: bool,
    /// The domain; the base URL's host when not said.
    pub domain: Option<String>,
}

/// How a client's address is found (CONTRACT §10.3).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IpAddressOptions {
    /// Headers to look in, in this order; `x-forwarded-for`.
    pub ip_address_headers: Option<Vec<String>>,
    /// Proxies of yours, as addresses or networks: the client is the last address in the header that is not one of them.
    pub trusted_proxies: Vec<String>,
    /// Keeps no addresses at all.
    pub disable_ip_tracking: bool,
    /// How many bits of an IPv6 address count; 64, what one subscriber usually has.
    pub ipv6_subnet: Option<u8>,
    /// Uses the socket's address, unless it is a trusted proxy's and the proxy names another. Not in the npm package: for
    /// servers without a proxy, whose clients would otherwise share one rate-limit bucket.
    pub peer_address: bool,
}
