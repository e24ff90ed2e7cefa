//! `/bearer/verify`, where gateways ask whose a token is (RFC 6750 §3). Not in the npm package.

use std::time::Duration;

use hallpass::{
    Bearer, BuildError, Builder, Endpoint, Environment, OpenApi, Route,
    options::{CookieCacheOptions, CustomRule, RateLimitOptions, RateLimitStorage, SessionOptions, Span},
    plugin::{Flow, Plugin, Registrar, hook},
    store::{Batch, Filter, Row},
};
use http::{HeaderName, HeaderValue, Method};

use super::url_safe;
use crate::support::{
    Answer, Asked, Caller, DAY, Fault, Faults, ORIGIN, Stage, cookie, forged, sign, stage, stage_with,
};

const VERIFY: &str = "/bearer/verify";

const CHALLENGE: &str = r#"Bearer realm="hallpass""#;

/// The challenge for a token that is no good.
const INVALID: &str = r#"Bearer realm="hallpass", error="invalid_token", error_description="The token is malformed, unknown, expired or revoked""#;

const IDENTITY: [&str; 3] = ["x-auth-user-id", "x-auth-session-id", "x-auth-email"];

fn gateway() -> Stage {
    gateway_and(|builder| builder)
}

fn gateway_and(configure: impl FnOnce(Builder) -> Builder) -> Stage {
    stage_with(|builder| configure(builder.plugin(Bearer::new().verify_endpoint(true))))
}

async fn with_ann(stage: Stage) -> (Stage, Caller) {
    let ann = stage.caller("ann").await;
    stage.calls.take();
    (stage, ann)
}

/// 200 that says who it is, and nothing else.
fn is_ann(answer: &Answer) {
    assert_eq!((answer.status, answer.text()), (200, ""), "{answer:?}");
    assert_eq!(
        IDENTITY.map(|name| answer.header(name)),
        [Some("ann-id"), Some("ann-session"), Some("ann@example.com")]
    );
    assert_eq!((answer.header("cache-control"), answer.header("www-authenticate")), (Some("no-store"), None));
    assert!(answer.cookies().is_empty(), "{answer:?}");
}

/// 401 that says nothing of anybody.
fn is_refused(answer: &Answer, challenge: &str, of: &str) {
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some(challenge)), "{of}: {answer:?}");
    assert_eq!(answer.headers.get_all("www-authenticate").iter().count(), 1, "{of}");
    assert_eq!(IDENTITY.map(|name| answer.header(name)), [None; 3], "{of}");
    assert_eq!((answer.header("cache-control"), answer.set_auth_token()), (Some("no-store"), None), "{of}");
    assert!(answer.cookies().is_empty(), "{of}: {answer:?}");
    let body = if challenge == CHALLENGE {
        ""
    } else {
        r#"{"error":"invalid_token","error_description":"The token is malformed, unknown, expired or revoked"}"#
    };
    assert_eq!(answer.text(), body, "{of}");
}

/// Every header line and the body.
fn bytes(answer: &Answer) -> String {
    format!("{} {:?} {:?}", answer.status, answer.headers, answer.body)
}

#[tokio::test]
async fn without_being_asked_for_it_is_not_there() {
    let (stage, ann) = with_ann(stage()).await;
    for path in [VERIFY, "/bearer/verify/", "/bearer/verify/a/b", "/bearer"] {
        let answer = stage.get(path).by(&ann).await;
        assert_eq!((answer.status, answer.text()), (404, ""), "{path}");
    }
}

#[tokio::test]
async fn a_live_session_is_200_and_says_whose_it_is() {
    let (stage, ann) = with_ann(gateway()).await;
    for token in [&ann.token, &ann.signed(), &hallpass_verify::component::encode(&ann.signed())] {
        is_ann(&stage.get(VERIFY).bearer(token).await);
        assert_eq!(stage.calls.take(), [Asked::Session], "one look-up and nothing else");
    }
}

