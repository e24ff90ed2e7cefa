//! Whatever strangers send, there is an answer, it is not a failure of the server's, and the server goes on.

use std::sync::LazyLock;

use http::Method;
use proptest::prelude::*;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::{
    routes::{WITH_SESSION, WITHOUT_SESSION},
    support::{Answer, Call, Caller, Stage, cookie, stage},
};

/// One stage for all generated requests: what one of them breaks, the next ones find.
static SERVER: LazyLock<(Runtime, Stage, Caller)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let stage = stage();
    let ann = runtime.block_on(stage.caller("ann"));
    (runtime, stage, ann)
});

const PATHS: [(Method, &str); 12] = [
    (Method::GET, "/ok"),
    (Method::GET, "/error"),
    (Method::GET, "/get-session"),
    (Method::GET, "/list-sessions"),
    (Method::GET, "/list-accounts"),
    (Method::POST, "/sign-up/email"),
    (Method::POST, "/sign-in/email"),
    (Method::POST, "/sign-out"),
    (Method::POST, "/revoke-session"),
    (Method::POST, "/update-user"),
    (Method::POST, "/change-password"),
    (Method::POST, "/verify-password"),
];

/// Sends a request and then asks for Ann's session, which must be there still.
fn survives(dress: impl FnOnce(&'static Stage, &'static Caller) -> Call<'static>) -> Result<Answer, TestCaseError> {
    let (runtime, stage, ann) = &*SERVER;
    runtime.block_on(async {
        let answer = dress(stage, ann).await;
        prop_assert!(answer.status < 500, "{answer:?}");
        prop_assert!(answer.body.is_empty() || answer.headers.contains_key("content-type"), "{answer:?}");
        let after = stage.get("/get-session").by(ann).await;
        prop_assert_eq!(&after.json()["user"]["id"], &json!(ann.id));
        Ok(answer)
    })
}

/// Bytes that a header line can hold.
fn header_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(b'\t'), 0x20_u8..=0x7e, 0x80_u8..=0xff];
    prop::collection::vec(byte, 0..120)
}

/// JSON of any shape, with the names that endpoints look for.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|flag| json!(flag)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(|text| json!(text)),
        Just(json!("a@b.co")),
        Just(json!("\0")),
        Just(json!("//evil.example")),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let name = prop_oneof![
            Just("email".to_owned()),
            Just("token".into()),
            Just("image".into()),
            Just("rememberMe".into()),
            Just("callbackURL".into()),
            Just("newPassword".into()),
            Just("__proto__".into()),
            ".{0,6}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::hash_map(name, inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_authorization_header_is_answered(mut line in header_bytes(), scheme: bool, route in 0..PATHS.len()) {
        if scheme {
            line.splice(0..0, *b"Bearer ");
        }
        let (method, path) = PATHS[route].clone();
        survives(|stage, _| stage.call(method, path).header("authorization", line))?;
    }

    #[test]
    fn any_cookie_header_is_answered_beside_a_token_too(line in header_bytes(), token: bool, route in 0..5_usize) {
        let (method, path) = PATHS[route].clone();
        survives(|stage, ann| {
            let call = stage.call(method, path).cookie(line);
            if token { call.by(ann) } else { call }
        })?;
    }

    #[test]
    fn any_value_of_a_known_cookie_is_answered(value in header_bytes(), name in 0..3_usize, bearer: bool) {
        let name = ["session_token", "session_data", "dont_remember"][name];
        let mut line = format!("better-auth.{name}=").into_bytes();
        line.extend(value);
        survives(|stage, ann| {
            let call = stage.get("/get-session").cookie(line);
            if bearer { call.by(ann) } else { call }
        })?;
    }

    #[test]
    fn any_bytes_as_a_body_are_answered(
        body in prop::collection::vec(any::<u8>(), 0..200),
        kind in 0..3_usize,
        route in 5..PATHS.len(),
    ) {
        let kind = ["application/json", "application/x-www-form-urlencoded", "text/plain"][kind];
        let (method, path) = PATHS[route].clone();
        survives(|stage, _| stage.call(method, path).body(kind, body))?;
    }

    #[test]
    fn any_json_as_a_body_is_answered(body in any_json(), route in 5..PATHS.len()) {
        let (method, path) = PATHS[route].clone();
        survives(|stage, _| stage.call(method, path).json(body))?;
    }

    #[test]
    fn any_content_type_origin_and_client_are_answered(
        line in header_bytes(),
        other in header_bytes(),
        route in 5..PATHS.len(),
    ) {
        let (method, path) = PATHS[route].clone();
        survives(|stage, _| {
            let call = stage.call(method, path).header("content-type", &line).untyped_body("{}");
            let call = call.header("origin", &other).header("referer", &line).header("cookie", "a=1");
            call.header("x-forwarded-for", &other).header("user-agent", &line).header("sec-fetch-site", &other)
        })?;
    }

    #[test]
    fn any_path_and_query_is_answered(path in "[ -~&&[^#\\\\\"<>^`{|} ]]{0,40}", query in "[!-~&&[^#\"<>]]{0,40}") {
        survives(|stage, _| stage.raw(Method::GET, &format!("/api/auth/{path}?{query}")))?;
        for (method, known) in [(Method::GET, "/error"), (Method::GET, "/get-session"), (Method::POST, "/sign-out")] {
            survives(|stage, _| stage.call(method, &format!("{known}?{query}")))?;
        }
    }
}

