//! Encryption of texts with the server's secrets: XChaCha20-Poly1305 as the npm package applies it (CONTRACT §6, §15).
//!
//! A ciphertext is hex. Where secrets have versions an envelope says which of them it was made with: `$ba$<version>$<hex>`.

use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::Aead};
use hallpass_verify::Secret;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{hex, random::Randomness, secrets::Secrets};
use crate::error::ApiError;

const NONCE_LEN: usize = 24;
const ENVELOPE: &str = "$ba$";

/// Why a text cannot be decrypted. It says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Undecryptable {
    /// It was made with a version that is not there any more.
    #[error("it was encrypted with version {0} of the secrets, which is not among them; add it after the current one")]
    VersionGone(u32),
    /// It carries no version, and there is no secret from before versions.
    #[error("it was encrypted before secrets had versions; set the secret of that time beside them, as `secret`")]
    NoLegacySecret,
    /// It was made with another secret, altered, or never a ciphertext.
    #[error("it was encrypted with another secret, or altered")]
    Invalid,
}

/// Encrypts a text with the current secret.
pub(crate) fn encrypt(secrets: &Secrets, source: &dyn Randomness, text: &str) -> Result<String, ApiError> {
    let mut nonce = [0; NONCE_LEN];
    source.fill(&mut nonce);
    let sealed = cipher(secrets.current_secret()).encrypt(XNonce::from_slice(&nonce), text.as_bytes());
    let sealed = sealed.map_err(|_| ApiError::unexpected("the text is too long to be encrypted"))?;
    let digits = format!("{}{}", hex::encode(&nonce), hex::encode(&sealed));
    Ok(match secrets.current_version() {
        None => digits,
        Some(version) => format!("{ENVELOPE}{version}${digits}"),
    })
}

/// Decrypts what [`encrypt`] or the npm package has made with any of the secrets.
pub(crate) fn decrypt(secrets: &Secrets, text: &str) -> Result<String, Undecryptable> {
    let (version, digits) = match (secrets.current_version(), opened(text)) {
        // Without versions an envelope is no ciphertext: the npm package sees odd digits in it.
        (Some(_), Some((version, digits))) => (Some(version), digits),
        _ => (None, text),
    };
    let secret = secrets.of_version(version);
    let secret = secret.ok_or_else(|| version.map_or(Undecryptable::NoLegacySecret, Undecryptable::VersionGone))?;
    let bytes = hex::decode(digits).ok_or(Undecryptable::Invalid)?;
    let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or(Undecryptable::Invalid)?;
    let opened = cipher(secret).decrypt(XNonce::from_slice(nonce), sealed).map_err(|_| Undecryptable::Invalid)?;
    Ok(String::from_utf8_lossy(&opened).into_owned())
}

/// Version and digits of an envelope.
fn opened(text: &str) -> Option<(u32, &str)> {
    let (version, digits) = text.strip_prefix(ENVELOPE)?.split_once('$')?;
    Some((version.parse().ok()?, digits))
}