#[tokio::test]
async fn any_method_and_any_body_is_answered_and_no_body_is_read() {
    let (stage, ann) = with_ann(gateway()).await;
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW"] {
        let method: Method = method.parse().unwrap();
        let call = || stage.call(method.clone(), VERIFY);
        is_ann(&call().by(&ann).await);
        is_refused(&call().await, CHALLENGE, method.as_str());
        is_refused(&call().bearer("nobodys").await, INVALID, method.as_str());
        for (content_type, body) in [
            ("application/json", "{"),
            ("text/plain", "x"),
            ("multipart/form-data; boundary=x", "--x"),
            ("application/x-www-form-urlencoded", "callbackURL=https://evil.example&access_token=x"),
            ("application/json", r#"{"callbackURL":"https://evil.example","redirectTo":7}"#),
        ] {
            is_ann(&call().by(&ann).body(content_type, body).await);
        }
        for length in ["0", "5", "99999999999999999999", "-1", "x"] {
            is_ann(&call().by(&ann).header("content-length", length).header("content-type", "application/json").await);
        }
        is_ann(&call().by(&ann).header("transfer-encoding", "chunked").header("expect", "100-continue").await);
    }
    let long = vec![b' '; 2 * 1024 * 1024];
    is_ann(&stage.post(VERIFY).by(&ann).body("application/json", long).await);
}

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

#[tokio::test]
async fn without_a_token_the_challenge_names_no_error() {
    let (stage, ann) = with_ann(gateway()).await;
    is_refused(&stage.get(VERIFY).await, CHALLENGE, "no header");
    for other in
        ["", " ", "Basic dXNlcjpwYXNz", "Bearer", "bearer ", "Bearertok", &ann.token, "Digest x", "\u{e9}", "Token a.b"]
    {
        is_refused(&stage.get(VERIFY).header("authorization", other).await, CHALLENGE, other);
    }
    assert_eq!(stage.calls.take(), [], "the store is not asked");
}

