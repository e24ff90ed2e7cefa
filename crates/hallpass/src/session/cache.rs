//! The copy of a session in a cookie (CONTRACT §5): how it is written, and when it is believed.
//!
//! A copy spares the look-up in the store for as long as it is good. The price is stated at
//! [`CookieCacheOptions`]: a session that was ended lives on in browsers that hold a copy. So what
//! is sensitive never looks at one.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use hallpass_store::{Record, Row, Session, SessionToken, Timestamp, User, Value, json};
use indexmap::IndexMap;
use serde_json::{Map, Value as Json, value::RawValue};

use super::{SessionAndUser, account_cookie};
use crate::{
    auth::Engine,
    context::Context,
    cookie::{CookieAttributes, chunks},
    crypto::{
        jwe::{self, KeyRing},
        jws,
        secrets::Secrets,
    },
    error::ApiError,
    fields,
    options::{AdditionalField, CookieCacheOptions, CookieCacheStrategy, FieldType},
};

/// Says of which version the copy of a session is to be.
pub(crate) type VersionOf = Box<dyn Fn(&Session, &User) -> String + Send + Sync>;

/// How copies are made, where they are made at all.
pub(crate) struct Cache {
    form: Form,
    version: VersionOf,
}

enum Form {
    /// JSON with its signature beside it.
    Compact,
    /// A signed token.
    Jwt,
    /// An encrypted token.
    Jwe(KeyRing),
}

/// What the copy that a request brought is worth.
pub(crate) enum Copy {
    /// There is none.
    Absent,
    /// It was altered, is out of date, or belongs to another session.
    Useless,
    /// It stands for the session.
    Good(SessionAndUser),
}

/// A copy that this server, or another with its secret, has made.
struct Opened {
    payload: Map<String, Json>,
    /// In milliseconds.
    expires_at: f64,
}

impl Cache {
    /// As the options say; `None` when copies are off.
    pub(crate) fn new(options: &CookieCacheOptions, version: Option<VersionOf>, secrets: &Secrets) -> Option<Self> {
        let form = match options.strategy {
            _ if !options.enabled => return None,
            CookieCacheStrategy::Compact => Form::Compact,
            CookieCacheStrategy::Jwt => Form::Jwt,
            CookieCacheStrategy::Jwe => Form::Jwe(KeyRing::new(secrets, jwe::SESSION)),
        };
        let fixed = options.version.clone().filter(|version| !version.is_empty()).unwrap_or_else(|| "1".into());
        Some(Self { form, version: version.unwrap_or_else(|| Box::new(move |_, _| fixed.clone())) })
    }

    fn version_of(&self, found: &SessionAndUser) -> String {
        (self.version)(&found.session, &found.user)
    }
}

/// Hands the client a copy of its session, where copies are on. One that is `forgetful` goes when the browser closes.
pub(crate) fn write(cx: &mut Context, found: &SessionAndUser, forgetful: bool) {
    let engine = cx.engine.clone();
    let own = cx.auth_cookies().session_data.clone();
    let (Some(cache), cookie) = (&engine.cookie_cache, &own) else { return };
    let found = engine.visible(found.clone());
    let max_age = cookie.attributes.max_age.filter(|_| !forgetful);
    let attributes = CookieAttributes { max_age, ..cookie.attributes.clone() };
    match seal(cache, &engine, &found, cx.now(), max_age.filter(|seconds| *seconds > 0)) {
        Ok(value) => {
            for cookie in chunks::set(cx.request().cookies(), cookie, &attributes, &value) {
                cx.out.set_cookie(cookie);
            }
        }
        // The session is there all the same.
        Err(error) => tracing::error!(%error, "the copy of a session could not be made"),
    }
    account_cookie::follow(cx, &found.user.id);
}

/// The copy's text; good for as long as the cookie, or a little while where that goes with the browser.
fn seal(
    cache: &Cache,
    engine: &Engine,
    found: &SessionAndUser,
    now: Timestamp,
    max_age: Option<u64>,
) -> Result<String, ApiError> {
    let mut payload = Map::new();
    payload.insert("session".into(), serde_json::to_value(&found.session).map_err(ApiError::unexpected)?);
    payload.insert("user".into(), serde_json::to_value(&found.user).map_err(ApiError::unexpected)?);
    payload.insert("updatedAt".into(), now.as_millis().into());
    payload.insert("version".into(), cache.version_of(found).into());
    let life = max_age.unwrap_or(300);
    match &cache.form {
        Form::Compact => {
            let expires_at = now + std::time::Duration::from_secs(max_age.unwrap_or(60));
            Ok(compact(engine, payload, expires_at))
        }
        Form::Jwt => {
            let now = now.as_millis().div_euclid(1000);
            payload.insert("iat".into(), now.into());
            payload.insert("exp".into(), now.saturating_add_unsigned(life).into());
            let claims =
                RawValue::from_string(json::stringify(&Json::Object(payload))).map_err(ApiError::unexpected)?;
            jws::sign(engine.secrets.current(), &claims)
        }
        Form::Jwe(keys) => keys
            .seal(payload, &*engine.randomness, now, life)
            .ok_or_else(|| ApiError::unexpected("there is no key to encrypt it with")),
    }
}

