//! The table of CONTRACT §8.1, a test for each row.

use std::time::Duration;

use super::{Ann, Bob, Cleared, Nobody, check};
use crate::support::{DAY, at, cleared, sign, stage};

/// Shapes that are no bearer credential at all.
const NOT_BEARER: [&str; 7] =
    ["Bearer\t{raw}", "Bearer{raw}", "{raw}", "{signed}", "Basic dXNlcjpwYXNz", "Bearer", "Bearer "];

/// Signed tokens whose signature is wrong or no signature.
const FORGED: [&str; 9] = [
    "Bearer {forged}",
    "Bearer {raw}.",
    "Bearer .{raw}",
    "Bearer .sig",
    "Bearer .",
    "Bearer tok.%zz",
    "Bearer {raw}.AAAA",
    "Bearer x{signed}",
    "Bearer {raw}.!!!!",
];

/// Raw tokens, as far as the hook is concerned, that nobody has.
const UNKNOWN: [&str; 10] = [
    "Bearer unknown",
    "Bearer {raw},",
    "Bearer {raw}=",
    "Bearer {raw};x",
    "Bearer a b",
    "Bearer {raw} {raw}",
    "Bearer {raw}, Bearer {raw}",
    "Bearer %zz{raw}",
    "Bearer {raw}%2Esig",
    "Bearer %54{raw}",
];

/// Signatures that the lenient reader of step 4 takes and the strict one of §4.2 does not.
const ONLY_LENIENT: [&str; 4] = ["Bearer {signed}.extra", "Bearer {signed}.", "Bearer {unpadded}", "Bearer {urlsafe}"];

#[tokio::test]
async fn contract_8_1_a_raw_token_is_the_session() {
    check(["Bearer {raw}"], "", Ann).await;
}

#[tokio::test]
async fn contract_8_1_the_scheme_is_known_in_any_case() {
    check(["bearer {raw}", "BEARER {raw}", "bEaReR {raw}", "BeArEr {signed}"], "", Ann).await;
}

#[tokio::test]
async fn contract_8_1_spaces_after_the_first_and_trailing_blanks_do_not_matter() {
    check(["Bearer  {raw}", "Bearer \t {raw}", "Bearer {raw} ", "Bearer {raw}\t ", "Bearer   {signed}  "], "", Ann)
        .await;
}

#[tokio::test]
async fn contract_8_1_a_signed_token_is_the_session() {
    check(["Bearer {signed}"], "", Ann).await;
}

#[tokio::test]
async fn contract_8_1_a_percent_encoded_signed_token_is_the_session() {
    check(["Bearer {encoded}"], "", Ann).await;
}

#[tokio::test]
async fn contract_8_1_what_is_no_bearer_credential_is_nobody() {
    check(NOT_BEARER, "", Nobody).await;
}

#[tokio::test]
async fn contract_8_1_what_is_no_bearer_credential_leaves_a_cookie_valid() {
    check(NOT_BEARER, "{bob}", Bob).await;
}

#[tokio::test]
async fn contract_8_1_a_wrong_signature_is_nobody_and_clears_nothing() {
    check(FORGED, "", Nobody).await;
}

#[tokio::test]
async fn contract_8_1_a_wrong_signature_leaves_a_cookie_valid() {
    check(FORGED, "{bob}", Bob).await;
}

#[tokio::test]
async fn contract_8_1_an_unknown_raw_token_clears() {
    check(UNKNOWN, "", Cleared).await;
}

#[tokio::test]
async fn contract_8_1_an_unknown_raw_token_overrides_a_valid_cookie() {
    check(UNKNOWN, "{bob}", Cleared).await;
}

#[tokio::test]
async fn contract_8_1_a_valid_token_overrides_another_users_cookie() {
    check(["Bearer {raw}", "Bearer {signed}", "Bearer {encoded}"], "{bob}", Ann).await;
}

#[tokio::test]
async fn contract_8_1_a_valid_token_overrides_garbage_cookies() {
    for garbage in [
        "better-auth.session_token=garbage",
        "better-auth.session_token=%zz; other=1",
        "better-auth.session_token=a; better-auth.session_token=b",
        "{bob}; {bob}",
        "{unknown}; {bob}",
        "better-auth.session_token=\"\\\"",
    ] {
        check(["Bearer {raw}", "Bearer {signed}"], garbage, Ann).await;
    }
}

#[tokio::test]
async fn contract_8_1_a_signature_only_the_lenient_reader_takes_is_nobody() {
    check(ONLY_LENIENT, "", Nobody).await;
}

#[tokio::test]
async fn contract_8_1_a_signature_only_the_lenient_reader_takes_kills_a_valid_cookie() {
    for cookies in ["{ann}", "{bob}"] {
        check(ONLY_LENIENT, cookies, Nobody).await;
    }
}

#[tokio::test]
async fn contract_8_1_a_signed_token_of_a_deleted_session_clears_and_is_401_elsewhere() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.forget(&ann.token).await;
    for token in [ann.signed(), ann.token.clone()] {
        assert!(stage.get("/get-session").bearer(&token).await.is_cleared_null());
        let elsewhere = stage.get("/list-accounts").bearer(&token).await;
        assert_eq!(
            (elsewhere.code(), elsewhere.traces()),
            ((401, "UNAUTHORIZED".into()), cleared().map(Into::into).to_vec())
        );
    }
}

#[tokio::test]
async fn contract_8_1_a_signed_token_of_an_expired_session_clears_and_is_401_elsewhere() {
    for path in ["/get-session", "/list-accounts"] {
        let stage = stage();
        let ann = stage.caller("ann").await;
        stage.clock.advance(8 * DAY);
        let answer = stage.get(path).bearer(&ann.signed()).await;
        assert_eq!(answer.status, if path == "/get-session" { 200 } else { 401 });
        assert_eq!(answer.traces(), cleared());
        assert!(stage.tokens().await.is_empty(), "an expired row is deleted");
    }
}

#[tokio::test]
async fn contract_8_1_the_rewrite_is_invisible_to_the_origin_check() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let call = || stage.post("/revoke-other-sessions").by(&ann).header("origin", "https://evil.example");
    assert_eq!(call().await.status, 200, "a bearer client needs no trusted origin");
    let answer = call().header("cookie", "theme=dark").await;
    assert_eq!(answer.code(), (403, "INVALID_ORIGIN".into()), "any cookie of the request's own calls for one");
}

#[tokio::test]
async fn contract_8_1_dont_remember_stays_in_force_next_to_a_bearer_token() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(2 * DAY);
    let forgetful = format!("better-auth.dont_remember={}", sign("true"));
    let answer = stage.get("/get-session").by(&ann).cookie(forgetful).await;
    assert_eq!(answer.set_auth_token(), None, "a session that is not to be remembered is not extended");
    assert_eq!(answer.json()["session"]["updatedAt"], at(Duration::ZERO));
    assert!(stage.get("/get-session").by(&ann).await.set_auth_token().is_some(), "without the cookie it is");
}

#[tokio::test]
async fn contract_8_1_session_data_stays_in_force_next_to_a_bearer_token() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = stage.get("/get-session").by(&ann).cookie("better-auth.session_data=copy").await;
    assert_eq!((answer.json()["user"]["name"].as_str(), answer.traces()), (Some("ann"), vec!["-session_data".into()]));
}
