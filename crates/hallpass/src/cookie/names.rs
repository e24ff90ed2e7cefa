//! What the server's cookies are called, and their attributes (CONTRACT §4.1).

use super::{CookieAttributes, SameSite};
use crate::options::{AdvancedOptions, CookieAttributeOptions, SessionOptions};

/// One of the server's cookies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthCookie {
    /// The whole name, prefix included.
    pub name: String,
    /// The attributes it is set and expired with.
    pub attributes: CookieAttributes,
}

/// The server's cookies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthCookies {
    /// Holds the signed session token.
    pub session_token: AuthCookie,
    /// Holds the cached session.
    pub session_data: AuthCookie,
    /// Holds the account at an outside provider.
    pub account_data: AuthCookie,
    /// Marks the browser of somebody who is at a provider.
    pub state: AuthCookie,
    /// Holds what somebody who is at a provider came for.
    pub oauth_state: AuthCookie,
    /// Present when the user asked not to be remembered.
    pub dont_remember: AuthCookie,
}

impl AuthCookies {
    /// Names them as the options say. `secure` is whether the deployment is reached over TLS, `host` what it is called.
    pub(crate) fn new(advanced: &AdvancedOptions, session: &SessionOptions, secure: bool, host: Option<&str>) -> Self {
        let maker = Maker { advanced, secure, host };
        Self {
            session_token: maker.make("session_token", Some(session.expires_in().as_secs())),
            session_data: maker.make("session_data", Some(session.cookie_cache.max_age().as_secs())),
            account_data: maker.make("account_data", Some(session.cookie_cache.max_age().as_secs())),
            state: maker.make("state", Some(300)),
            oauth_state: maker.make("oauth_state", Some(600)),
            dont_remember: maker.make("dont_remember", None),
        }
    }
}

struct Maker<'a> {
    advanced: &'a AdvancedOptions,
    secure: bool,
    host: Option<&'a str>,
}

impl Maker<'_> {
    fn make(&self, logical: &str, max_age: Option<u64>) -> AuthCookie {
        let own = self.advanced.cookies.get(logical);
        let name = match own.and_then(|own| own.name.clone()) {
            Some(name) => name,
            None => format!("{}.{logical}", self.advanced.cookie_prefix()),
        };
        let mut attributes = CookieAttributes {
            max_age: None,
            domain: self.domain(),
            path: Some("/".into()),
            http_only: true,
            secure: self.secure,
            same_site: Some(SameSite::Lax),
            partitioned: false,
        };
        // Later layers win: the deployment's defaults, then this use, then this cookie.
        apply(&mut attributes, &self.advanced.default_cookie_attributes);
        attributes.max_age = max_age.or(attributes.max_age);
        if let Some(own) = own {
            apply(&mut attributes, &own.attributes);
        }
        AuthCookie { name: format!("{}{name}", if self.secure { "__Secure-" } else { "" }), attributes }
    }

    fn domain(&self) -> Option<String> {
        let cross = &self.advanced.cross_sub_domain_cookies;
        cross.enabled.then(|| cross.domain.clone().or_else(|| self.host.map(Into::into))).flatten()
    }
}

fn apply(attributes: &mut CookieAttributes, wish: &CookieAttributeOptions) {
    let CookieAttributeOptions { max_age, domain, path, http_only, secure, same_site, partitioned } = wish;
    attributes.max_age = max_age.or(attributes.max_age);
    attributes.domain = domain.clone().or(attributes.domain.take());
    attributes.path = path.clone().or(attributes.path.take());
    attributes.http_only = http_only.unwrap_or(attributes.http_only);
    attributes.secure = secure.unwrap_or(attributes.secure);
    attributes.same_site = same_site.or(attributes.same_site);
    attributes.partitioned = partitioned.unwrap_or(attributes.partitioned);
}
