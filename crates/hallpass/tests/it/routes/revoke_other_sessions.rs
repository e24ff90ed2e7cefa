//! `/revoke-other-sessions` (CONTRACT §11.5, COMPATIBILITY D16).

use crate::support::stage;

#[tokio::test]
async fn it_ends_the_callers_other_live_sessions_and_sets_no_cookies() {
    let stage = stage();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    stage.session(&ann.id, "second").await;
    stage.session(&ann.id, "third").await;
    let dead = stage.session_until(&ann.id, "dead", stage.now()).await;
    let answer = stage.post("/revoke-other-sessions").by(&ann).await;
    assert_eq!((answer.status, answer.text(), answer.cookies().len()), (200, r#"{"status":true}"#, 0));
    assert_eq!(stage.tokens().await, [ann.token, bob.token, dead], "an expired row is left alone");
}

#[tokio::test]
async fn without_others_it_does_nothing() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    assert_eq!(stage.post("/revoke-other-sessions").by(&ann).await.status, 200);
    assert_eq!(stage.tokens().await, [ann.token]);
}

#[tokio::test]
async fn it_ends_more_than_a_hundred() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for number in 0..600 {
        stage.session(&ann.id, &format!("other{number}")).await;
    }
    assert_eq!(stage.post("/revoke-other-sessions").by(&ann).await.status, 200);
    assert_eq!(stage.tokens().await, [ann.token]);
}

#[tokio::test]
async fn in_process_it_keeps_the_session_whose_headers_it_was_given() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.session(&ann.id, "other").await;
    let done = stage.auth.api().revoke_other_sessions(&ann.headers()).await.unwrap();
    assert_eq!((done.status, done.headers.len()), (true, 0));
    assert_eq!(stage.tokens().await, [ann.token]);
}
