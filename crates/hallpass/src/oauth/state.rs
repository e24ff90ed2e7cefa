//! What somebody who is at a provider came for, kept until they come back (CONTRACT §11.9).
//!
//! Two things lead back to it: the `state` that the provider sends along, and a cookie, so that nobody ends a way that somebody else's
//! browser began.

use std::time::Duration;

use hallpass_store::UserId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::provider::Ready;
use crate::{
    context::Context,
    cookie::SetCookie,
    crypto::{
        random::{ALPHANUMERIC, draw},
        symmetric,
    },
    error::{ApiError, ErrorCode},
    options::StateStrategy,
    verification::values,
};

/// The alphabet of states and verifiers.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
/// How long somebody may stay at the provider.
const LIFE: Duration = Duration::from_mins(10);
/// What the cookie's key is derived for.
const COOKIE_PURPOSE: &str = "oauth-state-cookie";

/// What is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names of the npm package, whose rows these are")]
pub(crate) struct State {
    #[serde(rename = "callbackURL")]
    pub(crate) callback_url: String,
    pub(crate) code_verifier: String,
    #[serde(rename = "errorURL", default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub(crate) error_url: Option<String>,
    #[serde(rename = "newUserURL", default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub(crate) new_user_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub(crate) link: Option<Link>,
    expires_at: serde_json::Number,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub(crate) request_sign_up: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub(crate) id_token_nonce: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    oauth_state: Option<String>,
}

/// `null` is not nothing.
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Where ids are numbers, the npm package may have written one.
fn id<'de, D: serde::Deserializer<'de>>(from: D) -> Result<UserId, D::Error> {
    Ok(UserId::new(match Value::deserialize(from)? {
        Value::String(text) => text,
        other => other.to_string(),
    }))
}

/// Whose account is to be linked.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Link {
    #[serde(deserialize_with = "id")]
    pub(crate) user_id: UserId,
    pub(crate) email: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub(crate) encrypted_session_token: Option<String>,
}

/// Where somebody is to be sent in the end.
#[derive(Default)]
pub(crate) struct Targets {
    pub(crate) callback_url: Option<String>,
    pub(crate) error_url: Option<String>,
    pub(crate) new_user_url: Option<String>,
    pub(crate) request_sign_up: Option<bool>,
    pub(crate) link: Option<Link>,
    pub(crate) additional_data: Map<String, Value>,
}

/// A way that has begun.
pub(crate) struct Begun {
    pub(crate) state: String,
    pub(crate) code_verifier: String,
    pub(crate) nonce: Option<String>,
}

/// Keeps what somebody comes for, and marks their browser.
pub(crate) async fn begin(cx: &mut Context, provider: &Ready, targets: Targets) -> Result<Begun, ApiError> {
    let callback_url = targets.callback_url.filter(|url| !url.is_empty()).or_else(|| cx.origin());
    let callback_url = callback_url.ok_or(ErrorCode::CallbackUrlRequired)?;
    let engine = cx.engine.clone();
    let draw = |length, letters| draw(&*engine.randomness, length, letters);
    let (state, code_verifier) = (draw(32, LETTERS), draw(128, LETTERS));
    let nonce = provider.binds_nonce().then(|| draw(32, ALPHANUMERIC));
    let kept = State {
        callback_url,
        code_verifier: code_verifier.clone(),
        error_url: targets.error_url,
        new_user_url: targets.new_user_url,
        link: targets.link,
        expires_at: (cx.now() + LIFE).as_millis().into(),
        request_sign_up: targets.request_sign_up,
        id_token_nonce: nonce.clone(),
        oauth_state: Some(state.clone()),
    };
    let value = together(targets.additional_data, &kept)?;
    let most = match engine.account.store_state_strategy {
        // Browsers drop a cookie of more than four kilobytes, and encryption doubles this one.
        StateStrategy::Cookie => MOST_IN_COOKIE,
        StateStrategy::Database => MOST,
    };
    if value.len() > most {
        return Err(ErrorCode::PayloadTooLarge.into());
    }
    values::sweep(cx).await;
    match engine.account.store_state_strategy {
        StateStrategy::Cookie => {
            let cookie = cx.auth_cookies().oauth_state.clone();
            let sealed = symmetric::encrypt(&engine.secrets.for_purpose(COOKIE_PURPOSE), &*engine.randomness, &value)?;
            cx.out.set_cookie(SetCookie::new(&cookie.name, sealed, cookie.attributes.clone()));
        }
        StateStrategy::Database => {
            let cookie = cx.auth_cookies().state.clone();
            cx.out.set_cookie(SetCookie::new(&cookie.name, engine.key.sign(&state), cookie.attributes.clone()));
            let mut tx = cx.transaction();
            values::create(&mut tx, &identifier(&state), value, LIFE).await?;
            tx.commit().await?;
        }
    }
    Ok(Begun { state, code_verifier, nonce })
}

