//! What a token says, and whether that is meant for us and now.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hallpass_store::Timestamp;
use serde_json::{Map, Value};

use crate::source::Reason;

type Part = Map<String, Value>;

/// What the claims have to be.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) leeway: Duration,
}

impl Expected {
    /// Whether the claims, if they are true, make the token good. `exp` and `sub` have to be there.
    pub(super) fn admit(&self, claims: &Part, now: Timestamp) -> Result<(), Reason> {
        let is_us = |value: &Value| value.as_str() == Some(&*self.audience);
        let audience =
            claims.get("aud").is_some_and(|aud| is_us(aud) || aud.as_array().is_some_and(|all| all.iter().any(is_us)));
        let issuer = claims.get("iss").and_then(Value::as_str) == Some(&*self.issuer);
        let has_begun =
            !claims.contains_key("nbf") || moment(claims, "nbf").is_some_and(|begin| begin <= now + self.leeway);
        let names_somebody = claims.get("sub").and_then(Value::as_str).is_some_and(|id| !id.is_empty());
        let end = moment(claims, "exp").filter(|_| audience && issuer && has_begun && names_somebody);
        match end {
            None => Err(Reason::NotForUs),
            Some(end) if end + self.leeway <= now => Err(Reason::Expired),
            Some(_) => Ok(()),
        }
    }
}

/// Header and claims of a compact token, not yet to be believed. `None` when it is no token, or one that asks for extensions
/// (RFC 7515 §4.1.11): none is understood here.
pub(super) fn peek(token: &str) -> Option<(Part, Part)> {
    let mut parts = token.split('.');
    let (header, claims, _signature) = (part(parts.next()?)?, part(parts.next()?)?, parts.next()?);
    (parts.next().is_none() && !header.contains_key("crit")).then_some((header, claims))
}

fn part(text: &str) -> Option<Part> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// A moment that is claimed in seconds, which may have a fraction.
pub(super) fn moment(claims: &Part, name: &str) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "a number beyond all dates becomes the last or the first one")]
    let millis = seconds(claims, name).map(|seconds| (seconds * 1000.0) as i64)?;
    // Far enough from the ends that the leeway can be added.
    Some(Timestamp::from_millis(millis.clamp(i64::MIN / 4, i64::MAX / 4)))
}

pub(super) fn seconds(claims: &Part, name: &str) -> Option<f64> {
    claims.get(name)?.as_f64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn admit(change: &Value) -> Result<(), Reason> {
        let mut claims = json!({"iss": "https://a", "aud": "us", "sub": "u1", "exp": 100});
        for (name, value) in change.as_object().unwrap().clone() {
            claims[name] = value;
        }
        let expected = Expected { issuer: "https://a".into(), audience: "us".into(), leeway: Duration::from_secs(5) };
        expected.admit(claims.as_object().unwrap(), Timestamp::from_millis(90_000))
    }

    #[test]
    fn meant_for_us_and_now() {
        assert_eq!(admit(&json!({})), Ok(()));
        assert_eq!(admit(&json!({"aud": ["them", "us"]})), Ok(()));
        assert_eq!(admit(&json!({"exp": 85.001, "nbf": 95})), Ok(()));
        assert_eq!(admit(&json!({"exp": 85})), Err(Reason::Expired));
        assert_eq!(admit(&json!({"exp": 1e300})), Ok(()));
        for other in [
            json!({"aud": "them"}),
            json!({"aud": ["them"]}),
            json!({"aud": null}),
            json!({"iss": "https://b"}),
            json!({"nbf": 96}),
            json!({"nbf": "soon"}),
            json!({"sub": ""}),
            json!({"sub": 7}),
            json!({"exp": "later"}),
            json!({"exp": null}),
        ] {
            assert_eq!(admit(&other), Err(Reason::NotForUs), "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_token_makes_the_reader_panic(text in "[A-Za-z0-9_=-]{0,60}(\\.[A-Za-z0-9_=-]{0,60}){0,4}", number: f64) {
            let _ = peek(&text);
            let claims = json!({"exp": number, "nbf": number, "iss": "a", "aud": "a", "sub": "u"});
            let expected = Expected { issuer: "a".into(), audience: "a".into(), leeway: Duration::from_secs(5) };
            let _ = expected.admit(claims.as_object().unwrap(), Timestamp::from_millis(0));
        }
    }
}
