//! What an answer tells the client of its session.

use hallpass_store::SessionToken;

use super::{SessionAndUser, account_cookie, cache};
use crate::{
    context::Context,
    cookie::{CookieAttributes, SetCookie, chunks},
    options::StateStrategy,
};

/// Whether a browser shall keep the session's cookie when it closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remember {
    /// Yes.
    Yes,
    /// No: the cookie has no Max-Age, and a second one says so.
    No,
    /// As the request's `dont_remember` cookie has it. A bearer request never carries that (CONTRACT §7.1).
    AsBefore,
}

/// Hands the client its session's token, in the order session_token, dont_remember, session_data.
pub(crate) fn set(cx: &mut Context, session: SessionAndUser, remember: Remember) {
    let engine = cx.engine.clone();
    let cookies = cx.auth_cookies().clone();
    let was_forgetful = cx.signed_cookie(&cookies.dont_remember.name).is_some();
    let forgetful = match remember {
        Remember::Yes => false,
        Remember::No => true,
        Remember::AsBefore => was_forgetful,
    };
    let max_age = (!forgetful).then(|| engine.session.expires_in().as_secs());
    set_token(cx, &session.session.token, max_age);
    if forgetful {
        let signed = engine.key.sign("true");
        let cookie = &cookies.dont_remember;
        cx.out.set_cookie(SetCookie::new(&cookie.name, signed, cookie.attributes.clone()));
    } else if was_forgetful {
        cx.out.expire_cookie(&cookies.dont_remember);
    }
    cache::write(cx, &session, forgetful);
    cx.new_session = Some(session);
}

fn set_token(cx: &mut Context, token: &SessionToken, max_age: Option<u64>) {
    let engine = cx.engine.clone();
    let cookie = cx.auth_cookies().session_token.clone();
    let attributes = CookieAttributes { max_age, ..cookie.attributes };
    cx.out.set_cookie(SetCookie::new(&cookie.name, engine.key.sign(token.expose()), attributes));
}

/// Makes the client forget its session, in the order session_token, session_data, account_data, the chunks of
/// session_data, dont_remember.
pub(crate) fn clear(cx: &mut Context) {
    let cookies = cx.auth_cookies().clone();
    cx.out.expire_cookie(&cookies.session_token);
    cx.out.expire_cookie(&cookies.session_data);
    account_cookie::clear(cx);
    if cx.engine.account.store_state_strategy == StateStrategy::Cookie {
        cx.out.expire_cookie(&cookies.oauth_state);
    }
    clear_session_data(cx);
    cx.out.expire_cookie(&cookies.dont_remember);
}

/// Makes the client forget every piece of `session_data` that it sent.
pub(crate) fn clear_session_data(cx: &mut Context) {
    let cookie = cx.auth_cookies().session_data.clone();
    for piece in chunks::expire(cx.request().cookies(), &cookie) {
        cx.out.set_cookie(piece);
    }
}

/// Whether the request brought `session_data`, whole or in pieces.
pub(crate) fn brought_session_data(cx: &Context) -> bool {
    let (cookies, name) = (cx.request().cookies(), &*cx.auth_cookies().session_data.name);
    let is_filled = |value: &str| !value.is_empty();
    cookies.get(name).is_some_and(|value| is_filled(&value))
        || cookies
            .chunks_of(name)
            .iter()
            .any(|chunk| chunk != name && cookies.get(chunk).is_some_and(|it| is_filled(&it)))
}
