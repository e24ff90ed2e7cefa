//! Bearer tokens in place of cookies (CONTRACT §8).
//!
//! On the way in, an `Authorization: Bearer` header takes the place of the session cookie, once its signature is checked: from
//! there on nothing knows the difference. On the way out, the token of a session cookie that the answer sets is repeated in the
//! `set-auth-token` header, where a client without cookies finds it.
//!
//! Where it is asked for, `verify` answers gateways, which want to know whose a token is before they let a request pass.

mod verify;

use hallpass_verify::bearer;
use http::{HeaderName, HeaderValue, header};

use crate::{
    context::Context,
    error::BuildError,
    gate::rate_limit::RateLimitRule,
    outgoing::Outgoing,
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
    verify_endpoint: bool,
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

    /// Mounts `/bearer/verify`, where a gateway (nginx, Caddy, Traefik, Envoy) asks whose a token is before it lets a request
    /// pass: 200 with `x-auth-user-id`, `x-auth-session-id` and `x-auth-email`, or 401 with a challenge (RFC 6750 §3), or 503 while
    /// the store is away.
    ///
    /// It answers any method, there and on every path below, and looks at nothing of a request but its `Authorization` header:
    /// cookies count for nothing, so another site's page cannot have its visitor's browser let in, and no origin is asked for.
    /// Bodies are not read. The rate limiter does not count it, unless one of `rate_limit.custom_rules` says so.
    ///
    /// A hook or an interceptor of yours that answers in the place of endpoints answers in the place of this one too, and a gateway takes
    /// any 2xx for a yes.
    ///
    /// ```
    /// # use hallpass::{Bearer, Hallpass, store::MemoryStore};
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let auth = Hallpass::builder()
    /// #     .secret("a secret of at least thirty-two characters").store(MemoryStore::new())
    ///     .plugin(Bearer::new().verify_endpoint(true))
    ///     .build()
    ///     .unwrap();
    /// let asked = http::Request::put("/api/auth/bearer/verify/orders/7").body(String::new()).unwrap();
    /// let answer = auth.handle(asked).await;
    /// assert_eq!(answer.status(), 401);
    /// assert_eq!(answer.headers()["www-authenticate"], r#"Bearer realm="hallpass""#);
    /// # });
    /// ```
    pub fn verify_endpoint(mut self, mount: bool) -> Self {
        self.verify_endpoint = mount;
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
        if self.verify_endpoint {
            registrar.endpoint(verify::Verify { require_signature });
            // Every request to every service behind a gateway comes by here, all of them from the gateway's address.
            registrar.rate_limit(RateLimitRule::none(|path| path == verify::PATH));
        }
        Ok(())
    }
}

/// The way in. A credential that counts for nothing leaves the request as it was, and its cookies count.
fn take(cx: &mut Context, require_signature: bool) {
    let request = cx.request();
    // Of two headers the first counts (CONTRACT §1.5).
    let admitted = request
        .original_headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| bearer::parse(value.as_bytes()))
        .and_then(|credential| credential.admit(&cx.engine.key, require_signature));
    if let Some(admitted) = admitted {
        cx.take_in(admitted);
    }
}

/// The way out.
fn give(cx: &mut Context) {
    if let Some(token) = handed_out(cx.outgoing(), &cx.auth_cookies().session_token.name) {
        cx.outgoing_mut().set_header(SET_AUTH_TOKEN, token);
        cx.outgoing_mut().expose(SET_AUTH_TOKEN.as_str());
    }
}

/// The token that an answer hands out in the session cookie. Of several such cookies the last counts, and one that ends the session
/// hands out nothing.
fn handed_out(outgoing: &Outgoing, name: &str) -> Option<HeaderValue> {
    let cookie = outgoing.cookies().iter().rev().find(|cookie| cookie.name == name)?;
    let is_end = cookie.value.is_empty() || cookie.attributes.max_age == Some(0);
    if is_end { None } else { HeaderValue::from_str(&cookie.value).ok() }
}
