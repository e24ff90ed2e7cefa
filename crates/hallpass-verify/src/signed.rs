//! Signed values: `value.signature` (CONTRACT §4.2).

use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Length of a SHA-256 signature in padded base64.
const SIGNATURE_LEN: usize = 44;

/// The server's secret. It does not print, and its memory is wiped when it goes.
///
/// ```
/// use hallpass_verify::Secret;
/// assert_eq!(format!("{:?}", Secret::new("better-auth-contract-secret-00000000")), "Secret(…)");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text as the secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself, for deriving keys from it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// Signs values and checks signatures: HMAC-SHA-256 under the secret's UTF-8 bytes.
///
/// Keying is done once here and not at every check, where it would cost as much as the check itself.
///
/// ```
/// let key = hallpass_verify::SigningKey::new("better-auth-contract-secret-00000000");
/// assert_eq!(key.sign("tok1"), "tok1.WZnY5NNeK7hFLCsIzlsR+LhzrJaeWYx+sHCpsja0cfM=");
/// assert_eq!(key.verify("tok1.WZnY5NNeK7hFLCsIzlsR+LhzrJaeWYx+sHCpsja0cfM="), Some("tok1"));
/// assert_eq!(key.verify("tok2.WZnY5NNeK7hFLCsIzlsR+LhzrJaeWYx+sHCpsja0cfM="), None);
/// ```
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// A key made of the secret's bytes.
    #[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "HMAC accepts keys of every length")]
    pub fn new(secret: impl AsRef<[u8]>) -> Self {
        Self(Hmac::new_from_slice(secret.as_ref()).expect("HMAC accepts keys of every length"))
    }

    /// `value.signature`, the signature in padded standard base64.
    pub fn sign(&self, value: &str) -> String {
        let mut signed = String::with_capacity(value.len() + 1 + SIGNATURE_LEN);
        signed.push_str(value);
        signed.push('.');
        BASE64_STANDARD.encode_string(self.mac(value).finalize().into_bytes(), &mut signed);
        signed
    }

    /// The signature's bytes, for formats that spell it in another way.
    ///
    /// ```
    /// let key = hallpass_verify::SigningKey::new("better-auth-contract-secret-00000000");
    /// assert_eq!(key.mac_of("tok1")[..3], [0x59, 0x99, 0xd8]);
    /// ```
    pub fn mac_of(&self, value: &str) -> [u8; 32] {
        self.mac(value).finalize().into_bytes().into()
    }

    /// The value of a signed text, if the signature is right. The strict reader, which cookies go through: split at the
    /// last dot, exactly 44 characters of padded standard base64, compared in constant time.
    pub fn verify<'a>(&self, signed: &'a str) -> Option<&'a str> {
        let (value, signature) = signed.rsplit_once('.')?;
        if value.is_empty() || signature.len() != SIGNATURE_LEN || !signature.ends_with('=') {
            return None;
        }
        let mut bytes = [0; 33];
        // The lenient-bits engine: the npm package reads signatures with the platform's `atob`, which ignores the bits
        // that the last character has to spare.
        let length = STRICT.decode_slice(signature, &mut bytes).ok()?;
        self.mac(value).verify_slice(bytes.get(..length)?).ok().map(|()| value)
    }

    /// Whether `value` was signed with this signature, read leniently: either alphabet, padding or not, nothing after the
    /// first `=` is looked at. What the bearer hook applies before the strict reader (CONTRACT §8.1 step 4).
    pub fn verify_leniently(&self, value: &str, signature: &str) -> bool {
        let digits = signature.split('=').next().unwrap_or_default();
        // A signature is 43 digits; more cannot be one, and this bounds the work a stranger's header causes.
        if digits.len() > SIGNATURE_LEN {
            return false;
        }
        let url_safe = digits.contains(['-', '_']);
        let engine = if url_safe { &LENIENT_URL_SAFE } else { &LENIENT };
        let mut bytes = [0; 34];
        match engine.decode_slice(digits, &mut bytes) {
            Ok(length) => self.mac(value).verify_slice(bytes.get(..length).unwrap_or_default()).is_ok(),
            Err(_) => false,
        }
    }

    fn mac(&self, value: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(value.as_bytes());
        mac
    }
}

/// Whether both readers read a signature of this form, and as the same bytes.
pub(crate) fn is_strict(signature: &str) -> bool {
    signature.len() == SIGNATURE_LEN
        && signature.strip_suffix('=').is_some_and(|digits| {
            digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
        })
}

const STRICT: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
const LENIENT_CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone);
const LENIENT: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT_CONFIG);
const LENIENT_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT_CONFIG);

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::new("better-auth-contract-secret-00000000")
    }

    #[test]
    fn contract_4_3_vectors() {
        for (value, signature) in [
            ("abcdefghijklmnopqrstuvwxyzABCDEF", "XL099qDxCvO2A644+OyRepR8nGsjbYV/+FCePxFbRHM="),
            ("true", "TJx++GW1vbCAoVThwKa11nSQ8Rec9GYX+Rh+SZNq+sg="),
            ("0123456789abcdefghijklmnopqrstuv", "fmBFeUs4pS6q6GiW6tHEwFu9sN7V0KEt9dMTUl2cfPI="),
            ("tok1", "WZnY5NNeK7hFLCsIzlsR+LhzrJaeWYx+sHCpsja0cfM="),
        ] {
            let signed = format!("{value}.{signature}");
            assert_eq!(key().sign(value), signed);
            assert_eq!(key().verify(&signed), Some(value));
            assert!(key().verify_leniently(value, signature));
        }
    }

    #[test]
    fn the_strict_reader_wants_all_forty_four_characters() {
        let signed = key().sign("tok1");
        assert_eq!(key().verify(signed.trim_end_matches('=')), None);
        assert_eq!(key().verify(&signed.replace('+', "-")), None);
        assert_eq!(key().verify(&format!("{signed}.x")), None);
        assert_eq!(key().verify(&format!(".{}", signed.split_once('.').unwrap().1)), None);
    }

    #[test]
    fn the_lenient_reader_takes_either_alphabet_and_no_padding() {
        let signed = key().sign("tok1");
        let signature = signed.split_once('.').unwrap().1;
        assert!(key().verify_leniently("tok1", signature.trim_end_matches('=')));
        assert!(key().verify_leniently("tok1", &signature.replace('+', "-").replace('/', "_")));
        assert!(key().verify_leniently("tok1", &format!("{signature}anything")));
        for wrong in ["", "=", "AAAA", "!!!!", &"A".repeat(100_000)] {
            assert!(!key().verify_leniently("tok1", wrong));
        }
    }

    proptest::proptest! {
        #[test]
        fn what_was_signed_verifies_and_nothing_else_does(value in ".{1,40}", other in ".{1,40}") {
            let signed = key().sign(&value);
            proptest::prop_assert_eq!(key().verify(&signed), Some(&*value));
            let signature = signed.rsplit_once('.').unwrap().1;
            if other != value {
                let forged = format!("{other}.{signature}");
                proptest::prop_assert_eq!(key().verify(&forged), None);
            }
        }

        #[test]
        fn no_text_makes_a_reader_panic(text in ".{0,200}", signature in ".{0,80}") {
            let _ = key().verify(&text);
            let _ = key().verify_leniently(&text, &signature);
        }
    }
}