#[tokio::test]
async fn whatever_is_wrong_with_a_token_is_answered_in_the_same_bytes() {
    let (stage, ann) = with_ann(gateway()).await;
    let expired = stage.session_until(&ann.id, "old", stage.now() - DAY).await;
    let revoked = stage.session(&ann.id, "gone").await;
    stage.forget(&revoked).await;
    let mut answers = Vec::new();
    for token in [
        "unknown".to_owned(),
        sign("unknown"),
        expired.clone(),
        sign(&expired),
        revoked.clone(),
        sign(&revoked),
        forged(&ann.token),
        format!("{}.", ann.token),
        ".x".into(),
        ".".into(),
        format!("{}.extra", ann.signed()),
        ann.signed().trim_end_matches('=').into(),
        url_safe(&ann.signed()),
        format!("{} {}", ann.token, ann.token),
        format!("{}, Bearer {}", ann.signed(), ann.signed()),
        format!("junk, Bearer {}", ann.token),
        format!("{},", ann.token),
        "\u{e9}\u{0}".trim_end_matches('\0').into(),
        "x".repeat(10_000),
    ] {
        let answer = stage.get(VERIFY).bearer(&token).await;
        is_refused(&answer, INVALID, &token);
        answers.push(bytes(&answer));
    }
    let answer = stage.get(VERIFY).header("authorization", format!("Bearer\t{}", ann.token)).await;
    is_refused(&answer, INVALID, "a tab");
    answers.push(bytes(&answer));
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn two_authorization_headers_are_refused_whichever_is_good() {
    let (stage, ann) = with_ann(gateway()).await;
    let good = format!("Bearer {}", ann.signed());
    for [one, other] in [
        [&*good, "Bearer junk"],
        ["Bearer junk", &good],
        [&good, &good],
        ["Basic x", &good],
        [&good, "Basic x"],
        [&good, ""],
    ] {
        let answer = stage.get(VERIFY).header("authorization", one).header("authorization", other).await;
        is_refused(&answer, INVALID, "two headers");
    }
    assert_eq!(stage.calls.take(), [], "the store is not asked");
}

#[tokio::test]
async fn a_forged_signature_never_reaches_the_store_and_require_signature_holds() {
    let signed_only = stage_with(|builder| builder.plugin(Bearer::new().require_signature(true).verify_endpoint(true)));
    let (stage, ann) = with_ann(signed_only).await;
    for token in [ann.token.clone(), forged(&ann.token), "unknown".into(), format!("{}.extra", ann.signed())] {
        is_refused(&stage.get(VERIFY).bearer(&token).await, INVALID, &token);
    }
    assert_eq!(stage.calls.take(), [], "the store is not asked");
    is_ann(&stage.get(VERIFY).bearer(&ann.signed()).await);
}

#[tokio::test]
async fn cookies_count_for_nothing() {
    let (stage, ann) = with_ann(gateway()).await;
    let bob = stage.caller("bob").await;
    is_refused(&stage.get(VERIFY).cookie(ann.cookie()).await, CHALLENGE, "a good cookie");
    is_refused(&stage.get(VERIFY).cookie(ann.cookie()).bearer("unknown").await, INVALID, "beside a bad token");
    is_refused(
        &stage.get(VERIFY).cookie(ann.cookie()).bearer(&forged(&ann.token)).await,
        INVALID,
        "beside a forged one",
    );
    is_ann(&stage.get(VERIFY).cookie(bob.cookie()).by(&ann).await);
    is_ann(&stage.get(VERIFY).cookie(cookie("garbage")).by(&ann).await);
}

#[tokio::test]
async fn a_copy_of_a_session_in_a_cookie_counts_for_nothing() {
    let cookie_cache = CookieCacheOptions { enabled: true, ..CookieCacheOptions::default() };
    let session = SessionOptions { cookie_cache, ..SessionOptions::default() };
    let (stage, ann) = with_ann(gateway_and(|builder| builder.session(session))).await;
    let copy = stage.get("/get-session").by(&ann).await;
    let copy = copy.cookies().iter().map(|line| line.split(';').next().unwrap()).collect::<Vec<_>>().join("; ");
    assert!(copy.contains("session_data="), "{copy}");
    is_ann(&stage.get(VERIFY).cookie(&copy).by(&ann).await);
    stage.forget(&ann.token).await;
    assert_eq!(
        stage.get("/get-session").cookie(&copy).by(&ann).await.json()["user"]["name"],
        "ann",
        "others believe it"
    );
    is_refused(&stage.get(VERIFY).cookie(&copy).by(&ann).await, INVALID, "revoked, with a copy");
}

#[tokio::test]
async fn no_origin_is_asked_for_since_nothing_but_the_token_counts() {
    let (stage, ann) = with_ann(gateway()).await;
    for origin in ["https://evil.example", "null", "", ORIGIN] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let call = || {
                let call = stage.call(method.clone(), VERIFY).header("origin", origin).header("cookie", ann.cookie());
                call.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate")
            };
            is_ann(&call().by(&ann).await);
            is_refused(&call().await, CHALLENGE, origin);
        }
    }
}

#[tokio::test]
async fn what_a_request_says_of_its_sender_is_not_repeated() {
    let (stage, ann) = with_ann(gateway()).await;
    for token in [Some(&ann), None] {
        let mut call = stage.post(VERIFY);
        for name in [
            "x-auth-user-id",
            "X-Auth-Session-Id",
            "x-auth-email",
            "x_auth_user_id",
            "x-forwarded-user",
            "set-auth-token",
        ] {
            call = call.header(name, "mallory").header(name, "eve");
        }
        let call = call.and_query("user=mallory&x-auth-user-id=mallory");
        let answer = match token {
            Some(ann) => call.by(ann).await,
            None => call.await,
        };
        assert!(!bytes(&answer).contains("mallory") && !bytes(&answer).contains("eve"), "{answer:?}");
        match token {
            Some(_) => is_ann(&answer),
            None => is_refused(&answer, CHALLENGE, "spoofed"),
        }
    }
}

