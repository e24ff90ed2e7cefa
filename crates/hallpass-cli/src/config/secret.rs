//! Where the secret comes from (CONTRACT §15).

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hallpass::{Environment, Randomness, Secret, SystemRandomness};

use super::{Config, Hidden};

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
                "secrets: entry {} is not of the form \"<version>:<secret>\" with a whole number as the version",
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

/// The secret that file or environment say.
pub(super) fn configured(config: &Config) -> Option<Secret> {
    let versioned = config.secrets.first().and_then(parse).map(|(_, current)| current);
    let single = || config.secret.as_ref().map(|secret| &*secret.0).filter(|secret| !secret.is_empty());
    versioned.or_else(single).map(Secret::new)
}

pub(super) fn find_or_make(config: &Config) -> Result<(Secret, Origin), String> {
    if let Some(secret) = configured(config) {
        return Ok((secret, Origin::Configured));
    }
    let path = beside_the_database(&config.database.url, "hallpass.secret");
    match read(&path)? {
        Some(secret) => Ok((secret, Origin::File(path))),
        None => match write(&path, &draw()) {
            Ok(()) => {
                read(&path)?.map(|secret| (secret, Origin::Made(path))).ok_or_else(|| "the secret is gone".into())
            }
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                read(&path)?.map(|secret| (secret, Origin::File(path))).ok_or_else(|| "the secret is gone".into())
            }
            Err(error) => Err(format!("the secret could not be written to {}: {error}", path.display())),
        },
    }
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

/// `<version>:<secret>`.
fn parse(entry: &Hidden) -> Option<(u64, &str)> {
    let (version, value) = entry.0.trim().split_once(':')?;
    let digits = version.bytes().all(|byte| byte.is_ascii_digit());
    let version = version.parse().ok().filter(|_| digits)?;
    (!value.is_empty()).then_some((version, value))
}

/// A file of this name where the embedded database is.
pub(super) fn beside_the_database(url: &str, name: &str) -> PathBuf {
    let (_, rest) = url.split_once(':').unwrap_or_default();
    let file = Path::new(rest.strip_prefix("//").unwrap_or(rest));
    file.parent().unwrap_or(Path::new("")).join(name)
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
