//! The copy of an account at an outside provider in an encrypted cookie (CONTRACT §5.4).

use hallpass_store::UserId;
use serde_json::{Map, Value};

use crate::{context::Context, cookie::chunks};

/// Hands the client an account, where that is on.
pub(crate) fn set(cx: &mut Context, account: Map<String, Value>) {
    let engine = cx.engine.clone();
    let own = cx.auth_cookies().account_data.clone();
    let (Some(keys), cookie) = (&engine.account_cookie, &own) else { return };
    let life = cookie.attributes.max_age.unwrap_or(300);
    let Some(value) = keys.seal(account, &*engine.randomness, cx.now(), life) else { return };
    for piece in chunks::set(cx.request().cookies(), cookie, &cookie.attributes, &value) {
        cx.out.set_cookie(piece);
    }
}

/// The account that the client holds.
pub(crate) fn read(cx: &Context) -> Option<Map<String, Value>> {
    let value = chunks::joined(cx.request().cookies(), &cx.auth_cookies().account_data.name)?;
    cx.engine.account_cookie.as_ref()?.open(&value, cx.now())
}

/// Makes the client forget it, where that is on.
pub(crate) fn clear(cx: &mut Context) {
    let engine = cx.engine.clone();
    if engine.account_cookie.is_some() {
        let cookie = &cx.auth_cookies().account_data.clone();
        cx.out.expire_cookie(cookie);
        for piece in chunks::expire(cx.request().cookies(), cookie) {
            cx.out.set_cookie(piece);
        }
    }
}

/// Goes with the session's copy: renewed when it belongs to the same user, and else forgotten. One that the answer sets already is
/// left as it is.
pub(super) fn follow(cx: &mut Context, user: &UserId) {
    let name = &cx.auth_cookies().account_data.name;
    let is_set =
        |cookie: &str| cookie.strip_prefix(&**name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if cx.out.cookies().iter().any(|cookie| is_set(&cookie.name)) {
        return;
    }
    match read(cx) {
        Some(account) if account.get("userId").is_some_and(|id| id == user.as_str()) => set(cx, account),
        Some(_) => clear(cx),
        None => {}
    }
}