#[tokio::test]
async fn ids_and_addresses_fit_a_header_whatever_is_in_them() {
    for (email, expected) in [
        ("ann+x_y-z'o@example.com", "ann+x_y-z'o@example.com"),
        ("\u{e9}va@ex\u{e4}mple.de", "%C3%A9va@ex%C3%A4mple.de"),
        ("a\r\nx-auth-user-id: bob@x", "a%0D%0Ax-auth-user-id:%20bob@x"),
        ("\"a, b;c\\\"@x", "%22a%2C%20b%3Bc%5C%22@x"),
        ("100%41@x", "100%2541@x"),
        (" a\u{0}\u{7f}\t@x ", "%20a%00%7F%09@x%20"),
        ("", ""),
    ] {
        let (stage, ann) = with_ann(gateway()).await;
        let set = Row::new().with("email", email);
        stage.write(Batch::new().update("user", Filter::eq("id", &*ann.id), set)).await;
        let answer = stage.get(VERIFY).by(&ann).await;
        assert_eq!((answer.status, answer.header("x-auth-email")), (200, Some(expected)), "{email:?}");
        assert_eq!(answer.header("x-auth-user-id"), Some("ann-id"));
        let decoded = hallpass_verify::component::decode_or_raw(answer.header("x-auth-email").unwrap()).into_owned();
        assert_eq!(decoded, email, "and can be read back");
    }
}

#[tokio::test]
async fn a_refresh_that_is_due_happens_and_sets_no_cookie() {
    let (stage, ann) = with_ann(gateway()).await;
    stage.clock.advance(2 * DAY);
    let answer = stage.get(VERIFY).by(&ann).await;
    assert_eq!((answer.status, answer.set_auth_token()), (200, Some(&*ann.signed())));
    assert!(answer.cookies().is_empty(), "{answer:?}");
    let ends = stage.column("session", "expiresAt").await;
    assert_eq!(ends, [(stage.now() + 7 * DAY).into()]);
    assert_eq!(stage.get(VERIFY).by(&ann).await.set_auth_token(), None, "once");
}

