//! `/bearer/verify`: a gateway asks whose a token is (RFC 6750 §3).
//!
//! Not in the npm package. The gateway sends the headers of a request that it holds back, and lets it pass if the answer is 200. So
//! what counts is what cannot be had by trickery:
//!
//! * The `Authorization` header is the only credential. Cookies are taken away before anything looks at them; a page of another
//!   site could make a browser send those along.
//! * Two `Authorization` lines are none: the gateway must not be told of one while the server behind it reads the other.
//! * Whatever is wrong with a token is answered in the same words, and with 401: a gateway that knows 2xx, 401 and 403 alone makes an
//!   error of its own out of a 400.
//! * The answer is complete and no after-hook adds to it. `Set-Cookie` never leaves here, for nobody knows whose browser
//!   would get it.

use bytes::Bytes;
use hallpass_verify::{Caller, bearer, identity};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::{SET_AUTH_TOKEN, handed_out};
use crate::{
    ApiError, Context, Endpoint, NoInput, Route,
    cookie::RequestCookies,
    session::{
        SessionAndUser,
        lookup::{Lookup, look_up},
    },
};

pub(super) const PATH: &str = "/bearer/verify";

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The endpoint.
pub(super) struct Verify {
    pub(super) require_signature: bool,
}

impl Endpoint for Verify {
    type Input = NoInput;
    type Output = ();

    fn route(&self) -> Route {
        Route::for_gateways(PATH)
    }

    async fn handle(&self, cx: &mut Context, _: NoInput) -> Result<(), ApiError> {
        // For the answers that are errors of the store's; the others are complete.
        cx.out.set_header(header::CACHE_CONTROL, NO_STORE);
        let answer = match presented(cx.request().original_headers()) {
            Presented::Nothing => challenge(),
            Presented::Worthless => invalid_token(),
            Presented::Credential(credential) => match credential.admit(&cx.engine.key, self.require_signature) {
                None => invalid_token(),
                Some(credential) => verify(cx, credential).await?,
            },
        };
        Err(ApiError::respond(answer))
    }
}

/// What a request shows of its sender.
enum Presented<'a> {
    /// Nothing, or something of another scheme.
    Nothing,
    /// Something that can be nobody's.
    Worthless,
    /// What may be a token.
    Credential(bearer::Credential<'a>),
}

fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    let Some(line) = lines.next() else { return Presented::Nothing };
    if lines.next().is_some() {
        return Presented::Worthless;
    }
    if let Some(credential) = bearer::parse(line) {
        return Presented::Credential(credential);
    }
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let is_bearer = words.next().is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"));
    if is_bearer && words.next().is_some() { Presented::Worthless } else { Presented::Nothing }
}

/// Looks the session up, as any endpoint would, and extends it if that is due.
async fn verify(cx: &mut Context, credential: bearer::Admitted) -> Result<Response<Bytes>, ApiError> {
    // Cookies of the request's own count for nothing.
    *cx.request_mut().cookies_mut() = RequestCookies::default();
    cx.take_in(credential);
    let name = cx.auth_cookies().session_token.name.clone();
    let gathered = std::mem::take(&mut cx.out);
    let how = Lookup { may_write_deferred: false, disable_refresh: false, from_store: true };
    let found = look_up(cx, how).await;
    let during = std::mem::replace(&mut cx.out, gathered);
    match found {
        Ok(Some(found)) => Ok(admitted(found.found, handed_out(&during, &name))),
        Ok(None) => Ok(invalid_token()),
        // It ended while it was being extended.
        Err(error) if error.status() == StatusCode::UNAUTHORIZED => Ok(invalid_token()),
        Err(error) => Err(error),
    }
}

/// Whose the token is.
fn admitted(found: SessionAndUser, token: Option<HeaderValue>) -> Response<Bytes> {
    let (session, user) = found.into_parts();
    let caller = Caller::of_session(session, user);
    let mut answer = empty(StatusCode::OK);
    answer.headers_mut().extend(identity::headers(&caller));
    answer.headers_mut().extend(token.map(|token| (SET_AUTH_TOKEN, token)));
    answer
}

/// There is no token: 401 without an error code (RFC 6750 §3.1).
fn challenge() -> Response<Bytes> {
    let mut answer = empty(StatusCode::UNAUTHORIZED);
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="hallpass""#));
    answer
}

/// There is one, and it is no good. Why is not told.
fn invalid_token() -> Response<Bytes> {
    let mut answer = challenge();
    let challenge = HeaderValue::from_static(
        r#"Bearer realm="hallpass", error="invalid_token", error_description="The token is malformed, unknown, expired or revoked""#,
    );
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *answer.body_mut() = Bytes::from_static(
        br#"{"error":"invalid_token","error_description":"The token is malformed, unknown, expired or revoked"}"#,
    );
    answer
}

fn empty(status: StatusCode) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    answer
}
