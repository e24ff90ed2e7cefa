//! Configuration: a TOML file, environment variables over it, and defaults under it.
//!
//! Of the sources the first that says something counts: `HALLPASS__SECTION__KEY`, the file, the npm package's own variables
//! (`BETTER_AUTH_SECRET` and others), the default. Keys are the npm package's option names in snake case; [`keys`] lists them all.

mod database;
mod environment;
pub mod keys;
mod mail;
mod secret;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use hallpass::oauth::ProviderOptions;
use hallpass::options::{
    AccountOptions, AdvancedOptions, BaseUrl, EmailAndPassword, EmailVerification, Environment, RateLimitOptions,
    SessionOptions, Span, UserOptions, VerificationOptions,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

pub use database::DatabaseSection;
pub(crate) use mail::Carrier;
pub use mail::{MailSection, MailTransport};
pub(crate) use secret::draw as draw_secret;
pub use secret::{Origin as SecretOrigin, Secrets};

/// Everything that can be configured and is there already.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Development or production; development when not said, for which the listener has to be on a loopback address.
    pub environment: Option<Environment>,
    /// `compat`.
    pub profile: Option<String>,
    /// What tokens are signed with; beside `secrets`, what decrypts things from before those.
    pub secret: Option<Hidden>,
    /// Secrets with versions, the current one first: `"2:new…"`.
    pub secrets: Vec<Hidden>,
    /// What clients reach the server at.
    pub base_url: Option<BaseUrl>,
    /// Where endpoints are mounted.
    pub base_path: Option<String>,
    /// Origins whose pages may use the server.
    pub trusted_origins: Vec<String>,
    /// Paths that answer 404.
    pub disabled_paths: Vec<String>,
    /// The listener.
    pub server: ServerSection,
    /// The log.
    pub log: LogSection,
    /// The database.
    pub database: DatabaseSection,
    /// A Redis for sessions, verifications and counters.
    pub secondary_storage: SecondaryStorageSection,
    /// Signing up and in with e-mail address and password.
    pub email_and_password: EmailAndPassword,
    /// How e-mail addresses are verified.
    pub email_verification: EmailVerification,
    /// How values are kept until a link is followed.
    pub verification: VerificationOptions,
    /// How mail goes out.
    pub mail: MailSection,
    /// How long sessions live.
    pub session: SessionOptions,
    /// The user record.
    pub user: UserOptions,
    /// What users sign in with.
    pub account: AccountOptions,
    /// How often clients may call.
    pub rate_limit: RateLimitOptions,
    /// Cookies, origins and addresses.
    pub advanced: AdvancedOptions,
    /// What happens when something goes wrong on a redirect.
    pub on_api_error: OnApiErrorSection,
    /// The plugins.
    pub plugins: PluginsSection,
}

/// A text that does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSection {
    /// Where to listen.
    pub listen: String,
    /// Where metrics are served; nowhere when not said.
    pub metrics_listen: Option<String>,
    /// The longest body that is read, in bytes.
    pub body_limit: usize,
    /// How long a client may take to send its headers.
    pub header_timeout: Span,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:3000".into(),
            metrics_listen: None,
            body_limit: 1024 * 1024,
            header_timeout: Span::from_secs(10),
        }
    }
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogSection {
    /// `text` or `json`.
    pub format: LogFormat,
    /// Which lines, in the words of `tracing`: `info`, `hallpass=debug`.
    pub filter: Option<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// `[secondary_storage]`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SecondaryStorageSection {
    /// Where Redis is: `redis://user:password@host:6379/0`, `rediss://…` for TLS, or `redis+sentinel://host:26379,host:26379/master`. Sessions and
    /// verifications are then kept there and not in the database.
    pub url: Option<String>,
    /// What stands before each key; that of the npm package's Redis storage.
    pub key_prefix: String,
}

impl Default for SecondaryStorageSection {
    fn default() -> Self {
        Self { url: None, key_prefix: "better-auth:".into() }
    }
}

impl std::fmt::Debug for SecondaryStorageSection {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondaryStorageSection").field("key_prefix", &self.key_prefix).finish_non_exhaustive()
    }
}