fn compact(engine: &Engine, payload: Map<String, Json>, expires_at: Timestamp) -> String {
    let signature = BASE64URL.encode(engine.key.mac_of(&signed_text(payload.clone(), expires_at.as_millis().into())));
    let mut document = Map::new();
    document.insert("session".into(), payload.into());
    document.insert("expiresAt".into(), expires_at.as_millis().into());
    document.insert("signature".into(), signature.into());
    BASE64URL.encode(json::stringify(&document.into()))
}

/// What the signature of a compact copy covers: the payload, and when it expires.
fn signed_text(mut payload: Map<String, Json>, expires_at: Json) -> String {
    payload.insert("expiresAt".into(), expires_at);
    json::stringify(&payload.into())
}

/// What the copy that the request brought says of the session with this token.
pub(crate) fn read(cx: &Context, cache: &Cache, token: &SessionToken) -> Copy {
    let name = &cx.auth_cookies().session_data.name;
    let Some(value) = chunks::joined(cx.request().cookies(), name) else { return Copy::Absent };
    match open(cache, &cx.engine, &value, cx.now()).and_then(|opened| believe(cx, cache, opened, token)) {
        Some(found) => Copy::Good(found),
        None => Copy::Useless,
    }
}

/// The copy, if it was made with this server's secret and not altered since.
fn open(cache: &Cache, engine: &Engine, value: &str, now: Timestamp) -> Option<Opened> {
    let payload = match &cache.form {
        Form::Compact => return open_compact(engine, value),
        Form::Jwt => jws::verify(engine.secrets.current(), value, now).ok()?,
        Form::Jwe(keys) => keys.open(value, now)?,
    };
    let expires_at = payload.get("exp")?.as_f64()? * 1000.0;
    Some(Opened { payload, expires_at })
}

fn open_compact(engine: &Engine, value: &str) -> Option<Opened> {
    let mut document: Map<String, Json> = serde_json::from_slice(&BASE64URL.decode(value).ok()?).ok()?;
    let (Some(Json::Object(payload)), Some(expires_at)) = (document.remove("session"), document.remove("expiresAt"))
    else {
        return None;
    };
    let text = signed_text(payload.clone(), expires_at.clone());
    let is_signed = engine.key.verify_leniently(&text, document.get("signature")?.as_str()?);
    is_signed.then_some(Opened { payload, expires_at: expires_at.as_f64()? })
}

/// The session that a copy holds, if it is the one of this token, of the version that is wanted, and neither copy nor session has
/// expired.
fn believe(cx: &Context, cache: &Cache, mut copy: Opened, token: &SessionToken) -> Option<SessionAndUser> {
    let (engine, now) = (&cx.engine, cx.now());
    let (Json::Object(session), Json::Object(user)) = (copy.payload.remove("session")?, copy.payload.remove("user")?)
    else {
        return None;
    };
    let session = Session::from_row(row(session, &engine.session_fields)).ok()?;
    let user = User::from_row(row(user, &engine.user_fields)).ok()?;
    let found = engine.visible(SessionAndUser::new(session, user));
    let version = copy.payload.get("version").and_then(Json::as_str).filter(|version| !version.is_empty());
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any date that can be written fit exactly")]
    let is_live = copy.expires_at >= now.as_millis() as f64 && found.session.expires_at >= now;
    let is_meant = found.session.token == *token && version.unwrap_or("1") == cache.version_of(&found);
    (is_live && is_meant).then_some(found)
}

/// A record's JSON as a row.
fn row(record: Map<String, Json>, additional: &IndexMap<String, AdditionalField>) -> Row {
    let date = AdditionalField { field_type: FieldType::Date, ..AdditionalField::default() };
    let typed = |name: &str, json| match name {
        "createdAt" | "updatedAt" | "expiresAt" => fields::typed(&date, json),
        _ => additional.get(name).map_or_else(|| Value::from(json.clone()), |field| fields::typed(field, json.clone())),
    };
    record.into_iter().map(|(name, json)| (name.as_str().into(), typed(&name, json))).collect()
}