#[tokio::test]
async fn a_refresh_that_is_left_to_a_post_does_not_happen_here() {
    let session = SessionOptions { defer_session_refresh: true, ..SessionOptions::default() };
    let (stage, ann) = with_ann(gateway_and(|builder| builder.session(session))).await;
    let before = stage.column("session", "expiresAt").await;
    stage.clock.advance(2 * DAY);
    for method in [Method::GET, Method::POST] {
        is_ann(&stage.call(method, VERIFY).by(&ann).await);
    }
    assert_eq!(stage.column("session", "expiresAt").await, before);
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once() {
    let (stage, ann) = with_ann(gateway()).await;
    is_ann(&stage.get(VERIFY).by(&ann).await);
    assert_eq!(stage.post("/sign-out").by(&ann).await.status, 200);
    is_refused(&stage.get(VERIFY).by(&ann).await, INVALID, "signed out");
}

#[tokio::test]
async fn a_store_that_is_away_is_503_and_never_401() {
    for fault in [Fault::Away, Fault::ReadsAway] {
        let (stage, ann) = with_ann(gateway()).await;
        stage.faults.set(fault);
        for token in [&*ann.token, "unknown"] {
            let answer = stage.get(VERIFY).bearer(token).await;
            assert_eq!(answer.code(), (503, "FAILED_TO_GET_SESSION".into()));
            assert_eq!((answer.header("retry-after"), answer.header("cache-control")), (Some("1"), Some("no-store")));
            assert_eq!((answer.header("www-authenticate"), answer.cookies().len()), (None, 0));
            assert_eq!(IDENTITY.map(|name| answer.header(name)), [None; 3]);
            assert!(!bytes(&answer).contains(Faults::DETAIL));
        }
        is_refused(&stage.get(VERIFY).await, CHALLENGE, "nobody needs no store");
        stage.faults.set(None);
        is_ann(&stage.get(VERIFY).by(&ann).await);
    }
    let (stage, ann) = with_ann(gateway()).await;
    stage.faults.set(Fault::Corrupt);
    assert_eq!(stage.get(VERIFY).by(&ann).await.status, 500);
    stage.faults.set(Fault::WritesAway);
    stage.clock.advance(2 * DAY);
    assert_eq!(stage.get(VERIFY).by(&ann).await.status, 503, "a refresh that fails");
}

/// How many of 300 calls from one address are let through, on changing paths below.
async fn through(stage: &Stage, ann: &Caller) -> usize {
    let mut count = 0;
    for number in 0..300 {
        let path = format!("{VERIFY}/orders/{number}/../x");
        count += usize::from(stage.get(&path).by(ann).header("x-forwarded-for", "9.9.9.9").await.status == 200);
    }
    count
}

#[tokio::test]
async fn the_limiter_does_not_count_it_unless_the_operator_says_so() {
    for storage in [RateLimitStorage::Memory, RateLimitStorage::Database] {
        let limited = |rules: &[(&str, CustomRule)]| {
            let custom_rules = rules.iter().map(|(path, rule)| ((*path).to_owned(), rule.clone())).collect();
            let options = RateLimitOptions {
                enabled: Some(true),
                storage: Some(storage),
                custom_rules,
                ..RateLimitOptions::default()
            };
            gateway_and(|builder| builder.environment(Environment::Production).rate_limit(options))
        };
        let rule = || CustomRule::Limit { window: Span::from_secs(60), max: 5 };
        for (rules, expected) in [
            (vec![], 300),
            (vec![(VERIFY, CustomRule::Switch(true))], 300),
            (vec![(VERIFY, rule())], 5),
            (vec![("/bearer/*", rule())], 5),
            (vec![("/**", rule())], 5),
            (vec![(VERIFY, CustomRule::Switch(false)), ("/**", rule())], 300),
        ] {
            let (stage, ann) = with_ann(limited(&rules)).await;
            assert_eq!(through(&stage, &ann).await, expected, "{rules:?}");
            if expected == 300 && storage == RateLimitStorage::Database {
                assert!(stage.rows("rateLimit").await.is_empty(), "nothing is counted: {rules:?}");
            }
        }
        // Others are counted as before, and unknown tokens are as free as good ones: they are told apart only afterwards.
        let (stage, _) = with_ann(limited(&[])).await;
        for count in 0..150 {
            let answer = stage.get("/get-session").header("x-forwarded-for", "9.9.9.9").await;
            assert_eq!(answer.status == 429, count >= 100, "{count}");
        }
    }
}

#[tokio::test]
async fn hooks_see_it_and_add_nothing_to_a_finished_answer() {
    let (stage, ann) = with_ann(gateway_and(|builder| {
        let noisy = HeaderName::from_static("x-noise");
        let noise = noisy.clone();
        builder
            .before(hook(move |cx| {
                cx.outgoing_mut().set_header(noise.clone(), HeaderValue::from_static("before"));
                cx.request_mut().cookies_mut().set("better-auth.session_token", "x".into());
                Box::pin(async { Ok(Flow::Continue) })
            }))
            .after(hook(move |cx| {
                cx.outgoing_mut().set_header(noisy.clone(), HeaderValue::from_static("after"));
                cx.set_returned(serde_json::json!("after"));
                Box::pin(async { Ok(()) })
            }))
    }))
    .await;
    let answer = stage.get(VERIFY).by(&ann).await;
    is_ann(&answer);
    assert_eq!(answer.header("x-noise"), None);
    is_refused(&stage.get(VERIFY).await, CHALLENGE, "with hooks");
    let (stage, ann) = with_ann(gateway_and(|builder| {
        builder.before(hook(|_| Box::pin(async { Err(hallpass::ErrorCode::NotFound.into()) })))
    }))
    .await;
    assert_eq!(stage.get("/bearer/verify/x").by(&ann).await.status, 404, "a hook may refuse");
}

#[tokio::test]
async fn the_openapi_document_leaves_it_out() {
    let stage = gateway_and(|builder| builder.plugin(OpenApi::new()));
    let document = stage.auth.open_api();
    let described = document["paths"].as_object().unwrap();
    assert!(described.contains_key("/get-session"));
    assert!(described.keys().all(|path| !path.starts_with("/bearer")), "{:?}", described.keys());
}

#[tokio::test]
async fn a_session_that_ends_while_it_is_looked_at_is_refused() {
    let (stage, ann) = with_ann(gateway()).await;
    stage.clock.advance(8 * DAY - Duration::from_millis(1));
    is_refused(&stage.get(VERIFY).by(&ann).await, INVALID, "expired");
    assert!(stage.tokens().await.is_empty(), "and its row is gone, as after any check");
}