/// `[on_api_error]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OnApiErrorSection {
    /// Where browsers are sent.
    #[serde(rename = "error_url")]
    pub error_url: Option<String>,
}

/// `[plugins]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PluginsSection {
    /// Bearer tokens.
    pub bearer: BearerSection,
    /// Outside providers to sign in at.
    pub generic_oauth: GenericOauthSection,
    /// A description of every endpoint; on when the section is there.
    pub open_api: Option<OpenApiSection>,
}

/// `[plugins.generic_oauth]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GenericOauthSection {
    /// One table a provider.
    pub config: Vec<ProviderOptions>,
}

/// `[plugins.open_api]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OpenApiSection {
    /// Whether endpoints are described.
    pub enabled: bool,
    /// Where the page is, below the base path.
    pub path: String,
    /// Whether there is no page.
    pub disable_default_reference: bool,
}

impl Default for OpenApiSection {
    fn default() -> Self {
        Self { enabled: true, path: "/reference".into(), disable_default_reference: false }
    }
}

/// `[plugins.bearer]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BearerSection {
    /// Whether bearer tokens are accepted and handed out.
    pub enabled: bool,
    /// Accepts signed tokens only.
    pub require_signature: bool,
    /// Whether gateways can ask at `/bearer/verify`.
    pub verify_endpoint: bool,
}

impl Default for BearerSection {
    fn default() -> Self {
        Self { enabled: true, require_signature: false, verify_endpoint: false }
    }
}

/// A configuration that was read and makes sense, and what to tell the operator about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Things that are no errors: keys whose feature is not there yet.
    pub warnings: Vec<String>,
}

/// What is wrong with a configuration. Each line says what to change.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n       "))]
pub struct ConfigError(Vec<String>);

impl From<String> for ConfigError {
    fn from(problem: String) -> Self {
        Self(vec![problem])
    }
}

/// Reads the file (the given one, or `hallpass.toml` in this folder if there is one) and the environment. A listener
/// given on the command line counts before both, and has to pass the same checks.
///
/// # Errors
/// When either has a key nobody knows or a value of another kind, all of which are told at once; or else the first value that makes
/// no sense.
pub fn load(file: Option<&Path>, listen: Option<&str>) -> Result<Loaded, ConfigError> {
    let found =
        file.map(Path::to_path_buf).or_else(|| Some(PathBuf::from("hallpass.toml")).filter(|path| path.exists()));
    let text = match &found {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| format!("the configuration file {} could not be read: {error}", path.display()))?,
    };
    let source = found.map_or_else(|| "the configuration".into(), |path| path.display().to_string());
    let mut variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    variables.extend(listen.map(|listen| ("HALLPASS__SERVER__LISTEN".to_owned(), listen.to_owned())));
    read(&text, &source, &variables)
}

/// Reads a configuration from a text and from environment variables.
///
/// # Errors
/// As [`load`].
pub fn read(text: &str, source: &str, variables: &BTreeMap<String, String>) -> Result<Loaded, ConfigError> {
    let mut table: Table = text.parse().map_err(|error| no_toml(text, source, &error))?;
    let mut problems = keys::check(&table, source);
    problems.extend(environment::overlay(&mut table, variables));
    if !problems.is_empty() {
        return Err(ConfigError(problems));
    }
    let mut warnings = keys::take_unavailable(&mut table);
    let mut config: Config = serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
        // A value may come from the environment, so the key is named and not the file.
        let path = error.path().to_string();
        format!("{path}: {}", without_value(error.into_inner().message()))
    })?;
    environment::honour_npm_variables(&mut config, variables);
    check(&config)?;
    let is_public = matches!(&config.base_url, Some(BaseUrl::Url(url)) if url.starts_with("https://"));
    if config.environment.is_none() && is_public {
        warnings.push(
            "environment is not set and base_url is https: this runs as development, without rate limits; set \
             environment = \"production\""
                .into(),
        );
    }
    warnings.extend(mail::warnings(&config));
    warnings.extend(config.database.warnings());
    warnings.extend(without_redis(&config));
    Ok(Loaded { config, warnings })
}

