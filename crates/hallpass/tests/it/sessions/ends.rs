//! How a session ends: by time, by revocation, by revocation at the very moment of a refresh (CONTRACT §7.2).

use hallpass::store::{Batch, Filter, MemoryStore};
use serde_json::json;

use super::MILLI;
use crate::{
    routes::{WITH_SESSION, with_fields_and},
    support::{Caller, DAY, Stage, cleared, revoking, stage},
};

#[tokio::test]
async fn a_session_lives_through_the_very_millisecond_it_expires_in() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(7 * DAY);
    assert_eq!(stage.get("/get-session?disableRefresh=1").by(&ann).await.json()["user"]["name"], "ann");
    stage.clock.advance(MILLI);
    assert!(stage.get("/get-session?disableRefresh=1").by(&ann).await.is_cleared_null());
    assert!(stage.tokens().await.is_empty(), "the expired row is deleted");
    assert!(stage.get("/get-session").by(&ann).await.is_cleared_null(), "and the answer stays the same");
}

#[tokio::test]
async fn an_expired_session_is_401_everywhere_and_clears() {
    for route in WITH_SESSION {
        let stage = stage();
        let ann = stage.caller("ann").await;
        stage.clock.advance(7 * DAY + MILLI);
        let answer = route.call(&stage).by(&ann).await;
        assert_eq!((answer.status, answer.traces()), (401, cleared().map(Into::into).to_vec()), "{}", route.path);
        assert!(stage.tokens().await.is_empty());
    }
}

#[tokio::test]
async fn only_the_expired_row_is_deleted() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(7 * DAY + MILLI);
    let other = stage.session(&ann.id, "other").await;
    stage.get("/get-session").by(&ann).await;
    assert_eq!(stage.tokens().await, [other]);
}

#[tokio::test]
async fn a_session_whose_user_is_gone_is_nobody() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.write(Batch::new().delete("user", Filter::eq("id", &*ann.id))).await;
    assert!(stage.get("/get-session").by(&ann).await.is_cleared_null());
}

/// Ann's session, due for a refresh, in such a store.
async fn being_revoked() -> (Stage, Caller) {
    let memory = MemoryStore::new();
    let mut stage = with_fields_and(|builder| builder.store(revoking(&memory)));
    stage.store = std::sync::Arc::new(memory);
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    (stage, ann)
}

#[tokio::test]
async fn a_session_revoked_while_it_is_extended_is_not_brought_back() {
    let (stage, ann) = being_revoked().await;
    let answer = stage.get("/get-session").by(&ann).await;
    assert_eq!((answer.code(), answer.set_auth_token()), ((401, "FAILED_TO_GET_SESSION".into()), None));
    assert_eq!(answer.traces(), cleared(), "and the client forgets it");
    assert!(stage.tokens().await.is_empty());
    assert!(stage.get("/get-session").by(&ann).await.is_cleared_null());
}

#[tokio::test]
async fn a_session_revoked_while_a_requirement_extends_it_is_401() {
    for route in WITH_SESSION {
        let (stage, ann) = being_revoked().await;
        let answer = route.call(&stage).by(&ann).await;
        assert_eq!((answer.code(), answer.set_auth_token()), ((401, "UNAUTHORIZED".into()), None), "{}", route.path);
        assert!(!answer.traces().contains(&"session_token".into()), "{answer:?}");
        assert!(stage.tokens().await.is_empty());
    }
}

#[tokio::test]
async fn a_session_revoked_while_its_fields_are_set_is_not_brought_back() {
    let (stage, ann) = being_revoked().await;
    stage.clock.rewind(MILLI);
    let answer = stage.post("/update-session").by(&ann).json(json!({"theme": "dark"})).await;
    assert_eq!(
        (answer.status, answer.set_auth_token(), answer.traces()),
        (401, None, cleared().map(Into::into).to_vec())
    );
    assert!(stage.tokens().await.is_empty());
}

#[tokio::test]
async fn a_token_is_worth_nothing_once_the_answer_to_its_end_is_out() {
    for (path, body) in [("/sign-out", json!({})), ("/revoke-sessions", json!({}))] {
        let stage = stage();
        let ann = stage.caller("ann").await;
        assert_eq!(stage.post(path).by(&ann).json(body).await.status, 200);
        for token in [ann.token.clone(), ann.signed()] {
            assert!(stage.get("/get-session").bearer(&token).await.is_cleared_null(), "{path}");
        }
    }
}
