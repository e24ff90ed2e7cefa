//! `Set-Cookie` (CONTRACT §4.1, RFC 6265 §4.1).

use std::fmt::Write;

use hallpass_verify::component;
use serde::{Deserialize, Serialize};

/// Which cross-site requests carry a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SameSite {
    /// None.
    #[serde(alias = "Strict")]
    Strict,
    /// Top-level navigation.
    #[serde(alias = "Lax")]
    Lax,
    /// All; forces `Secure`.
    #[serde(alias = "None")]
    None,
}

/// A cookie's attributes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CookieAttributes {
    /// Seconds until the client forgets it; without, when the browser closes.
    pub max_age: Option<u64>,
    /// The domain it is for, with its subdomains.
    pub domain: Option<String>,
    /// The path it is for.
    pub path: Option<String>,
    /// Whether scripts cannot read it.
    pub http_only: bool,
    /// Whether it travels over TLS alone.
    pub secure: bool,
    /// Which cross-site requests carry it.
    pub same_site: Option<SameSite>,
    /// Whether it is kept apart by top-level site.
    pub partitioned: bool,
}

/// One cookie that an answer sets. Its value does not print.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetCookie {
    /// The whole name.
    pub name: String,
    /// The value, not yet encoded.
    pub value: String,
    /// The attributes.
    pub attributes: CookieAttributes,
}

impl std::fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetCookie").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SetCookie {
    /// The longest a client keeps a cookie, in seconds: 400 days.
    pub const MAX_AGE_LIMIT: u64 = 34_560_000;

    /// Sets a cookie.
    pub fn new(name: impl Into<String>, value: impl Into<String>, attributes: CookieAttributes) -> Self {
        Self { name: name.into(), value: value.into(), attributes }
    }

    /// Makes the client forget a cookie: an empty value with the same attributes and `Max-Age=0`.
    pub fn expired(name: impl Into<String>, attributes: &CookieAttributes) -> Self {
        Self::new(name, "", CookieAttributes { max_age: Some(0), ..attributes.clone() })
    }

    /// The header's value. Attributes come in the order of the npm package.
    ///
    /// ```
    /// use hallpass::cookie::{CookieAttributes, SetCookie};
    /// let cookie = SetCookie::expired("a", &CookieAttributes::default());
    /// assert_eq!(cookie.to_header(), "a=; Max-Age=0");
    /// ```
    pub fn to_header(&self) -> String {
        let Self { name, value, attributes } = self;
        let lower = name.to_ascii_lowercase();
        let is_host = lower.starts_with("__host-");
        let secure = attributes.secure
            || is_host
            || lower.starts_with("__secure-")
            || attributes.partitioned
            || attributes.same_site == Some(SameSite::None);
        let mut header = format!("{name}={}", component::encode(value));
        if let Some(seconds) = attributes.max_age {
            let _ = write!(header, "; Max-Age={seconds}");
        }
        if let Some(domain) = attributes.domain.as_deref().filter(|domain| !is_host && !domain.is_empty()) {
            let _ = write!(header, "; Domain={domain}");
        }
        let path = if is_host { Some("/") } else { attributes.path.as_deref() };
        if let Some(path) = path.filter(|path| !path.is_empty()) {
            let _ = write!(header, "; Path={path}");
        }
        for (present, text) in [(attributes.http_only, "; HttpOnly"), (secure, "; Secure")] {
            header.push_str(if present { text } else { "" });
        }
        header.push_str(match attributes.same_site {
            None => "",
            Some(SameSite::Strict) => "; SameSite=Strict",
            Some(SameSite::Lax) => "; SameSite=Lax",
            Some(SameSite::None) => "; SameSite=None",
        });
        if attributes.partitioned {
            header.push_str("; Partitioned");
        }
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> CookieAttributes {
        CookieAttributes {
            max_age: Some(604_800),
            path: Some("/".into()),
            http_only: true,
            same_site: Some(SameSite::Lax),
            ..CookieAttributes::default()
        }
    }

    #[test]
    fn contract_4_3_full_header() {
        let value = "abcdefghijklmnopqrstuvwxyzABCDEF.XL099qDxCvO2A644+OyRepR8nGsjbYV/+FCePxFbRHM=";
        assert_eq!(
            SetCookie::new("better-auth.session_token", value, plain()).to_header(),
            "better-auth.session_token=abcdefghijklmnopqrstuvwxyzABCDEF.XL099qDxCvO2A644%2BOyRepR8nGsjbYV%2F%2BFCePxFbRHM%3D; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn name_prefixes_force_their_attributes() {
        let attributes = CookieAttributes { domain: Some("a.example".into()), path: Some("/x".into()), ..plain() };
        let host = SetCookie::new("__Host-a", "1", attributes.clone()).to_header();
        assert_eq!(host, "__Host-a=1; Max-Age=604800; Path=/; HttpOnly; Secure; SameSite=Lax");
        let secure = SetCookie::new("__Secure-a", "1", attributes).to_header();
        assert_eq!(secure, "__Secure-a=1; Max-Age=604800; Domain=a.example; Path=/x; HttpOnly; Secure; SameSite=Lax");
    }

    #[test]
    fn partitioned_and_same_site_none_force_secure() {
        let partitioned = CookieAttributes { partitioned: true, ..plain() };
        assert!(SetCookie::new("a", "", partitioned).to_header().ends_with("; Secure; SameSite=Lax; Partitioned"));
        let none = CookieAttributes { same_site: Some(SameSite::None), ..plain() };
        assert!(SetCookie::new("a", "", none).to_header().ends_with("; Secure; SameSite=None"));
    }
}
