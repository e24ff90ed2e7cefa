//! Where the secrets come from (CONTRACT §15).

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hallpass::{Builder, Environment, Randomness, Secret, SystemRandomness};

use super::{Config, Hidden};

/// What an engine signs and encrypts with.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// Secrets with versions, the current one first.
    pub versions: Vec<(u32, Secret)>,
    /// The one without a version: the only one, or what decrypts things from before there were versions.
    pub single: Option<Secret>,
}

impl From<Secret> for Secrets {
    fn from(single: Secret) -> Self {
        Self { versions: Vec::new(), single: Some(single) }
    }
}

impl Secrets {
    /// What signs: the first version, or the only one there is.
    pub fn current(&self) -> Option<&Secret> {
        self.versions.first().map(|(_, secret)| secret).or(self.single.as_ref())
    }

    /// Hands them to an engine.
    pub fn give(self, builder: Builder) -> Builder {
        let builder = builder.secrets(self.versions);
        match self.single {
            Some(secret) => builder.secret(secret),
            None => builder,
        }
    }
}

/// Where the secret was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the configuration or the environment.
    Configured,
    /// In this file.
    File(PathBuf),
    /// Nowhere; it was made and written to this file.
    Made(PathBuf),
}

/// Draws a new secret: 256 bits as 43 letters.
pub(crate) fn draw() -> String {
    let mut bytes = [0; 32];
    SystemRandomness.fill(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// What is wrong with the secrets.
pub(super) fn check(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    let mut versions = Vec::new();
    for (index, entry) in config.secrets.iter().enumerate() {
        match parse(entry) {
            None => problems.push(format!(
                "secrets: entry {} is not of the form \"<version>:<secret>\" with a whole number up to 4294967295 as the \
                 version",
                index + 1
            )),
            Some((version, _)) if versions.contains(&version) => {
                problems.push(format!("secrets: version {version} is there twice"));
            }
            Some((version, _)) => versions.push(version),
        }
    }
    let has_none = config.secrets.is_empty() && config.secret.as_ref().is_none_or(|secret| secret.0.is_empty());
    if has_none && config.environment() == Environment::Production {
        problems.push(
            "in production a secret is required: run `hallpass secret`, and set what it prints as secret = \"…\" or as \
             HALLPASS__SECRET"
                .into(),
        );
    }
    problems
}

/// The secrets that file or environment say, if they say any.
pub(super) fn configured(config: &Config) -> Option<Secrets> {
    let versions: Vec<_> = config.secrets.iter().filter_map(parse).map(|(version, it)| (version, it.into())).collect();
    let single = config.secret.as_ref().map(|secret| &*secret.0).filter(|secret| !secret.is_empty());
    let found = Secrets { versions, single: single.map(Secret::new) };
    (!found.versions.is_empty() || found.single.is_some()).then_some(found)
}

/// The secrets that are there, and where.
pub(super) fn find(config: &Config) -> Result<Option<(Secrets, Origin)>, String> {
    if let Some(secrets) = configured(config) {
        return Ok(Some((secrets, Origin::Configured)));
    }
    let path = file(config);
    Ok(read(&path)?.map(|secret| (secret.into(), Origin::File(path))))
}

pub(super) fn find_or_make(config: &Config) -> Result<(Secrets, Origin), String> {
    if let Some(found) = find(config)? {
        return Ok(found);
    }
    let path = file(config);
    let origin = match write(&path, &draw()) {
        Ok(()) => Origin::Made(path.clone()),
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Origin::File(path.clone()),
        Err(error) => return Err(format!("the secret could not be written to {}: {error}", path.display())),
    };
    let secret = read(&path)?.ok_or("the secret is gone")?;
    Ok((secret.into(), origin))
}

/// Where a secret is that was made because none was configured.
fn file(config: &Config) -> PathBuf {
    beside_the_database(&config.database.url, "hallpass.secret")
}

fn read(path: &Path) -> Result<Option<Secret>, String> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => {
            Err(format!("{} is empty; delete it to have a new secret made", path.display()))
        }
        Ok(text) => Ok(Some(Secret::new(text.trim()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("the secret in {} could not be read: {error}", path.display())),
    }
}

/// `<version>:<secret>`, with room around either.
fn parse(entry: &Hidden) -> Option<(u32, &str)> {
    let (version, value) = entry.0.split_once(':')?;
    let (version, value) = (version.trim(), value.trim());
    let is_plain = version.bytes().all(|byte| byte.is_ascii_digit());
    let version = version.parse().ok().filter(|_| is_plain)?;
    (!value.is_empty()).then_some((version, value))
}

/// A file of this name where the embedded database is.
pub(super) fn beside_the_database(url: &str, name: &str) -> PathBuf {
    // What a URL of a server has in the place of a path may be a password.
    let file = hallpass_sql::SqlStore::file_of(url).ok().flatten();
    file.as_deref().and_then(Path::parent).map_or_else(|| PathBuf::from(name), |folder| folder.join(name))
}

/// For the owner's eyes only, and whole from the first moment it is there: it is written under another name first, and a name
/// that is taken already is left alone.
fn write(path: &Path, secret: &str) -> std::io::Result<()> {
    let draft = path.with_extension(format!("secret.{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    let written = writeln!(file, "{secret}").and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    written
}