/// The most that is kept of one way to a provider, in bytes: anybody can begin one.
const MOST: usize = 16 * 1024;
const MOST_IN_COOKIE: usize = 1800;

/// What a client wants to have kept must not pass for what the engine keeps.
fn together(mut additional: Map<String, Value>, kept: &State) -> Result<String, ApiError> {
    for own in [
        "callbackURL",
        "codeVerifier",
        "errorURL",
        "newUserURL",
        "link",
        "serverContext",
        "expiresAt",
        "requestSignUp",
        "idTokenNonce",
        "oauthState",
    ] {
        additional.shift_remove(own);
    }
    if let Value::Object(kept) = serde_json::to_value(kept).map_err(ApiError::unexpected)? {
        additional.extend(kept);
    }
    serde_json::to_string(&additional).map_err(ApiError::unexpected)
}

fn identifier(state: &str) -> String {
    format!("auth-state:{state}")
}

/// Why somebody who comes back cannot go on.
pub(crate) struct Lost {
    pub(crate) code: &'static str,
    /// Where they wanted to be told.
    pub(crate) error_url: Option<String>,
}

impl Lost {
    fn at(code: &'static str, kept: Option<State>) -> Self {
        Self { code, error_url: kept.and_then(|kept| kept.error_url).filter(|url| !url.is_empty()) }
    }
}

/// Takes what was kept: of any number of requests with the same state one gets it.
pub(crate) async fn take(cx: &mut Context, state: &str) -> Result<State, Lost> {
    let kept = match cx.engine.account.store_state_strategy {
        StateStrategy::Cookie => take_from_cookie(cx, state)?,
        StateStrategy::Database => take_from_database(cx, state).await?,
    };
    if kept.expires_at.as_f64().is_none_or(|end| end < millis(cx)) {
        return Err(Lost::at("state_mismatch", Some(kept)));
    }
    Ok(kept)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of any date that can be written fit exactly")]
fn millis(cx: &Context) -> f64 {
    cx.now().as_millis() as f64
}

fn take_from_cookie(cx: &mut Context, state: &str) -> Result<State, Lost> {
    let engine = cx.engine.clone();
    let cookie = cx.auth_cookies().oauth_state.clone();
    let sealed = cx.request().cookies().get(&cookie.name).filter(|sealed| !sealed.is_empty()).map(String::from);
    let sealed = sealed.ok_or_else(|| Lost::at("state_mismatch", None))?;
    let value = symmetric::decrypt(&engine.secrets.for_purpose(COOKIE_PURPOSE), &sealed).ok();
    let kept: Option<State> = value.and_then(|value| serde_json::from_str(&value).ok());
    let kept = kept.ok_or_else(|| Lost::at("state_invalid", None))?;
    if !kept.oauth_state.as_deref().is_some_and(|own| is_same(own, state)) {
        return Err(Lost::at("state_mismatch", Some(kept)));
    }
    cx.out.expire_cookie(&cookie);
    Ok(kept)
}

async fn take_from_database(cx: &mut Context, state: &str) -> Result<State, Lost> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        tracing::error!(error, "what somebody at a provider came for could not be read");
        Lost::at("internal_server_error", None)
    };
    let row = values::newest(cx, &identifier(state)).await.map_err(|error| failed(&error))?;
    let row = row.ok_or_else(|| Lost::at("state_mismatch", None))?;
    let kept: State = serde_json::from_str(&row.value).map_err(|error| failed(&error))?;
    if kept.oauth_state.as_deref().is_some_and(|own| !is_same(own, state)) {
        return Err(Lost::at("state_mismatch", Some(kept)));
    }
    let engine = cx.engine.clone();
    let cookie = cx.auth_cookies().state.clone();
    let is_theirs = cx.signed_cookie(&cookie.name).is_some_and(|own| is_same(&own, state));
    if !engine.account.skip_state_cookie_check && !is_theirs {
        return Err(Lost::at("state_mismatch", Some(kept)));
    }
    cx.out.expire_cookie(&cookie);
    match values::claim(cx, &row).await {
        Ok(true) => Ok(kept),
        Ok(false) => Err(Lost::at("state_mismatch", Some(kept))),
        Err(error) => Err(failed(&error)),
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
