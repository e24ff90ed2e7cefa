//! JSON Web Signatures with the server's own secret (RFC 7515, HS256), as the npm package makes them for links in mails and, on
//! demand, for the cookie cache. The header is exactly `{"alg":"HS256"}`.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_URL_SAFE_NO_PAD,
};
use hallpass_store::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::ApiError;

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It was good once.
    Expired,
    /// It never was.
    Invalid,
}

/// Signs claims, in the order in which they serialise.
pub(crate) fn sign(secret: &[u8], claims: &impl Serialize) -> Result<String, ApiError> {
    let header = Header { typ: None, ..Header::new(Algorithm::HS256) };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret)).map_err(ApiError::unexpected)
}

/// The claims of a token whose signature is right and whose time has come and not passed. Without any tolerance.
pub(crate) fn verify(secret: &[u8], token: &str, now: Timestamp) -> Result<Map<String, Value>, Refused> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims.clear();
    validation.validate_aud = false;
    // The library would ask the machine's clock.
    validation.validate_exp = false;
    let token = canonical(token).ok_or(Refused::Invalid)?;
    let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, &DecodingKey::from_secret(secret), &validation);
    let claims = decoded.map_err(|_| Refused::Invalid)?.claims;
    check_times(&claims, now, 0.0)?;
    Ok(claims)
}

/// The token with its signature as it is usually written. The npm package overlooks white space in it, one `=` and the bits that the last
/// character has to spare. Headers that ask for extensions are refused (RFC 7515 §4.1.11): none is understood here.
pub(crate) fn canonical(token: &str) -> Option<String> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, _) = signed.split_once('.')?;
    let header: Map<String, Value> = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    if header.contains_key("crit") {
        return None;
    }
    let digits: String = signature.chars().filter(|digit| !digit.is_ascii_whitespace()).collect();
    let bytes = LENIENT.decode(digits.strip_suffix('=').unwrap_or(&digits)).ok()?;
    Some(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

/// Reads base64url whose last character has bits set that nobody needs.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Whether the time of claims has come and not passed, give or take as many seconds.
pub(super) fn check_times(claims: &Map<String, Value>, now: Timestamp, tolerance: f64) -> Result<(), Refused> {
    let now = now.as_millis().div_euclid(1000);
    let seconds = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(Refused::Invalid),
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds of any date that can be written fit exactly")]
    let now = now as f64;
    let (_, not_before, expires) = (seconds("iat")?, seconds("nbf")?, seconds("exp")?);
    if not_before.is_some_and(|begin| begin > now + tolerance) {
        return Err(Refused::Invalid);
    }
    if expires.is_some_and(|end| end <= now - tolerance) { Err(Refused::Expired) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &[u8] = b"better-auth-contract-secret-00000000";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn contract_6_the_header_is_alg_alone_and_claims_keep_their_order() {
        let token = sign(SECRET, &json!({"email": "ann@example.com", "iat": 1, "exp": 2})).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(parts[0], "eyJhbGciOiJIUzI1NiJ9");
        assert_eq!(parts[1], "eyJlbWFpbCI6ImFubkBleGFtcGxlLmNvbSIsImlhdCI6MSwiZXhwIjoyfQ");
    }

    #[test]
    fn a_token_is_good_until_the_second_it_expires() {
        let token = sign(SECRET, &json!({"exp": 100})).unwrap();
        assert!(verify(SECRET, &token, at(99)).is_ok());
        assert_eq!(verify(SECRET, &token, at(100)), Err(Refused::Expired));
        let early = sign(SECRET, &json!({"nbf": 100})).unwrap();
        assert_eq!(verify(SECRET, &early, at(99)), Err(Refused::Invalid));
        let odd = sign(SECRET, &json!({"exp": "soon"})).unwrap();
        assert_eq!(verify(SECRET, &odd, at(0)), Err(Refused::Invalid));
    }

    #[test]
    fn other_algorithms_keys_and_shapes_are_refused() {
        let good = sign(SECRET, &json!({"a": 1})).unwrap();
        let (_, payload_and_signature) = good.split_once('.').unwrap();
        let none = format!("eyJhbGciOiJub25lIn0.{payload_and_signature}");
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", payload_and_signature.split_once('.').unwrap().0);
        let hs512 = jsonwebtoken::encode(&Header::new(Algorithm::HS512), &json!({}), &EncodingKey::from_secret(SECRET));
        for token in [&*none, &*unsigned, &*hs512.unwrap(), "", ".", "..", "a.b.c", "é"] {
            assert_eq!(verify(SECRET, token, at(0)), Err(Refused::Invalid), "{token}");
        }
        assert_eq!(verify(b"another secret", &good, at(0)), Err(Refused::Invalid));
    }

    #[test]
    fn headers_that_ask_for_extensions_are_refused() {
        for header in [r#"{"alg":"HS256","crit":["x"],"x":1}"#, r#"{"alg":"HS256","crit":[]}"#] {
            let signed = format!("{}.e30", BASE64_URL_SAFE_NO_PAD.encode(header));
            let key = EncodingKey::from_secret(SECRET);
            let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
            assert_eq!(verify(SECRET, &format!("{signed}.{signature}"), at(0)), Err(Refused::Invalid));
        }
    }

    #[test]
    fn white_space_in_a_signature_is_overlooked_and_anywhere_else_it_is_not() {
        let good = sign(SECRET, &json!({"a": 1})).unwrap();
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let (head, tail) = signature.split_at(9);
        assert!(verify(SECRET, &format!("{signed}.{head} \n{tail}="), at(0)).is_ok());
        assert!(verify(SECRET, &format!(" {good}"), at(0)).is_err());
        assert!(verify(SECRET, &format!("{good}=="), at(0)).is_err());
    }
}
