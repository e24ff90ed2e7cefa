//! Every key there is, and those whose feature is still to come.
//!
//! One table for four uses: telling a typo from a key, reading environment variables as what they are meant to be, warning of
//! keys that do nothing yet, and listing what can be set.

use toml::{Table, Value};

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// A span of time.
    Span,
    /// A list of texts; in the environment with commas between.
    List,
    /// Whatever its feature makes of it.
    Any,
}

impl Kind {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Flag => "true or false",
            Self::Number => "a whole number",
            Self::Span => "seconds as a number, or text such as \"30m\"",
            Self::List => "a list of texts",
            Self::Any => "a value",
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_str(),
            Self::Flag => value.is_bool(),
            Self::Number => value.is_integer(),
            Self::Span => value.is_integer() || value.is_float() || value.is_str(),
            Self::List => value.as_array().is_some_and(|items| items.iter().all(Value::is_str)),
            Self::Any => true,
        }
    }
}

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Sections and name, dots between; `*` stands for a name of the operator's own, or a number in a list.
    pub path: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it does something already.
    pub available: bool,
}

const fn key(path: &'static str, kind: Kind) -> Key {
    Key { path, kind, available: true }
}

const fn later(path: &'static str, kind: Kind) -> Key {
    Key { path, kind, available: false }
}

use Kind::{Any, Flag, List, Number, Span, Text};

