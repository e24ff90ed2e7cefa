//! `/list-sessions` (CONTRACT §11.5).

use crate::support::{DAY, stage};

#[tokio::test]
async fn it_lists_the_callers_live_sessions_oldest_first() {
    let stage = stage();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    let second = stage.session(&ann.id, "second").await;
    stage.session_until(&ann.id, "dead", stage.now()).await;
    let third = stage.session(&ann.id, "third").await;
    let answer = stage.get("/list-sessions").by(&ann).await;
    let tokens: Vec<String> =
        answer.json().as_array().unwrap().iter().map(|it| it["token"].as_str().unwrap().into()).collect();
    assert_eq!((answer.status, tokens), (200, vec![ann.token.clone(), second, third]));
    assert_eq!(stage.get("/list-sessions").by(&bob).await.json().as_array().unwrap().len(), 1);
    assert_eq!(stage.tokens().await.len(), 5, "the expired row is left alone");
}

#[tokio::test]
async fn each_is_shown_as_get_session_shows_it() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let listed = stage.get("/list-sessions").by(&ann).await.json()[0].take();
    assert_eq!(listed, stage.get("/get-session").by(&ann).await.json()["session"]);
}

#[tokio::test]
async fn it_needs_a_fresh_session() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    assert_eq!(stage.get("/list-sessions").by(&ann).await.code(), (403, "SESSION_NOT_FRESH".into()));
    let refusal = stage.auth.api().list_sessions(&ann.headers()).await.unwrap_err();
    assert_eq!((refusal.status().as_u16(), refusal.code()), (403, Some("SESSION_NOT_FRESH")));
}

#[tokio::test]
async fn in_process_it_answers_with_sessions() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let sessions = stage.auth.api().list_sessions(&ann.headers()).await.unwrap();
    assert_eq!((sessions.len(), sessions[0].token.expose()), (1, &*ann.token));
}
