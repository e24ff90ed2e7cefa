//! `Authorization` headers nobody should send.

use crate::support::stage;

#[tokio::test]
async fn contract_1_5_of_two_authorization_lines_the_first_counts() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let good = format!("Bearer {}", ann.token);
    let first = stage.get("/get-session").header("authorization", &good).header("authorization", "Bearer junk").await;
    assert_eq!(first.json()["user"]["name"], "ann");
    let second = stage.get("/get-session").header("authorization", "Bearer junk").header("authorization", &good).await;
    assert!(second.is_cleared_null());
    let basic = stage.get("/get-session").header("authorization", "Basic eDp5").header("authorization", &good).await;
    assert!(basic.is_untouched_null(), "a second line is dropped, not tried");
}

#[tokio::test]
async fn a_header_of_64_kib_is_an_unknown_token_or_a_forged_one() {
    let stage = stage();
    let long = "A".repeat(64 * 1024);
    assert!(stage.get("/get-session").bearer(&long).await.is_cleared_null());
    for forged in [
        format!("{long}.{long}"),
        format!("tok.{long}"),
        format!("{}tok.sig", " ".repeat(64 * 1024)),
        ".".repeat(64 * 1024),
    ] {
        assert!(stage.get("/get-session").bearer(&forged).await.is_untouched_null());
    }
}

#[tokio::test]
async fn bytes_that_are_no_utf_8_are_an_unknown_token_or_a_forged_one() {
    let stage = stage();
    for (bytes, clears) in [
        (&b"Bearer \xff\xfe"[..], true),
        (b"Bearer tok\xe9n", true),
        (b"Bearer \xc3\x28", true),
        (b"Bearer \xff.\xfe", false),
        (b"Bearer tok.\xe9", false),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff", false),
        (b"Bearer\xa0tok", false),
    ] {
        let answer = stage.get("/get-session").header("authorization", bytes).await;
        assert_eq!((answer.is_cleared_null(), answer.is_untouched_null()), (clears, !clears), "{bytes:?}");
    }
}

#[tokio::test]
async fn bytes_past_ascii_next_to_a_good_token_spoil_it() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let mut line = format!("Bearer {}", ann.token).into_bytes();
    line.push(0xff);
    assert!(stage.get("/get-session").header("authorization", line).await.is_cleared_null());
}

#[tokio::test]
async fn bearer_in_a_query_or_a_body_is_nobody() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let query = stage.get(&format!("/get-session?access_token={0}&token={0}", ann.token)).await;
    assert!(query.is_untouched_null());
    let body = stage.post("/revoke-session").json(serde_json::json!({ "token": ann.token })).await;
    assert_eq!(body.status, 401);
}