/// Every key.
pub const KEYS: &[Key] = &[
    key("environment", Text),
    key("profile", Text),
    key("secret", Text),
    key("secrets", List),
    key("base_url", Text),
    key("base_url.allowed_hosts", List),
    key("base_url.fallback", Text),
    key("base_url.protocol", Text),
    key("base_path", Text),
    key("trusted_origins", List),
    key("disabled_paths", List),
    key("server.listen", Text),
    key("server.metrics_listen", Text),
    key("server.body_limit", Number),
    key("server.header_timeout", Span),
    key("log.format", Text),
    key("log.filter", Text),
    key("database.url", Text),
    key("database.auto_migrate", Flag),
    key("database.max_connections", Number),
    key("database.connect_timeout", Span),
    key("database.wait_timeout", Span),
    key("database.statement_timeout", Span),
    key("database.statement_cache", Flag),
    key("database.listen_url", Text),
    key("secondary_storage.url", Text),
    key("secondary_storage.key_prefix", Text),
    key("email_and_password.enabled", Flag),
    key("email_and_password.disable_sign_up", Flag),
    key("email_and_password.auto_sign_in", Flag),
    key("email_and_password.require_email_verification", Flag),
    key("email_and_password.min_password_length", Number),
    key("email_and_password.max_password_length", Number),
    key("email_and_password.send_reset_password", Flag),
    key("email_and_password.reset_password_token_expires_in", Span),
    key("email_and_password.revoke_sessions_on_password_reset", Flag),
    key("email_verification.send_verification_email", Flag),
    key("email_verification.send_on_sign_up", Flag),
    key("email_verification.send_on_sign_in", Flag),
    key("email_verification.auto_sign_in_after_verification", Flag),
    key("email_verification.expires_in", Span),
    key("session.expires_in", Span),
    key("session.update_age", Span),
    key("session.fresh_age", Span),
    key("session.disable_session_refresh", Flag),
    key("session.defer_session_refresh", Flag),
    key("session.store_session_in_database", Flag),
    key("session.preserve_session_in_database", Flag),
    key("session.cache.enabled", Flag),
    key("session.cache.lease", Span),
    key("session.cache.max_bytes", Number),
    key("session.cache.max_age", Span),
    key("session.cache.accept_stale", Span),
    key("session.cookie_cache.enabled", Flag),
    key("session.cookie_cache.max_age", Span),
    key("session.cookie_cache.strategy", Text),
    key("session.cookie_cache.version", Text),
    key("session.cookie_cache.refresh_cache", Any),
    key("session.additional_fields.*.type", Text),
    key("session.additional_fields.*.required", Flag),
    key("session.additional_fields.*.default_value", Any),
    key("session.additional_fields.*.input", Flag),
    key("session.additional_fields.*.returned", Flag),
    key("session.additional_fields.*.unique", Flag),
    key("session.additional_fields.*.index", Flag),
    key("session.additional_fields.*.sortable", Flag),
    key("session.additional_fields.*.bigint", Flag),
    key("session.additional_fields.*.field_name", Text),
    key("session.model_name", Text),
    key("session.fields.*", Text),
    key("user.additional_fields.*.type", Text),
    key("user.additional_fields.*.required", Flag),
    key("user.additional_fields.*.default_value", Any),
    key("user.additional_fields.*.input", Flag),
    key("user.additional_fields.*.returned", Flag),
    key("user.additional_fields.*.unique", Flag),
    key("user.additional_fields.*.index", Flag),
    key("user.additional_fields.*.sortable", Flag),
    key("user.additional_fields.*.bigint", Flag),
    key("user.additional_fields.*.field_name", Text),
    key("user.model_name", Text),
    key("user.fields.*", Text),
    key("user.change_email.enabled", Flag),
    key("user.change_email.update_email_without_verification", Flag),
    key("user.change_email.send_change_email_confirmation", Flag),
    key("user.delete_user.enabled", Flag),
    key("user.delete_user.send_delete_account_verification", Flag),
    key("user.delete_user.delete_token_expires_in", Span),
    key("account.model_name", Text),
    key("account.fields.*", Text),
    key("account.store_account_cookie", Flag),
    key("account.encrypt_oauth_tokens", Flag),
    key("account.update_account_on_sign_in", Flag),
    key("account.account_linking.enabled", Flag),
    key("account.account_linking.trusted_providers", List),
    key("account.account_linking.allow_different_emails", Flag),
    key("account.account_linking.allow_unlinking_all", Flag),
    key("account.store_state_strategy", Text),
    key("account.skip_state_cookie_check", Flag),
    key("account.account_linking.disable_implicit_linking", Flag),
    key("account.account_linking.require_local_email_verified", Flag),
    key("account.account_linking.update_user_info_on_link", Flag),
    key("verification.model_name", Text),
    key("verification.fields.*", Text),
    key("verification.store_identifier", Text),
    key("verification.store_identifier.default", Text),
    key("verification.store_identifier.overrides.*", Text),
    key("verification.disable_cleanup", Flag),
    key("verification.store_in_database", Flag),
    key("rate_limit.enabled", Flag),
    key("rate_limit.window", Span),
    key("rate_limit.max", Number),
    key("rate_limit.storage", Text),
    key("rate_limit.model_name", Text),
    key("rate_limit.fields.*", Text),
    key("rate_limit.custom_rules.*", Any),
    key("rate_limit.custom_rules.*.window", Span),
    key("rate_limit.custom_rules.*.max", Number),
    key("advanced.use_secure_cookies", Flag),
    key("advanced.cookie_prefix", Text),
    key("advanced.cookies.*.name", Text),
    key("advanced.cookies.*.attributes.max_age", Number),
    key("advanced.cookies.*.attributes.domain", Text),
    key("advanced.cookies.*.attributes.path", Text),
    key("advanced.cookies.*.attributes.http_only", Flag),
    key("advanced.cookies.*.attributes.secure", Flag),
    key("advanced.cookies.*.attributes.same_site", Text),
    key("advanced.cookies.*.attributes.partitioned", Flag),
    key("advanced.default_cookie_attributes.max_age", Number),
    key("advanced.default_cookie_attributes.domain", Text),
    key("advanced.default_cookie_attributes.path", Text),
    key("advanced.default_cookie_attributes.http_only", Flag),
    key("advanced.default_cookie_attributes.secure", Flag),
    key("advanced.default_cookie_attributes.same_site", Text),
    key("advanced.default_cookie_attributes.partitioned", Flag),
    key("advanced.cross_sub_domain_cookies.enabled", Flag),
    key("advanced.cross_sub_domain_cookies.domain", Text),
    key("advanced.disable_csrf_check", Flag),
    key("advanced.disable_origin_check", Any),
    key("advanced.trusted_proxy_headers", Flag),
    key("advanced.skip_trailing_slashes", Flag),
    key("advanced.ip_address.ip_address_headers", List),
    key("advanced.ip_address.trusted_proxies", List),
    key("advanced.ip_address.disable_ip_tracking", Flag),
    key("advanced.ip_address.ipv6_subnet", Number),
    key("advanced.ip_address.peer_address", Flag),
    key("advanced.database.generate_id", Any),
    key("on_api_error.error_url", Text),
    later("social_providers.*.*", Any),
    key("mail.transport", Text),
    key("mail.path", Text),
    key("mail.url", Text),
    key("mail.from", Text),
    key("mail.secret", Text),
    key("plugins.bearer.enabled", Flag),
    key("plugins.bearer.require_signature", Flag),
    key("plugins.bearer.verify_endpoint", Flag),
    key("plugins.generic_oauth.config", Any),
    key("plugins.generic_oauth.config.*.provider_id", Text),
    key("plugins.generic_oauth.config.*.name", Text),
    key("plugins.generic_oauth.config.*.discovery_url", Text),
    key("plugins.generic_oauth.config.*.authorization_url", Text),
    key("plugins.generic_oauth.config.*.token_url", Text),
    key("plugins.generic_oauth.config.*.user_info_url", Text),
    key("plugins.generic_oauth.config.*.end_session_endpoint", Text),
    key("plugins.generic_oauth.config.*.post_logout_redirect_uri", Text),
    key("plugins.generic_oauth.config.*.client_id", Text),
    key("plugins.generic_oauth.config.*.client_secret", Text),
    key("plugins.generic_oauth.config.*.authentication", Text),
    key("plugins.generic_oauth.config.*.redirect_uri", Text),
    key("plugins.generic_oauth.config.*.response_type", Text),
    key("plugins.generic_oauth.config.*.response_mode", Text),
    key("plugins.generic_oauth.config.*.prompt", Text),
    key("plugins.generic_oauth.config.*.access_type", Text),
    key("plugins.generic_oauth.config.*.disable_provider_logout", Flag),
    key("plugins.generic_oauth.config.*.pkce", Flag),
    key("plugins.generic_oauth.config.*.disable_implicit_sign_up", Flag),
    key("plugins.generic_oauth.config.*.disable_sign_up", Flag),
    key("plugins.generic_oauth.config.*.override_user_info", Flag),
    key("plugins.generic_oauth.config.*.require_email_verification", Flag),
    key("plugins.generic_oauth.config.*.require_id_token_verification", Flag),
    key("plugins.generic_oauth.config.*.disable_id_token_nonce_binding", Flag),
    key("plugins.generic_oauth.config.*.allow_idp_initiated", Flag),
    key("plugins.generic_oauth.config.*.access_token_expires_in", Span),
    key("plugins.generic_oauth.config.*.scopes", List),
    key("plugins.generic_oauth.config.*.token_endpoint_auth.method", Text),
    key("plugins.generic_oauth.config.*.discovery_headers.*", Text),
    key("plugins.generic_oauth.config.*.authorization_url_params.*", Text),
    key("plugins.generic_oauth.config.*.token_url_params.*", Text),
    key("plugins.generic_oauth.config.*.refresh_token_params.*", Text),
    key("plugins.generic_oauth.config.*.authorization_headers.*", Text),
    key("plugins.open_api.enabled", Flag),
    key("plugins.open_api.path", Text),
    key("plugins.open_api.disable_default_reference", Flag),
];

