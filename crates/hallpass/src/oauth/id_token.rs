//! Verifying ID tokens (OpenID Connect Core 1.0 §3.1.3.7).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hallpass_store::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::Jwk};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::{client::HttpClient, keys::Keys};
use crate::crypto::jws;

/// How far clocks may be apart, in seconds.
const TOLERANCE: f64 = 30.0;

/// The claims of a token.
pub(super) type Claims = Map<String, Value>;

/// How a provider's ID tokens are verified.
pub(super) struct IdTokens {
    pub(super) keys: Keys,
    pub(super) issuer: String,
    pub(super) audience: String,
    /// What it says that it signs with; anything but shared secrets when it does not say.
    pub(super) algorithms: Option<Vec<String>>,
}

impl IdTokens {
    /// The claims of a token that the provider signed for us, that is still good, and, if one is expected, carries this nonce.
    pub(super) async fn verify(
        &self,
        client: &dyn HttpClient,
        token: &str,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Option<Claims> {
        let token = &*jws::canonical(token)?;
        let header = part(token, 0)?;
        let name = header.get("alg")?.as_str()?;
        let algorithm: Algorithm = name.parse().ok()?;
        let is_allowed = self.algorithms.as_ref().is_none_or(|allowed| allowed.iter().any(|known| known == name));
        if !is_allowed {
            return None;
        }
        let key = self.keys.find(client, algorithm, header.get("kid").and_then(Value::as_str)).await?;
        let claims = check_signature(token, key, algorithm)?;
        (self.admits(&claims, now) && has_nonce(&claims, nonce)).then_some(claims)
    }

    fn admits(&self, claims: &Claims, now: Timestamp) -> bool {
        let is_us = |value: &Value| value.as_str() == Some(&*self.audience);
        let audience =
            claims.get("aud").is_some_and(|aud| is_us(aud) || aud.as_array().is_some_and(|all| all.iter().any(is_us)));
        let issuer = claims.get("iss").and_then(Value::as_str) == Some(&*self.issuer);
        #[expect(clippy::cast_precision_loss, reason = "seconds of any date that can be written fit exactly")]
        let now = now.as_millis().div_euclid(1000) as f64;
        let moment = |name: &str| claims.get(name).and_then(Value::as_f64);
        let is_live = moment("exp").is_some_and(|end| end > now - TOLERANCE);
        let has_begun = !claims.contains_key("nbf") || moment("nbf").is_some_and(|begin| begin <= now + TOLERANCE);
        audience && issuer && is_live && has_begun && moment("iat").is_some() && claims.contains_key("sub")
    }
}

fn has_nonce(claims: &Claims, expected: Option<&str>) -> bool {
    let Some(expected) = expected.filter(|nonce| !nonce.is_empty()) else { return true };
    let found = claims.get("nonce").and_then(Value::as_str);
    found.is_some_and(|nonce| bool::from(nonce.as_bytes().ct_eq(expected.as_bytes())))
}

fn check_signature(token: &str, key: Value, algorithm: Algorithm) -> Option<Claims> {
    let key: Jwk = serde_json::from_value(key).ok()?;
    let key = DecodingKey::from_jwk(&key).ok()?;
    let mut validation = Validation::new(algorithm);
    // The library would ask the machine's clock; what it does not check here, `admits` does.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    Some(jsonwebtoken::decode::<Claims>(token, &key, &validation).ok()?.claims)
}

/// The claims of a token, believed as they are: for tokens that came from the provider itself over TLS and cannot be verified.
pub(super) fn read(token: &str) -> Option<Claims> {
    part(token, 1)
}

fn part(token: &str, index: usize) -> Option<Map<String, Value>> {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, _, _] = &*parts else { return None };
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts.get(index)?).ok()?).ok()
}
