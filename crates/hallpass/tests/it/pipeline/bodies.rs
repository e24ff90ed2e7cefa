//! Media types and the reading of bodies (CONTRACT §2.1).

use std::io;

use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::json;

use crate::support::{stage, stage_with};

const SIGN_IN: &str = r#"{"email":"nobody@example.com","password":"password123"}"#;

#[tokio::test]
async fn without_a_content_type_there_is_no_body() {
    let stage = stage();
    let call = stage.post("/sign-in/email").untyped_body(SIGN_IN);
    let expected = "[body] Invalid input: expected object, received undefined";
    assert_eq!(call.await.message(), (400, expected.into()));
    for path in ["/sign-out", "/get-session"] {
        assert_ne!(stage.post(path).untyped_body("{broken").await.status, 400, "{path} needs no body");
    }
}

#[tokio::test]
async fn a_content_length_of_0_is_no_body_whatever_the_type() {
    let call = stage().post("/sign-out").header("content-length", "0").header("content-type", "text/plain").await;
    assert_eq!(call.status, 200);
}

#[tokio::test]
async fn a_type_that_is_not_allowed_is_415_and_echoed() {
    let stage = stage();
    for (path, declared, allowed) in [
        ("/sign-in/email", "text/plain", "application/x-www-form-urlencoded, application/json"),
        ("/sign-up/email", "multipart/form-data", "application/x-www-form-urlencoded, application/json"),
        ("/sign-out", "Text/Plain; charset=UTF-8", "application/json"),
        ("/revoke-other-sessions", "text/plain", "application/json"),
        ("/update-user", "application/x-www-form-urlencoded", "application/json"),
        ("/update-user", "application/vnd.x+json", "application/json"),
        ("/update-user", "application/json,", "application/json"),
        ("/update-user", ";", "application/json"),
    ] {
        let answer = stage.post(path).body(declared, "{}").await;
        let message = format!("Content-Type \"{declared}\" is not allowed. Allowed types: {allowed}");
        assert_eq!(
            (answer.status, answer.json()),
            (415, json!({"message": message, "code": "UNSUPPORTED_MEDIA_TYPE"}))
        );
    }
}

#[tokio::test]
async fn a_type_is_compared_without_case_parameters_and_blanks() {
    let stage = stage();
    for declared in
        ["APPLICATION/JSON", "application/json; charset=latin1", " application/json ;x", "application/json;"]
    {
        assert_eq!(stage.post("/sign-in/email").body(declared, SIGN_IN).await.status, 401, "{declared}");
    }
}

#[tokio::test]
async fn broken_json_is_400_wherever_a_body_is_read() {
    let stage = stage();
    for broken in
        ["{", " ", "\n", "{'a':1}", "{\"a\":1,}", "undefined", "{\"a\":1e999}", "\"\\x\"", "1 2", "\u{feff}", "NaN"]
    {
        for path in ["/sign-in/email", "/sign-out", "/update-user", "/revoke-sessions"] {
            let answer = stage.post(path).body("application/json", broken).await;
            let expected = json!({"message": "Invalid JSON in request body", "code": "BAD_REQUEST"});
            assert_eq!((answer.status, answer.json()), (400, expected), "{path} {broken:?}");
        }
    }
}

#[tokio::test]
async fn json_is_read_as_generously_as_javascript_does() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for (body, name) in [
        (&b"\xef\xbb\xbf{\"name\":\"bom\"}"[..], "bom"),
        (b"{\"name\":\"first\",\"name\":\"last\"}", "last"),
        (b"{\"name\":\"a\xffb\"}", "a\u{fffd}b"),
        (b"{\"name\":\"\\u0000\"}", "\0"),
        (b" {\"name\" : \"blank\"}\r\n", "blank"),
    ] {
        let call = stage.post("/update-user").by(&ann).body("application/json", body.to_vec());
        assert_eq!(call.await.status, 200, "{body:?}");
        assert_eq!(stage.column("user", "name").await, [name.into()]);
    }
}

#[tokio::test]
async fn a_form_signs_in_and_its_values_are_text() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let form = |body: &'static str| stage.post("/sign-in/email").body("application/x-www-form-urlencoded", body);
    let answer = form("email=x&email=ann%40example.com&password=password123").await;
    assert_eq!((answer.status, &answer.json()["user"]["email"]), (200, &json!(ann.email)), "the last of a name wins");
    let refused = form("email=ann%40example.com&password=password123&rememberMe=false").await;
    let expected = "[body.rememberMe] Invalid input: expected boolean, received string";
    assert_eq!(refused.message(), (400, expected.into()));
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_one_that_just_fits_is_read() {
    let stage = stage_with(|builder| builder.body_limit(64));
    for (length, status) in [(63, 401), (64, 401), (65, 413), (100_000, 413)] {
        let padding = " ".repeat(length - SIGN_IN.len());
        let answer = stage.post("/sign-in/email").body("application/json", format!("{SIGN_IN}{padding}")).await;
        assert_eq!(answer.status, status, "{length}");
        if status == 413 {
            let expected = json!({"message": "Request body is too large", "code": "PAYLOAD_TOO_LARGE"});
            assert_eq!(answer.json(), expected);
        }
    }
}

#[tokio::test]
async fn the_limit_is_a_mebibyte_when_not_said() {
    let stage = stage();
    for (length, status) in [(1024 * 1024, 400), (1024 * 1024 + 1, 413)] {
        assert_eq!(stage.post("/sign-out").body("application/json", "x".repeat(length)).await.status, status);
    }
}

#[tokio::test]
async fn a_forbidden_type_beats_the_limit() {
    let stage = stage_with(|builder| builder.body_limit(1));
    assert_eq!(stage.post("/sign-out").body("text/plain", "long").await.status, 415);
}

#[tokio::test]
async fn any_json_is_accepted_and_ignored_where_no_body_is_asked_for() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for body in ["null", "[]", "7", "\"text\"", "{\"token\":1}"] {
        let answer = stage.post("/revoke-other-sessions").by(&ann).body("application/json", body).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"status": true})), "{body}");
    }
}

#[tokio::test]
async fn the_body_of_a_get_is_ignored() {
    let answer = stage().get("/ok").body("text/plain", "whatever").await;
    assert_eq!(answer.status, 200);
}

/// What `/sign-in/email` answers to a body that comes in these pieces, its length unknown.
async fn in_pieces(pieces: Vec<io::Result<&'static str>>) -> (u16, String) {
    let stage = stage_with(|builder| builder.body_limit(64));
    let frames = pieces.into_iter().map(|piece| piece.map(|text| Frame::data(Bytes::from(text))));
    let request = Request::post("/api/auth/sign-in/email").header("content-type", "application/json");
    let answer = stage.auth.handle(request.body(StreamBody::new(stream::iter(frames))).unwrap()).await;
    let status = answer.status().as_u16();
    (status, String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn a_body_that_comes_in_pieces_is_read_whole() {
    let (head, tail) = SIGN_IN.split_at(20);
    assert_eq!(in_pieces(vec![Ok(head), Ok(""), Ok(tail)]).await.0, 401);
    assert_eq!(in_pieces(vec![Ok(head)]).await.0, 400);
    assert_eq!(in_pieces(vec![Ok(SIGN_IN), Ok("          ")]).await.0, 413, "the limit is on the whole");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_clients_fault_and_nothing_of_why_is_told() {
    let (status, body) = in_pieces(vec![Ok("{"), Err(io::Error::other("disk 7 in rack 12"))]).await;
    assert!((400..500).contains(&status) && !body.contains("rack"), "{status} {body}");
}