/// What is wrong with the keys of a file, and with the kinds of its values.
pub(super) fn check(table: &Table, source: &str) -> Vec<String> {
    let mut problems = Vec::new();
    visit(table, &mut Vec::new(), &mut |path, value| match find(path) {
        Some(key) if key.kind.fits(value) => {}
        Some(key) => problems.push(format!("{source}: {}: expected {}", path.join("."), key.kind.describe())),
        None => problems.push(unknown(&path.join("."), source)),
    });
    problems
}

/// Takes the keys out that do nothing yet, and says so.
pub(super) fn take_unavailable(table: &mut Table) -> Vec<String> {
    let mut found = Vec::new();
    visit(table, &mut Vec::new(), &mut |path, _| {
        if find(path).is_some_and(|key| !key.available) {
            found.push(path.to_vec());
        }
    });
    let warn = |path: Vec<String>| {
        remove(table, &path);
        format!("{} is understood, but this version does nothing with it yet", path.join("."))
    };
    found.into_iter().map(warn).collect()
}

/// What other programs call what a key here is about.
const ELSEWHERE: [(&str, &str); 8] = [
    ("database.pool", "database.max_connections"),
    ("database.pool_size", "database.max_connections"),
    ("database.max_pool_size", "database.max_connections"),
    ("redis.url", "secondary_storage.url"),
    ("redis.key_prefix", "secondary_storage.key_prefix"),
    ("server.address", "server.listen"),
    ("server.host", "server.listen"),
    ("server.port", "server.listen"),
];

