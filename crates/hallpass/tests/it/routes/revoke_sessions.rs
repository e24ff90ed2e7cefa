//! `/revoke-sessions` (CONTRACT §11.5).

use serde_json::json;

use crate::support::{cleared, stage, traces};

#[tokio::test]
async fn it_ends_every_session_of_the_caller_this_one_too() {
    let stage = stage();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    stage.session(&ann.id, "other").await;
    stage.session_until(&ann.id, "dead", stage.now()).await;
    let answer = stage.post("/revoke-sessions").by(&ann).await;
    assert_eq!((answer.status, answer.text()), (200, r#"{"status":true}"#));
    assert_eq!(answer.traces(), cleared());
    assert_eq!(stage.tokens().await, [bob.token]);
}

#[tokio::test]
async fn any_json_is_accepted_and_ignored() {
    for body in [json!(null), json!([1]), json!({"token": 7}), json!("text")] {
        let stage = stage();
        let ann = stage.caller("ann").await;
        assert_eq!(stage.post("/revoke-sessions").by(&ann).json(body).await.status, 200);
        assert!(stage.tokens().await.is_empty());
    }
}

#[tokio::test]
async fn in_process_it_hands_back_the_cookies_that_clear() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let done = stage.auth.api().revoke_sessions(&ann.headers()).await.unwrap();
    assert_eq!((done.status, traces(&done.headers)), (true, cleared().map(Into::into).to_vec()));
}