#[cfg(test)]
mod tests {
    use hallpass_store::{MemoryStore, SessionId, UserId};

    use super::*;
    use crate::{
        Hallpass,
        options::{SessionOptions, Span},
    };

    const MOMENT: i64 = 1_893_456_000_000;
    const SIGNED: &str = r#"{"session":{"expiresAt":"2030-01-08T00:00:00.000Z","token":"abcdefghijklmnopqrstuvwxyzABCDEF","createdAt":"2030-01-01T00:00:00.000Z","updatedAt":"2030-01-01T00:00:00.000Z","ipAddress":"","userAgent":"","userId":"user1","id":"sess1"},"user":{"name":"Ann","email":"ann@example.com","emailVerified":false,"image":null,"createdAt":"2030-01-01T00:00:00.000Z","updatedAt":"2030-01-01T00:00:00.000Z","id":"user1"},"updatedAt":1893456000000,"version":"1","expiresAt":1893456300000}"#;
    const SIGNATURE: &str = "UMZv5D-8zcoBlSaSeHtXwAGO0hqpECxEJ-3S2yYv7rc";
    const VALUE: &str = "eyJzZXNzaW9uIjp7InNlc3Npb24iOnsiZXhwaXJlc0F0IjoiMjAzMC0wMS0wOFQwMDowMDowMC4wMDBaIiwidG9rZW4iOiJhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ekFCQ0RFRiIsImNyZWF0ZWRBdCI6IjIwMzAtMDEtMDFUMDA6MDA6MDAuMDAwWiIsInVwZGF0ZWRBdCI6IjIwMzAtMDEtMDFUMDA6MDA6MDAuMDAwWiIsImlwQWRkcmVzcyI6IiIsInVzZXJBZ2VudCI6IiIsInVzZXJJZCI6InVzZXIxIiwiaWQiOiJzZXNzMSJ9LCJ1c2VyIjp7Im5hbWUiOiJBbm4iLCJlbWFpbCI6ImFubkBleGFtcGxlLmNvbSIsImVtYWlsVmVyaWZpZWQiOmZhbHNlLCJpbWFnZSI6bnVsbCwiY3JlYXRlZEF0IjoiMjAzMC0wMS0wMVQwMDowMDowMC4wMDBaIiwidXBkYXRlZEF0IjoiMjAzMC0wMS0wMVQwMDowMDowMC4wMDBaIiwiaWQiOiJ1c2VyMSJ9LCJ1cGRhdGVkQXQiOjE4OTM0NTYwMDAwMDAsInZlcnNpb24iOiIxIn0sImV4cGlyZXNBdCI6MTg5MzQ1NjMwMDAwMCwic2lnbmF0dXJlIjoiVU1adjVELTh6Y29CbFNhU2VIdFh3QUdPMGhxcEVDeEVKLTNTMnlZdjdyYyJ9";

    const ALL: [CookieCacheStrategy; 3] =
        [CookieCacheStrategy::Compact, CookieCacheStrategy::Jwt, CookieCacheStrategy::Jwe];

    fn server(strategy: CookieCacheStrategy) -> Hallpass {
        let max_age = Some(Span::from_secs(300));
        let cookie_cache = CookieCacheOptions { enabled: true, strategy, max_age, ..CookieCacheOptions::default() };
        Hallpass::builder()
            .secret("better-auth-contract-secret-00000000")
            .store(MemoryStore::new())
            .session(SessionOptions { cookie_cache, ..SessionOptions::default() })
            .build()
            .unwrap()
    }

    fn found() -> SessionAndUser {
        let now = Timestamp::from_millis(MOMENT);
        let token = SessionToken::new("abcdefghijklmnopqrstuvwxyzABCDEF");
        let end = now + std::time::Duration::from_hours(168);
        let session = Session::new(SessionId::new("sess1"), token, UserId::new("user1"), now, end);
        SessionAndUser::new(session, User::new(UserId::new("user1"), "Ann", "ann@example.com", now))
    }

    fn sealed(server: &Hallpass, max_age: Option<u64>) -> String {
        let cache = server.engine.cookie_cache.as_ref().unwrap();
        seal(cache, &server.engine, &found(), Timestamp::from_millis(MOMENT), max_age).unwrap()
    }

    fn opened(server: &Hallpass, value: &str) -> Option<Opened> {
        let cache = server.engine.cookie_cache.as_ref().unwrap();
        open(cache, &server.engine, value, Timestamp::from_millis(MOMENT))
    }

