//! The copy of a session in a cookie (CONTRACT §5): how it is written, and when it is believed.
//!
//! A copy spares the look-up in the store for as long as it is good. The price is stated at
//! [`CookieCacheOptions`](crate::options::CookieCacheOptions): a session that was ended lives on in browsers that hold a copy. So what
//! is sensitive never looks at one.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use hallpass_store::{Record, Row, Session, SessionToken, Timestamp, User, Value};
use indexmap::IndexMap;
use serde_json::{Map, Value as Json, value::RawValue};

use super::{SessionAndUser, account_cookie};
use crate::{
    auth::Engine,
    context::Context,
    cookie::{CookieAttributes, chunks},
    crypto::{
        json,
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
    Good(Box<SessionAndUser>),
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
    let (Some(cache), cookie) = (&engine.cookie_cache, &engine.cookies.session_data) else { return };
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
    let name = &cx.engine.cookies.session_data.name;
    let Some(value) = chunks::joined(cx.request().cookies(), name) else { return Copy::Absent };
    match open(cache, &cx.engine, &value, cx.now()).and_then(|opened| believe(cx, cache, opened, token)) {
        Some(found) => Copy::Good(Box::new(found)),
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
    let found = engine.visible(SessionAndUser { session, user });
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