#[tokio::test]
async fn ten_thousand_cookies_are_read() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let many = (0..10_000).map(|number| format!("c{number}={number}")).collect::<Vec<_>>().join("; ");
    let cookies = format!("{many}; {}", ann.cookie());
    assert_eq!(stage.get("/get-session").cookie(&cookies).await.json()["user"]["name"], "ann");
    let overridden = stage.get("/get-session").by(&ann).cookie(format!("{many}; {}", cookie("x"))).await;
    assert_eq!(overridden.json()["user"]["name"], "ann");
    let mut lines = stage.get("/get-session").by(&ann);
    for number in 0..1000 {
        lines = lines.header("cookie", format!("better-auth.session_data.{number}=x"));
    }
    assert_eq!(lines.await.status, 200);
}

#[tokio::test]
async fn json_nested_deeper_than_any_stack_is_broken_json() {
    let stage = stage();
    for depth in [128, 10_000, 200_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let body = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for route in WITH_SESSION.iter().chain(&WITHOUT_SESSION).filter(|route| route.body.is_some()) {
                let answer = stage.call(route.method.clone(), route.path).body("application/json", body.clone()).await;
                let expected = if body.len() > 1024 * 1024 { 413 } else { 400 };
                assert_eq!(answer.status, expected, "{} {depth}", route.path);
            }
        }
    }
}

#[tokio::test]
async fn nul_bytes_are_text_like_any_other() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for (path, body, status) in [
        ("/sign-in/email", json!({"email": "a\0@b.co", "password": "x"}), 400),
        ("/sign-in/email", json!({"email": "ann@example.com", "password": "pass\0word123"}), 401),
        // HMAC pads short keys with zeros, so zeros at the end of a password change no scrypt hash, here or elsewhere.
        ("/sign-in/email", json!({"email": "ann@example.com", "password": "password123\0"}), 200),
        ("/sign-up/email", json!({"name": "\0", "email": "a\0@b.co", "password": "\0\0\0\0\0\0\0\0"}), 400),
        ("/revoke-session", json!({"token": "\0"}), 200),
        ("/update-user", json!({"name": "a\0b", "image": "\0"}), 200),
    ] {
        assert_eq!(stage.post(path).by(&ann).json(body.clone()).await.status, status, "{path} {body}");
    }
    assert_eq!(stage.column("user", "name").await, ["a\0b".into()]);
}

#[tokio::test]
async fn a_callback_url_that_fits_no_header_splits_no_answer() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for url in ["/x\r\nset-cookie: a=b", "/x\n", "/€", "/\0", "/x\u{7f}"] {
        let body = json!({"email": ann.email, "password": crate::support::PASSWORD, "callbackURL": url});
        let answer = stage.post("/sign-in/email").json(body).await;
        assert!(answer.cookies().iter().all(|cookie| cookie.starts_with("better-auth.")), "{url:?}: {answer:?}");
        assert!(
            answer.status != 200 || answer.header("location").is_none_or(|it| !it.contains(['\r', '\n'])),
            "{url:?}"
        );
    }
}

#[tokio::test]
async fn repeated_query_keys_are_a_list_that_is_no_text() {
    let stage = stage();
    assert_eq!(stage.get("/error?error=a&error=b").await.status, 200);
    assert_eq!(stage.get("/get-session?disableRefresh=&disableRefresh=").await.status, 200);
    assert_eq!(stage.get("/get-session?%ff=%ff&%00=%00&=&&===").await.status, 200);
}
