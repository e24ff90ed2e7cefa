//! `/bearer/verify`, where gateways ask whose a token is (RFC 6750 §3). Not in the npm package.

mod credentials;
mod paths;
mod surroundings;

use hallpass::{
    Bearer, Builder,
    store::{Batch, Filter, Row},
};
use http::Method;

use crate::support::{Answer, Asked, Caller, Stage, stage, stage_with};

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
