//! Password hashes: scrypt as the npm package applies it (CONTRACT §6).

use scrypt::Params;
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

use super::{hex, random::Randomness};

const KEY_LEN: usize = 64;

/// A stored hash that is no `salt:key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored password hash has no salt and key")]
pub(crate) struct MalformedHash;

/// Draws the salt of a new hash: 16 bytes as hex. The hex *text* is what scrypt gets as its salt.
pub(crate) fn draw_salt(source: &dyn Randomness) -> String {
    let mut bytes = [0; 16];
    source.fill(&mut bytes);
    hex::encode(&bytes)
}

/// Hashes a password to `salt:key`. Takes tens of milliseconds and 32 MiB: only ever called on the hashing pool.
pub(crate) fn hash(password: &str, salt: &str) -> String {
    format!("{salt}:{}", hex::encode(&derive(password, salt)))
}

/// Whether a password is the one that was hashed.
pub(crate) fn verify(password: &str, stored: &str) -> Result<bool, MalformedHash> {
    let mut parts = stored.split(':');
    match (parts.next(), parts.next()) {
        (Some(salt), Some(key)) if !salt.is_empty() && !key.is_empty() => {
            Ok(hex::encode(&derive(password, salt)).as_bytes().ct_eq(key.as_bytes()).into())
        }
        _ => Err(MalformedHash),
    }
}

fn derive(password: &str, salt: &str) -> [u8; KEY_LEN] {
    let normalised: String = password.nfkc().collect();
    let mut key = [0; KEY_LEN];
    // N = 2^14, r = 16 (not the usual 8), p = 1.
    #[expect(clippy::expect_used, reason = "constant parameters, inside scrypt's limits")]
    let params = Params::new(14, 16, 1, KEY_LEN).expect("the parameters are inside scrypt's limits");
    #[expect(clippy::expect_used, reason = "constant length, inside scrypt's limits")]
    scrypt::scrypt(normalised.as_bytes(), salt.as_bytes(), &params, &mut key).expect("64 bytes are allowed");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn contract_6_vectors() {
        for (password, key) in [
            (
                "password123",
                "73122e887cfc14f91396cdef78dfe4b9dec28d459037601c4904cedba5a637ab97b39b40c236df5d42881d0109ca8cf0f85e39dbaba2911c190915bd8f30fe85",
            ),
            (
                "pässwörd",
                "98019d8d367509640e45a459ea9b23f32452dd310114f46daee657ebe74a7fe5a2ba724b8382f9a2ef80cd44dd048eb79ff35d9db1d8dd22aeae2d681eb0962e",
            ),
            (
                "\u{fb01}ancé",
                "666298800d11c6da2d85f4b5e5cd14d90accd854d2a294843adb44a582a69000ec46b657f0bc1b8b4ecfc96187699eda0e35c70361e2019826c8e02562e1f657",
            ),
            (
                "Ⅷ①",
                "5cd3d14c124c4c024b508d6947c57c13cbc1a215e05d704d568a77d1e7d7c5f3c44a77f517d19ebcf7c04565a3ec2626c2e6434e288f88d411ee972b7e15b7b1",
            ),
        ] {
            assert_eq!(hash(password, SALT), format!("{SALT}:{key}"));
        }
        assert_eq!(verify("VIII1", &hash("Ⅷ①", SALT)), Ok(true));
        assert_eq!(verify("VIII2", &hash("Ⅷ①", SALT)), Ok(false));
    }

    #[test]
    fn a_hash_without_both_parts_is_an_error_and_not_a_mismatch() {
        for stored in ["", "salt", "salt:", ":key"] {
            assert_eq!(verify("password", stored), Err(MalformedHash));
        }
    }
}
