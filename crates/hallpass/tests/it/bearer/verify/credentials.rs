//! One `Authorization` header is looked at, and nothing else.

use hallpass::{
    Bearer,
    options::{CookieCacheOptions, SessionOptions},
};
use http::Method;

use super::{CHALLENGE, INVALID, VERIFY, bytes, gateway, gateway_and, is_ann, is_refused, with_ann};
use crate::{
    bearer::url_safe,
    support::{DAY, ORIGIN, cookie, forged, sign, stage_with},
};

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
