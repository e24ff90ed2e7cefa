use jsonwebtoken::Algorithm;
use serde_json::Value;

/// A signature algorithm that a JSON Web Token may use. There is no `none` here, and none with a shared secret: whoever knows a public key
/// could sign with it as if it were one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwtAlgorithm {
    /// Ed25519; what the jwt plugin uses unless told otherwise.
    EdDsa,
    /// ECDSA over P-256.
    Es256,
    /// ECDSA over P-384.
    Es384,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
}

impl JwtAlgorithm {
    /// Those of the jwt plugin that are supported.
    pub(super) const DEFAULT: &'static [Self] = &[Self::EdDsa, Self::Es256, Self::Ps256, Self::Rs256];

    /// The name in a token's header (RFC 7518 §3.1).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    pub(super) fn known(self) -> Algorithm {
        match self {
            Self::EdDsa => Algorithm::EdDSA,
            Self::Es256 => Algorithm::ES256,
            Self::Es384 => Algorithm::ES384,
            Self::Ps256 => Algorithm::PS256,
            Self::Ps384 => Algorithm::PS384,
            Self::Ps512 => Algorithm::PS512,
            Self::Rs256 => Algorithm::RS256,
            Self::Rs384 => Algorithm::RS384,
            Self::Rs512 => Algorithm::RS512,
        }
    }

    /// Whether a published key (RFC 7517) is one for this algorithm, and for verifying.
    pub(super) fn fits(self, key: &Value) -> bool {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let kind = match self {
            Self::EdDsa => ("OKP", Some("Ed25519")),
            Self::Es256 => ("EC", Some("P-256")),
            Self::Es384 => ("EC", Some("P-384")),
            Self::Ps256 | Self::Ps384 | Self::Ps512 | Self::Rs256 | Self::Rs384 | Self::Rs512 => ("RSA", None),
        };
        let operations = key.get("key_ops").and_then(Value::as_array);
        (text("kty"), text("crv").filter(|_| kind.1.is_some())) == (Some(kind.0), kind.1)
            && text("alg").is_none_or(|name| name == self.as_str())
            && text("use").is_none_or(|used_for| used_for == "sig")
            && operations.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_for_what_it_says() {
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": ""});
        assert!(JwtAlgorithm::EdDsa.fits(&ed));
        assert!(!JwtAlgorithm::Es256.fits(&ed));
        assert!(JwtAlgorithm::Rs256.fits(&json!({"kty": "RSA", "use": "sig", "key_ops": ["verify"]})));
        for other in [
            json!({"kty": "oct"}),
            json!({"kty": "RSA", "alg": "RS512"}),
            json!({"kty": "RSA", "use": "enc"}),
            json!({"kty": "RSA", "key_ops": ["encrypt"]}),
            json!({"kty": "EC", "crv": "P-521"}),
            json!(7),
        ] {
            assert!(!JwtAlgorithm::Rs256.fits(&other) && !JwtAlgorithm::Es256.fits(&other), "{other}");
        }
    }
}
