//! What makes no sense is refused when the engine is built, with a sentence that says what to change.

use hallpass_store::Schema;
use url::Url;

use super::Builder;
use crate::{
    cookie::SetCookie,
    error::BuildError,
    gate::{TrustedOrigins, base_url, origin_of},
    options::{
        AdvancedOptions, AllowedHosts, BaseUrl, BaseUrlProtocol, CookieCacheOptions, Environment, RateLimitOptions,
        RateLimitStorage, RefreshCache, SessionOptions,
    },
    plugin::Registrar,
};

pub(super) fn trusted(base: &Base, configured: &[String], plugins: &[String]) -> TrustedOrigins {
    let own = base.hosts.as_ref().map_or_else(|| base.origin.clone().into_iter().collect(), base_url::trusted);
    TrustedOrigins::new(own.iter().chain(configured).chain(plugins).map(String::as_str))
}

/// Clients keep no cookie longer than 400 days; the npm package fails at every sign-in instead.
pub(super) fn check_spans(session: &SessionOptions) -> Result<(), BuildError> {
    let spans = [("expires_in", session.expires_in()), ("cookie_cache.max_age", session.cookie_cache.max_age())];
    match spans.iter().find(|(_, span)| span.as_secs() > SetCookie::MAX_AGE_LIMIT) {
        None => Ok(()),
        Some((name, _)) => Err(BuildError::new(format!(
            "session.{name}: clients keep no cookie longer than 400 days; choose a shorter span"
        ))),
    }
}

/// As in the npm package with a database.
pub(super) fn warn_of_refresh_cache(cache: &CookieCacheOptions) {
    if cache.refresh_cache.is_some_and(|refresh| refresh != RefreshCache::Switch(false)) {
        tracing::warn!(
            "session.cookie_cache.refresh_cache is for servers without a database and does nothing here; leave it out"
        );
    }
}

/// Counting elsewhere than was asked for would be no limit for several servers together.
pub(super) fn check_storage(rate_limit: &RateLimitOptions, has_secondary: bool) -> Result<(), BuildError> {
    if rate_limit.storage == Some(RateLimitStorage::SecondaryStorage) && !has_secondary {
        return Err(BuildError::new(
            "rate_limit.storage: there is no secondary storage; set one, or say \"memory\" or \"database\"",
        ));
    }
    Ok(())
}

/// As in the npm package: without a base URL there is no domain to share.
pub(super) fn check_domain(advanced: &AdvancedOptions, base: &Base) -> Result<(), BuildError> {
    let cross = &advanced.cross_sub_domain_cookies;
    if cross.enabled && cross.domain.is_none() && base.host.is_none() && base.hosts.is_none() {
        return Err(BuildError::new("advanced.cross_sub_domain_cookies: set its domain, or base_url"));
    }
    Ok(())
}

/// Links in mails lead to the base URL. Without one they would lead wherever the `Host` header of a request says, and a stranger who
/// asks for somebody else's link would choose where its token goes.
pub(super) fn check_links(builder: &Builder, base: &Base) -> Result<(), BuildError> {
    let senders = &builder.senders;
    let sends = senders.every.is_some() && senders.switches.values().any(|is_on| *is_on) || !senders.single.is_empty();
    if sends && base.is_unknown() && builder.environment == Environment::Production {
        return Err(BuildError::new(
            "base_url is required where mail is sent: links in mails would otherwise lead wherever a request's Host \
             header says; set it to what clients reach this server at, such as https://api.example.com",
        ));
    }
    Ok(())
}

/// A path that can never match would leave open what was meant to be closed.
pub(super) fn check_disabled_paths(paths: &[String]) -> Result<(), BuildError> {
    match paths.iter().find(|path| !path.starts_with('/') || path.ends_with('/')) {
        None => Ok(()),
        Some(path) => Err(BuildError::new(format!(
            "disabled_paths: `{path}` matches nothing; write it as the endpoint is written, such as /sign-up/email"
        ))),
    }
}

/// A field in the place of a core column would let clients set what is not theirs to set.
pub(super) fn check_fields(registrar: &Registrar) -> Result<(), BuildError> {
    let core = Schema::core();
    for (table, fields) in [("user", &registrar.user_fields), ("session", &registrar.session_fields)] {
        let columns = core.table(table);
        if let Some(name) = fields.keys().find(|name| columns.is_some_and(|columns| columns.get(name).is_some())) {
            return Err(BuildError::new(format!(
                "{table}.additional_fields: `{name}` is a column of the {table} table already; choose another name"
            )));
        }
    }
    Ok(())
}

/// The base URL taken apart.
pub(super) struct Base {
    pub(super) origin: Option<String>,
    pub(super) host: Option<String>,
    pub(super) path: String,
    pub(super) hosts: Option<AllowedHosts>,
}

impl Base {
    /// Whether it is known over TLS or without; each request may say otherwise where it is not.
    pub(super) fn is_https(&self) -> Option<bool> {
        match self.hosts.as_ref().map(|hosts| hosts.protocol) {
            Some(Some(BaseUrlProtocol::Https)) => Some(true),
            Some(Some(BaseUrlProtocol::Http)) => Some(false),
            Some(Some(BaseUrlProtocol::Auto) | None) => None,
            None => self.origin.as_deref().map(|origin| origin.starts_with("https://")),
        }
    }

    /// Whether nothing was said, so that each request's own host has to be taken for it.
    pub(super) fn is_unknown(&self) -> bool {
        self.origin.is_none() && self.hosts.is_none()
    }

    pub(super) fn new(url: Option<&BaseUrl>, path: Option<&str>) -> Result<Self, BuildError> {
        let path = trimmed(path.filter(|path| !path.is_empty()).unwrap_or("/api/auth"));
        let (url, hosts) = match url {
            Some(BaseUrl::Url(url)) if !url.is_empty() => (url, None),
            Some(BaseUrl::Hosts(hosts)) => (&String::new(), Some(hosts.clone())),
            _ => (&String::new(), None),
        };
        if url.is_empty() {
            return Ok(Self { origin: None, host: None, path: plain(path)?, hosts });
        }
        let wrong = || BuildError::new(format!("base_url: `{url}` is no URL that begins with http:// or https://"));
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(wrong)?;
        // A path of its own replaces the base path (CONTRACT §1.1).
        let own = trimmed(parsed.path());
        let path = plain(if own.is_empty() { path } else { own })?;
        Ok(Self { origin: origin_of(&parsed), host: parsed.host_str().map(Into::into), path, hosts })
    }
}

/// A base path stands in routes and in pages, so it is made of letters that mean nothing there.
fn plain(path: String) -> Result<String, BuildError> {
    if path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~%".contains(&byte)) {
        return Ok(path);
    }
    Err(BuildError::new(format!("base_path: `{path}` may hold letters, digits, - _ . ~ % and slashes only")))
}

fn trimmed(path: &str) -> String {
    let path = path.trim_matches('/');
    if path.is_empty() { String::new() } else { format!("/{path}") }
}