fn cipher(secret: &Secret) -> XChaCha20Poly1305 {
    let key = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(secret.expose())));
    XChaCha20Poly1305::new((&*key).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{crypto::random::SystemRandomness, options::Environment};

    const SECRET: &str = "better-auth-contract-secret-00000000";

    fn single(secret: &str) -> Secrets {
        Secrets::new(secret.into())
    }

    fn versions(versions: &[(u32, &str)], legacy: Option<&str>) -> Secrets {
        let versions = versions.iter().map(|(version, secret)| (*version, Secret::new(*secret))).collect();
        Secrets::build(versions, legacy.map(Secret::new), Environment::Production).unwrap()
    }

    /// Made by the npm package, of `héllo` but for the last.
    const BY_NPM: &str = "28574b0b57ca584c9831cf76ab4baca667f0408c3205a6dca9ca88b03a8750eb08ca6e6dcda713433bc9b1f60da1";
    const BY_NPM_VERSION_2: &str =
        "$ba$2$4fe3af328eca1b5eeced493a870562dcd776074147e5ceede839e89fb1a202a471d7e43a5e7131f0ddd2ec4e888b";
    const BY_NPM_VERSION_1: &str =
        "$ba$1$02d98f18893fe743b8c6f3d5c0747f0ca2f575e47d711c8f51f04cd4d6fec0955039ad8ed13d15485e4464fce66a";
    const BY_NPM_LEGACY: &str =
        "4b85bb93a6e21a08f5db1c75a1815091f4c8fb96ca866abf335d60d6c78fc8282bd4779f76021dd04bac4a2a01f5";
    const BY_NPM_OF_NOTHING: &str = "b97d5e1bf4b3a4492a12fdea571666851674294fc2760ab0c2033ccd3695c88ce0829a1f4c3db71e";

    #[test]
    fn contract_6_what_the_npm_package_encrypted_is_read() {
        assert_eq!(decrypt(&single(SECRET), BY_NPM).as_deref(), Ok("héllo"));
        assert_eq!(decrypt(&single(SECRET), BY_NPM_OF_NOTHING).as_deref(), Ok(""));
        let secrets = versions(&[(2, "new secret"), (1, SECRET)], Some("legacy secret"));
        for text in [BY_NPM_VERSION_2, BY_NPM_VERSION_1, BY_NPM_LEGACY] {
            assert_eq!(decrypt(&secrets, text).as_deref(), Ok("héllo"), "{text}");
        }
    }

    #[test]
    fn contract_6_a_ciphertext_is_nonce_ciphertext_and_tag_in_hex() {
        struct Rising;
        impl Randomness for Rising {
            fn fill(&self, bytes: &mut [u8]) {
                for (byte, value) in bytes.iter_mut().zip(0..) {
                    *byte = value;
                }
            }
        }
        // Of the npm package's cipher under the same nonce.
        let expected = "000102030405060708090a0b0c0d0e0f1011121314151617081617a520f2f395a476507bafb729d7c89583e43723";
        assert_eq!(encrypt(&single(SECRET), &Rising, "héllo").unwrap(), expected);
    }

    #[test]
    fn contract_15_a_version_that_is_gone_is_named_and_nothing_else_is_tried() {
        let secrets = versions(&[(3, SECRET)], None);
        assert_eq!(decrypt(&secrets, BY_NPM_VERSION_1), Err(Undecryptable::VersionGone(1)));
        assert_eq!(decrypt(&secrets, BY_NPM), Err(Undecryptable::NoLegacySecret));
        assert_eq!(decrypt(&single(SECRET), BY_NPM_VERSION_1), Err(Undecryptable::Invalid));
    }

    #[test]
    fn what_is_no_ciphertext_is_refused() {
        let secrets = versions(&[(2, "new secret")], Some(SECRET));
        for text in ["", "00", "$ba$", "$ba$2", "$ba$2$", "$ba$x$00", "$ba$-2$00", "é", &BY_NPM.replace('8', "9")] {
            assert!(decrypt(&secrets, text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_encrypted_reads_back_and_a_flipped_bit_is_refused(text in ".{0,60}", place: usize, bit in 0..4_u8) {
            for secrets in [single(SECRET), versions(&[(7, "new"), (1, "old")], None)] {
                let sealed = encrypt(&secrets, &SystemRandomness, &text).unwrap();
                proptest::prop_assert_eq!(decrypt(&secrets, &sealed), Ok(text.clone()));
                let digits = sealed.rfind('$').map_or(0, |at| at + 1);
                let at = digits + place % (sealed.len() - digits);
                let digit = u8::from_str_radix(&sealed[at..=at], 16).unwrap() ^ (1 << bit);
                let altered = format!("{}{digit:x}{}", &sealed[..at], &sealed[at + 1..]);
                proptest::prop_assert_eq!(decrypt(&secrets, &altered), Err(Undecryptable::Invalid));
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(\\$ba\\$[0-9]{0,3}\\$)?.{0,120}") {
            let _ = decrypt(&single(SECRET), &text);
            let _ = decrypt(&versions(&[(1, "a")], Some("b")), &text);
        }
    }
}