    fn part(token: &str, index: usize) -> String {
        String::from_utf8(BASE64URL.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn contract_5_1_vector() {
        let server = server(CookieCacheStrategy::Compact);
        assert_eq!(BASE64URL.encode(server.engine.key.mac_of(SIGNED)), SIGNATURE);
        assert_eq!(sealed(&server, Some(300)), VALUE);
        let copy = opened(&server, VALUE).unwrap();
        assert_eq!(signed_text(copy.payload, 1_893_456_300_000_i64.into()), SIGNED);
    }

    #[test]
    fn contract_5_1_a_copy_that_goes_with_the_browser_is_good_for_a_minute() {
        let server = server(CookieCacheStrategy::Compact);
        let copy = opened(&server, &sealed(&server, None)).unwrap();
        assert!((copy.expires_at - 1_893_456_060_000.0).abs() < 0.5);
    }

    #[test]
    fn contract_5_1_what_is_signed_is_what_javascript_would_write() {
        let server = server(CookieCacheStrategy::Compact);
        // Another order of the outer keys, another spelling of a number and white space change nothing of what is signed.
        let document = SIGNED.replace(",\"expiresAt\":1893456300000}", "}");
        let document =
            format!("{{ \"signature\":\"{SIGNATURE}\",\"expiresAt\":1.8934563e12,\n\"session\":{document}}}");
        assert!(opened(&server, &BASE64URL.encode(&document)).is_some());
        let other = document.replace("\"Ann\"", "\"Bob\"");
        assert!(opened(&server, &BASE64URL.encode(other)).is_none());
    }

    #[test]
    fn contract_5_2_header_and_claims() {
        let server = server(CookieCacheStrategy::Jwt);
        let token = sealed(&server, Some(300));
        let end = ",\"iat\":1893456000,\"exp\":1893456300}";
        assert_eq!(part(&token, 0), r#"{"alg":"HS256"}"#);
        assert_eq!(part(&token, 1), SIGNED.replace(",\"expiresAt\":1893456300000}", end));
        assert!(part(&sealed(&server, None), 1).ends_with(end), "and as long where it goes with the browser");
    }

    #[test]
    fn contract_5_3_claims() {
        let server = server(CookieCacheStrategy::Jwe);
        let copy = opened(&server, &sealed(&server, Some(300))).unwrap();
        let keys: Vec<&String> = copy.payload.keys().collect();
        assert_eq!(keys, ["session", "user", "updatedAt", "version", "iat", "exp", "jti"]);
        assert!((copy.expires_at - 1_893_456_300_000.0).abs() < 0.5);
    }

    #[test]
    fn a_copy_of_one_form_is_none_of_another_nor_of_another_secret() {
        for one in ALL {
            let value = sealed(&server(one), Some(300));
            for other in ALL {
                assert_eq!(opened(&server(other), &value).is_some(), one == other);
            }
            let stranger = Hallpass::builder().secret("another secret of more than thirty-two letters");
            let session = SessionOptions {
                cookie_cache: CookieCacheOptions { enabled: true, strategy: one, ..CookieCacheOptions::default() },
                ..SessionOptions::default()
            };
            let stranger = stranger.store(MemoryStore::new()).session(session).build().unwrap();
            assert!(opened(&stranger, &value).is_none());
        }
    }

    #[test]
    fn a_token_for_a_mail_is_no_copy() {
        let server = server(CookieCacheStrategy::Jwt);
        let claims = serde_json::json!({"email": "ann@example.com", "iat": 1_893_456_000, "exp": 1_893_459_600});
        let token = jws::sign(server.engine.secrets.current(), &claims).unwrap();
        let copy = opened(&server, &token).unwrap();
        assert!(!copy.payload.contains_key("session"));
    }

    proptest::proptest! {
        #[test]
        fn a_flipped_bit_is_refused(strategy in 0..3_usize, place: usize, bit in 0..6_u8) {
            let server = server(ALL[strategy]);
            let mut bytes = sealed(&server, Some(300)).into_bytes();
            let place = place % bytes.len();
            bytes[place] ^= 1 << bit;
            let altered = String::from_utf8_lossy(&bytes).into_owned();
            proptest::prop_assert!(opened(&server, &altered).is_none());
        }

        #[test]
        fn no_value_makes_a_reader_panic(text in ".{0,60}", json in "[{}\\[\\]\":,a-z0-9]{0,60}") {
            for strategy in ALL {
                let server = server(strategy);
                for value in [text.clone(), BASE64URL.encode(&json), format!("{json}.{text}.a")] {
                    proptest::prop_assert!(opened(&server, &value).is_none());
                }
            }
        }
    }
}
