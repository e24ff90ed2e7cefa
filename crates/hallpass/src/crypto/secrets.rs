//! The server's secrets (CONTRACT §15).

use hallpass_verify::Secret;
use hkdf::Hkdf;
use sha2::Sha256;

use super::hex;
use crate::{error::BuildError, options::Environment};

/// What the npm package signs with where nobody has said anything. Everybody knows it.
const PUBLIC_DEFAULT: &str = "better-auth-secret-12345678901234567890";

/// What the server signs and encrypts with. It does not print.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    /// What everything new is made with.
    current: Versioned,
    /// What was current once; things that were encrypted then can still be read.
    former: Vec<Versioned>,
    /// What old ciphertexts without a version were made with.
    legacy: Option<Secret>,
}

#[derive(Debug, Clone)]
struct Versioned {
    /// Not there for a secret that stands alone: what it encrypts carries no version.
    version: Option<u32>,
    secret: Secret,
}

impl Secrets {
    /// A single secret.
    #[cfg(test)]
    pub(crate) fn new(secret: Secret) -> Self {
        Self { current: Versioned { version: None, secret }, former: Vec::new(), legacy: None }
    }

    /// Secrets with versions, the current one first, or else the single one, which otherwise reads what is older than versions.
    ///
    /// # Errors
    /// When there is none, a version is there twice, or in production the current one is one that everybody knows.
    pub(crate) fn build(
        versions: Vec<(u32, Secret)>,
        single: Option<Secret>,
        environment: Environment,
    ) -> Result<Self, BuildError> {
        let single = single.filter(|secret| !secret.expose().is_empty());
        check(&versions)?;
        let mut versions = versions.into_iter().map(|(version, secret)| Versioned { version: Some(version), secret });
        let secrets = match (versions.next(), single) {
            (Some(current), single) => {
                let legacy = single.filter(|secret| secret.expose() != PUBLIC_DEFAULT);
                Self { current, former: versions.collect(), legacy }
            }
            (None, Some(secret)) => {
                Self { current: Versioned { version: None, secret }, former: Vec::new(), legacy: None }
            }
            (None, None) => {
                return Err(BuildError::new(
                    "a secret is required: call `.secret(…)` with at least 32 random characters",
                ));
            }
        };
        secrets.refuse_the_known(environment)?;
        secrets.warn_of_weak();
        Ok(secrets)
    }

    /// The secret that everything new is made with, and the only one that signatures are checked with.
    pub(crate) fn current(&self) -> &[u8] {
        self.current_secret().expose().as_bytes()
    }

    pub(crate) fn current_secret(&self) -> &Secret {
        &self.current.secret
    }

    /// The version that new ciphertexts carry, if they carry one.
    pub(super) fn current_version(&self) -> Option<u32> {
        self.current.version
    }

    /// The secret of a ciphertext: the one of its version, or, where it carries none, the one that is older than versions.
    pub(super) fn of_version(&self, version: Option<u32>) -> Option<&Secret> {
        match version {
            None if self.current.version.is_some() => self.legacy.as_ref(),
            _ => self.versioned().find(|known| known.version == version).map(|known| &known.secret),
        }
    }

    /// Each secret there is, the current one first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Secret> {
        let is_known = |legacy: &&Secret| self.versioned().any(|known| known.secret.expose() == legacy.expose());
        let legacy = self.legacy.as_ref().filter(|legacy| !is_known(legacy));
        self.versioned().map(|known| &known.secret).chain(legacy)
    }

    /// Secrets made of these for one purpose alone, so that what was encrypted for one cannot be passed off for another.
    pub(crate) fn for_purpose(&self, purpose: &str) -> Self {
        let derive = |secret: &Secret| derive_for(secret, purpose);
        let versioned = |known: &Versioned| Versioned { version: known.version, secret: derive(&known.secret) };
        Self {
            current: versioned(&self.current),
            former: self.former.iter().map(versioned).collect(),
            legacy: self.legacy.as_ref().map(derive),
        }
    }

    fn versioned(&self) -> impl Iterator<Item = &Versioned> {
        std::iter::once(&self.current).chain(&self.former)
    }

    fn refuse_the_known(&self, environment: Environment) -> Result<(), BuildError> {
        if self.current_secret().expose() != PUBLIC_DEFAULT {
            return Ok(());
        }
        if environment == Environment::Production {
            return Err(BuildError::new(
                "the secret is the npm package's default, which everybody knows: anyone could sign tokens with it; set \
                 one of your own, such as `hallpass secret` prints",
            ));
        }
        tracing::warn!("the secret is the npm package's default, which everybody knows; production refuses it");
        Ok(())
    }

    /// As in the npm package, a weak secret is a warning and no more.
    fn warn_of_weak(&self) {
        let text = self.current_secret().expose();
        if text.encode_utf16().count() < 32 || entropy(text) < 120.0 {
            let version = self.current.version;
            tracing::warn!(
                version,
                "the secret is short or repeats itself; use at least 32 random characters, such as `hallpass secret` prints"
            );
        }
    }
}

