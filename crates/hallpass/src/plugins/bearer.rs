//! Bearer tokens in place of cookies (CONTRACT §8).
//!
//! On the way in, an `Authorization: Bearer` header takes the place of the session cookie, once its signature is checked: from
//! there on nothing knows the difference. On the way out, the token of a session cookie that the answer sets is repeated in the
//! `set-auth-token` header, where a client without cookies finds it.

use hallpass_verify::bearer;
use http::{HeaderName, HeaderValue, header};

use crate::{
    context::Context,
    error::BuildError,
    plugin::{Flow, Plugin, Registrar, every, hook},
};

const SET_AUTH_TOKEN: HeaderName = HeaderName::from_static("set-auth-token");

/// The bearer plugin.
///
/// ```
/// use hallpass::Bearer;
/// let bearer = Bearer::new().require_signature(true);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Bearer {
    require_signature: bool,
}

impl Bearer {
    /// Accepts signed tokens, as `set-auth-token` has them, and bare ones, as bodies have them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts signed tokens only. Whoever reads bare tokens in the store, a log or another session's list can then do
    /// nothing with them.
    pub fn require_signature(mut self, require: bool) -> Self {
        self.require_signature = require;
        self
    }
}

impl Plugin for Bearer {
    fn id(&self) -> &'static str {
        "bearer"
    }

    fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        let require_signature = self.require_signature;
        let carries = |cx: &Context| cx.request().original_headers().contains_key(header::AUTHORIZATION);
        registrar.before(
            Box::new(carries),
            hook(move |cx| {
                take(cx, require_signature);
                Box::pin(std::future::ready(Ok(Flow::Continue)))
            }),
        );
        registrar.after(
            every(),
            hook(|cx| {
                give(cx);
                Box::pin(std::future::ready(Ok(())))
            }),
        );
        Ok(())
    }
}

/// The way in. A credential that counts for nothing leaves the request as it was, and its cookies count.
fn take(cx: &mut Context, require_signature: bool) {
    let name = cx.auth_cookies().session_token.name.clone();
    let request = cx.request();
    // Of two headers the first counts (CONTRACT §1.5).
    let admitted = request
        .original_headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| bearer::parse(value.as_bytes()))
        .and_then(|credential| credential.admit(&cx.engine.key, require_signature));
    if let Some(signed) = admitted {
        cx.request_mut().cookies_mut().set(&name, signed);
    }
}

/// The way out. Of several session cookies the last counts, and one that ends the session hands out nothing.
fn give(cx: &mut Context) {
    let name = &*cx.auth_cookies().session_token.name;
    let Some(cookie) = cx.outgoing().cookies().iter().rev().find(|cookie| cookie.name == name) else { return };
    if cookie.value.is_empty() || cookie.attributes.max_age == Some(0) {
        return;
    }
    if let Ok(token) = HeaderValue::from_str(&cookie.value) {
        cx.outgoing_mut().set_header(SET_AUTH_TOKEN, token);
        cx.outgoing_mut().expose(SET_AUTH_TOKEN.as_str());
    }
}
