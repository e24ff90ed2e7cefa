//! `/revoke-session` (CONTRACT §11.5).

use hallpass::store::SessionToken;
use serde_json::json;

use crate::support::{DAY, cleared, sign, stage, traces};

#[tokio::test]
async fn it_ends_another_session_of_the_callers() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let other = stage.session(&ann.id, "other").await;
    let answer = stage.post("/revoke-session").by(&ann).json(json!({"token": other})).await;
    assert_eq!((answer.status, answer.text(), answer.cookies().len()), (200, r#"{"status":true}"#, 0));
    assert_eq!(stage.tokens().await, [ann.token]);
}

#[tokio::test]
async fn unknown_foreign_and_signed_tokens_are_the_same_answer_and_end_nothing() {
    let stage = stage();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    for token in ["unknown", "", "\0", &bob.token, &bob.signed(), &ann.signed(), &sign("x"), "%"] {
        let answer = stage.post("/revoke-session").by(&ann).json(json!({"token": token})).await;
        assert_eq!((answer.status, answer.text(), answer.cookies().len()), (200, r#"{"status":true}"#, 0), "{token:?}");
    }
    assert_eq!(stage.tokens().await, [ann.token, bob.token]);
}

#[tokio::test]
async fn ending_ones_own_clears_the_cookies() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = stage.post("/revoke-session").by(&ann).json(json!({"token": ann.token})).await;
    assert_eq!((answer.status, answer.traces()), (200, cleared().map(Into::into).to_vec()));
    assert!(stage.tokens().await.is_empty());
}

#[tokio::test]
async fn an_expired_session_of_ones_own_can_be_ended() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let dead = stage.session_until(&ann.id, "dead", stage.now() - DAY).await;
    assert_eq!(stage.post("/revoke-session").by(&ann).json(json!({"token": dead})).await.status, 200);
    assert_eq!(stage.tokens().await, [ann.token]);
}

#[tokio::test]
async fn in_process_it_takes_a_token() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let own = SessionToken::new(&*ann.token);
    let done = stage.auth.api().revoke_session(own.clone(), &ann.headers()).await.unwrap();
    assert_eq!((done.status, traces(&done.headers).len()), (true, 3));
    let refusal = stage.auth.api().revoke_session(own, &ann.headers()).await.unwrap_err();
    assert_eq!((refusal.code(), traces(&refusal.headers()).len()), (Some("UNAUTHORIZED"), 3));
}