fn check(versions: &[(u32, Secret)]) -> Result<(), BuildError> {
    for (index, (version, secret)) in versions.iter().enumerate() {
        if secret.expose().is_empty() {
            return Err(BuildError::new(format!(
                "secrets: version {version} is empty; give it a secret or leave it out"
            )));
        }
        if versions.iter().skip(index + 1).any(|(other, _)| other == version) {
            return Err(BuildError::new(format!(
                "secrets: version {version} is there twice; give each its own number"
            )));
        }
    }
    Ok(())
}

/// An estimate in bits, the npm package's: every character could have been any of those there are.
fn entropy(text: &str) -> f64 {
    let distinct = text.chars().collect::<std::collections::BTreeSet<_>>().len();
    let [length, distinct] =
        [text.encode_utf16().count(), distinct].map(|count| f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    length * distinct.log2()
}

fn derive_for(secret: &Secret, purpose: &str) -> Secret {
    let mut key = [0; 32];
    let label = format!("better-auth:{purpose}:v1");
    expand(secret, b"better-auth:oauth-encryption:v1", label.as_bytes(), &mut key);
    // As hex: what is derived from is a text again.
    Secret::new(hex::encode(&key))
}

/// HKDF-SHA-256 (RFC 5869).
pub(super) fn expand(secret: &Secret, salt: &[u8], info: &[u8], key: &mut [u8]) {
    let source = Hkdf::<Sha256>::new(Some(salt), secret.expose().as_bytes());
    #[expect(clippy::expect_used, reason = "the keys derived here are far shorter than the 8160 bytes there may be")]
    source.expand(info, key).expect("the key is short enough");
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "better-auth-contract-secret-00000000";

    fn built(versions: &[(u32, &str)], single: Option<&str>) -> Result<Secrets, BuildError> {
        let versions = versions.iter().map(|(version, secret)| (*version, Secret::new(*secret))).collect();
        Secrets::build(versions, single.map(Secret::new), Environment::Production)
    }

    fn all(secrets: &Secrets) -> Vec<&str> {
        secrets.all().map(Secret::expose).collect()
    }

    #[test]
    fn contract_15_the_first_version_is_current_and_the_single_secret_reads_what_is_older() {
        let secrets = built(&[(2, "new"), (1, "old")], Some("older")).unwrap();
        assert_eq!((secrets.current_secret().expose(), secrets.current_version()), ("new", Some(2)));
        let of = |version| secrets.of_version(version).map(Secret::expose);
        assert_eq!([of(Some(2)), of(Some(1)), of(Some(3)), of(None)], [Some("new"), Some("old"), None, Some("older")]);
        assert_eq!(all(&secrets), ["new", "old", "older"]);
    }

    #[test]
    fn contract_15_a_single_secret_has_no_version() {
        let secrets = built(&[], Some(SECRET)).unwrap();
        assert_eq!((secrets.current_secret().expose(), secrets.current_version()), (SECRET, None));
        assert_eq!(secrets.of_version(None).map(Secret::expose), Some(SECRET));
        assert!(secrets.of_version(Some(0)).is_none());
        assert_eq!(all(&secrets), [SECRET]);
    }

    #[test]
    fn without_a_single_secret_nothing_reads_what_has_no_version() {
        assert!(built(&[(0, "new")], None).unwrap().of_version(None).is_none());
        assert!(built(&[(0, "new")], Some("")).unwrap().of_version(None).is_none());
        assert!(built(&[(0, "new")], Some(PUBLIC_DEFAULT)).unwrap().of_version(None).is_none());
    }

    #[test]
    fn a_legacy_secret_that_has_a_version_too_is_tried_once() {
        assert_eq!(all(&built(&[(2, "new"), (1, "old")], Some("old")).unwrap()), ["new", "old"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (versions, single) in [
            (&[][..], None),
            (&[], Some("")),
            (&[], Some(PUBLIC_DEFAULT)),
            (&[(1, PUBLIC_DEFAULT)], None),
            (&[(1, "a"), (1, "b")], None),
            (&[(1, "a"), (2, "")], None),
        ] {
            assert!(built(versions, single).is_err(), "{versions:?} {single:?}");
        }
        let known = Secrets::build(Vec::new(), Some(PUBLIC_DEFAULT.into()), Environment::Development);
        assert!(known.is_ok(), "on a developer's machine it is a warning");
    }

    #[test]
    fn the_estimate_of_entropy_is_the_npm_packages() {
        assert!(entropy(SECRET) > 120.0 && entropy(&"ab".repeat(50)) < 120.0);
        assert!(entropy("") <= 0.0 || entropy("").is_nan());
    }

    #[test]
    fn secrets_for_a_purpose_are_the_npm_packages() {
        let derived = Secrets::new(SECRET.into()).for_purpose("oauth-state");
        assert_eq!(
            derived.current_secret().expose(),
            "ed79c7562ecb842e7851b89a193e3027dc021bbf974b0b79c81c839cc31ca2cb"
        );
        let versions = built(&[(2, "new"), (1, SECRET)], Some("older")).unwrap().for_purpose("oauth-state");
        assert_eq!(versions.of_version(Some(1)).map(Secret::expose), Some(derived.current_secret().expose()));
        assert_ne!(versions.of_version(None).map(Secret::expose), Some("older"));
    }

    #[test]
    fn secrets_do_not_print() {
        assert!(!format!("{:?}", built(&[(2, "hush"), (1, "hushed")], Some("hushing")).unwrap()).contains("hush"));
    }
}
