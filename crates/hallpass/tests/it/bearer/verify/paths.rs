//! Every path below the endpoint is its own, whatever a gateway appends; and nothing else is.

use hallpass::{
    BuildError, Endpoint, Route,
    plugin::{Plugin, Registrar},
};
use http::Method;

use super::{CHALLENGE, INVALID, VERIFY, gateway, gateway_and, is_ann, is_refused, with_ann};

/// What Envoy makes of a request's path: the original path behind the endpoint's.
const BELOW: &[&str] = &[
    "/",
    "//",
    "///x//",
    "/orders/7?limit=3&callbackURL=https://evil.example",
    "/a/b/c/d/e/f/",
    "/?x=/../..",
    "/.",
    "/..",
    "/../",
    "/../verify/",
    "/../../get-session",
    "/../../ok",
    "/../../../../x/../api/auth/ok",
    "/%2e%2e/%2e%2e/ok",
    "/.%2E/%2e./get-session",
    "/%2f..%2f..%2fok",
    "/\\..\\..\\ok",
    "/;/../../../ok",
    "/%00%ff%zz",
    "/api/auth/sign-out",
    "/bearer/verify/../../ok",
    "/{name}/*",
    "/caf\u{e9}",
    "/?disableRefresh=true&disableCookieCache=true&callbackURL=//evil",
];

#[tokio::test]
async fn every_path_below_is_the_endpoints_and_leads_nowhere_else() {
    let (stage, ann) = with_ann(gateway()).await;
    for below in BELOW {
        let path = format!("{VERIFY}{below}");
        for method in [Method::GET, Method::POST] {
            is_ann(&stage.call(method.clone(), &path).by(&ann).await);
            is_refused(&stage.call(method.clone(), &path).await, CHALLENGE, &path);
            is_refused(&stage.call(method, &path).bearer("nobodys").await, INVALID, &path);
        }
    }
}

#[tokio::test]
async fn what_only_begins_like_it_is_nowhere() {
    let (stage, ann) = with_ann(gateway()).await;
    for rest in [
        "x",
        ";/../../ok",
        ";x",
        "*",
        "%2f..%2fok",
        "%2F/../../ok",
        ".",
        "..",
        "x/../verify",
        "x/../../ok",
        "%20/../../get-session",
        "\\..\\..\\ok",
        "\\x",
    ] {
        for token in [&*ann.token, "nobodys"] {
            let answer = stage.get(&format!("{VERIFY}{rest}")).bearer(token).await;
            assert_eq!((answer.status, answer.text()), (404, ""), "{rest}");
        }
    }
    for path in [
        "/Bearer/verify",
        "/bearer/VERIFY",
        "/bearer//verify",
        "/bearer%2fverify",
        "/%62earer/verify",
        "//bearer/verify",
    ] {
        assert_eq!(stage.get(path).by(&ann).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn it_is_found_at_every_base_path_and_in_every_spelling_that_others_are_found_by() {
    for (base, path) in [
        ("/", "/bearer/verify/x"),
        ("/v1/auth", "/v1/auth/bearer/verify/../../ok"),
        ("/api/auth", "/x/../api/auth/bearer/verify"),
        ("/api/auth", "/api/auth/./bearer/x/../verify/orders"),
        ("/api/auth", "/api/auth\\bearer\\verify"),
    ] {
        let (stage, ann) = with_ann(gateway_and(|builder| builder.base_path(base))).await;
        is_ann(&stage.raw(Method::GET, path).by(&ann).await);
        assert_eq!(stage.auth.route_of(&Method::PUT, path), Some(VERIFY), "{path}");
        assert_eq!(stage.raw(Method::GET, path).await.status, 401, "{path}");
    }
    let (stage, _) = with_ann(gateway()).await;
    assert_eq!(stage.raw(Method::GET, "/bearer/verify").await.status, 404, "not outside the base");
}

/// An endpoint below, by somebody else.
struct Below;

impl Endpoint for Below {
    type Input = hallpass::NoInput;
    type Output = &'static str;

    fn route(&self) -> Route {
        Route::get("/bearer/verify/open")
    }

    async fn handle(&self, _: &mut hallpass::Context, _: Self::Input) -> Result<&'static str, hallpass::ApiError> {
        Ok("come in")
    }
}

impl Plugin for Below {
    fn id(&self) -> &'static str {
        "below"
    }

    fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        registrar.endpoint(Self);
        Ok(())
    }
}

#[tokio::test]
async fn no_plugins_endpoint_answers_below_it() {
    let stage = gateway_and(|builder| builder.plugin(Below));
    is_refused(&stage.get("/bearer/verify/open").await, CHALLENGE, "an endpoint below");
}

#[tokio::test]
async fn a_disabled_path_closes_it_and_all_below() {
    let (stage, ann) = with_ann(gateway_and(|builder| builder.disabled_paths([VERIFY]))).await;
    for below in ["", "/", "/x", "//", "/../../ok", "/%2e%2e/x"] {
        let answer = stage.get(&format!("{VERIFY}{below}")).by(&ann).await;
        assert_eq!((answer.status, answer.text()), (404, "Not Found"), "{below}");
    }
}