/// Keys that are set, and do nothing without a secondary storage.
fn without_redis(config: &Config) -> Vec<String> {
    let usual = SecondaryStorageSection::default().key_prefix;
    let set = [
        ("secondary_storage.key_prefix", config.secondary_storage.key_prefix != usual),
        ("session.store_session_in_database", config.session.store_session_in_database),
        ("session.preserve_session_in_database", config.session.preserve_session_in_database),
        ("verification.store_in_database", config.verification.store_in_database),
    ];
    let idle = set.into_iter().filter(|(_, is_set)| *is_set && config.secondary_storage.url.is_none());
    idle.map(|(key, _)| format!("{key} does nothing without secondary_storage.url; set that, or leave it out"))
        .collect()
}

/// What is wrong with a value without the value, which may be a secret in the wrong place.
fn without_value(message: &str) -> String {
    let Some((before, after)) = message.split_once("string \"") else {
        return match (message.split_once("unknown variant `"), message.split_once("`, expected ")) {
            (Some((before, _)), Some((_, known))) => format!("{before}there is no such value; say {known}"),
            _ => message.to_owned(),
        };
    };
    let kept = after.rsplit_once("\", ").map_or("", |(_, kept)| kept);
    format!("{before}a text, {kept}")
}

/// Where the text stops being TOML. The line itself may hold a secret and is not shown.
fn no_toml(text: &str, source: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    format!("{source}, line {line}: {}", error.message())
}

fn check(config: &Config) -> Result<(), ConfigError> {
    let mut problems = Vec::new();
    match config.profile.as_deref() {
        None | Some("compat") => {}
        Some("strict") => problems.push("profile: `strict` does not exist yet; leave it out or say \"compat\"".into()),
        Some(other) => problems.push(format!("profile: `{other}` is none; say \"compat\"")),
    }
    if config.listen().is_none() {
        problems
            .push(format!("server.listen: `{}` is no address and port such as 127.0.0.1:3000", config.server.listen));
    }
    if config.environment.is_none() && !config.listens_on_loopback() {
        problems.push(
            "environment is not set, and the server would listen to other machines; set environment = \"production\" \
             (or \"development\" if that is what it is)"
                .into(),
        );
    }
    problems.extend(config.mail_carrier().err());
    problems.extend(secret::check(config));
    problems.extend(config.database.problems());
    if problems.is_empty() { Ok(()) } else { Err(ConfigError(problems)) }
}

impl Config {
    /// Development or production. A loopback listener is development unless something else was said.
    pub fn environment(&self) -> Environment {
        self.environment.unwrap_or(Environment::Development)
    }

    /// Where to listen. `localhost` stands for the IPv4 loopback address.
    pub fn listen(&self) -> Option<SocketAddr> {
        self.server.listen.replace("localhost", "127.0.0.1").parse().ok()
    }

    /// What tokens are signed with, if file or environment say it.
    pub fn configured_secrets(&self) -> Option<Secrets> {
        secret::configured(self)
    }

    /// Which log lines are written.
    ///
    /// # Errors
    /// When `log.filter` cannot be understood.
    pub fn log_filter(&self) -> Result<tracing_subscriber::EnvFilter, String> {
        let filter = self.log.filter.as_deref().unwrap_or("info");
        tracing_subscriber::EnvFilter::try_new(filter)
            .map_err(|error| format!("log.filter: `{filter}` cannot be understood: {error}"))
    }

    pub(crate) fn listens_on_loopback(&self) -> bool {
        self.listen().is_none_or(|address| address.ip().is_loopback())
    }

    /// What tokens are signed with, and where that comes from, if there is anything yet.
    ///
    /// # Errors
    /// When the file it is kept in cannot be used.
    pub fn found_secrets(&self) -> Result<Option<(Secrets, SecretOrigin)>, String> {
        secret::find(self)
    }

    /// What tokens are signed with, and where that comes from. In development a secret is made where there is none.
    ///
    /// # Errors
    /// When there is none and none may be made, or the file it is kept in cannot be used.
    pub fn secrets(&self) -> Result<(Secrets, SecretOrigin), String> {
        secret::find_or_make(self)
    }
}

#[cfg(test)]
mod tests;