/// A sentence about a key nobody knows.
pub(super) fn unknown(path: &str, source: &str) -> String {
    if let Some((_, here)) = ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == path) {
        return format!("{source}: there is no key `{path}`; that is `{here}` here");
    }
    let nearest = KEYS.iter().map(|key| (strsim::normalized_damerau_levenshtein(path, key.path), key.path));
    match nearest.max_by(|one, other| one.0.total_cmp(&other.0)) {
        Some((likeness, nearest)) if likeness > 0.5 => {
            format!("{source}: there is no key `{path}`; did you mean `{nearest}`?")
        }
        _ => format!("{source}: there is no key `{path}`"),
    }
}

/// The key of a path from the environment, where letters may be upper case, with the path as a file would have it.
pub(super) fn find_folding_case(path: &[&str]) -> Option<(Vec<String>, Kind)> {
    KEYS.iter().find_map(|key| {
        let pattern: Vec<&str> = key.path.split('.').collect();
        let fits = |(part, given): (&&str, &&str)| *part == "*" || part.eq_ignore_ascii_case(given);
        if pattern.len() != path.len() || !pattern.iter().zip(path).all(fits) {
            return None;
        }
        let spelled =
            pattern.iter().zip(path).map(|(part, given)| if *part == "*" { *given } else { *part }.to_owned());
        Some((spelled.collect(), key.kind))
    })
}

/// The environment's spelling of a key that was written with single underscores between its parts.
pub(super) fn with_single_underscores(path: &str) -> Option<String> {
    let path = path.replace("__", "_");
    let named = |key: &&Key| !key.path.contains('*') && key.path.replace('.', "_").eq_ignore_ascii_case(&path);
    KEYS.iter().find(named).map(|key| key.path.replace('.', "__").to_uppercase())
}

fn find(path: &[String]) -> Option<&'static Key> {
    KEYS.iter().find(|key| {
        let pattern: Vec<&str> = key.path.split('.').collect();
        pattern.len() == path.len() && pattern.iter().zip(path).all(|(part, given)| *part == "*" || part == given)
    })
}

/// Calls `leaf` for every value that is no section. Of a list of sections, each goes by its number.
fn visit(table: &Table, path: &mut Vec<String>, leaf: &mut impl FnMut(&[String], &Value)) {
    for (name, value) in table {
        path.push(name.clone());
        match value {
            Value::Table(section) if !section.is_empty() => visit(section, path, leaf),
            Value::Table(_) => {}
            Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_table) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(index.to_string());
                    item.as_table().into_iter().for_each(|section| visit(section, path, leaf));
                    path.pop();
                }
            }
            value => leaf(path, value),
        }
        path.pop();
    }
}

/// Takes a value out, and its section when that is left empty.
fn remove(table: &mut Table, path: &[String]) {
    let [name, rest @ ..] = path else { return };
    if rest.is_empty() {
        table.remove(name);
    } else if let Some(Value::Table(section)) = table.get_mut(name) {
        remove(section, rest);
        if section.is_empty() {
            table.remove(name);
        }
    }
}
