//! Refreshing left to a POST (CONTRACT §7.2 step 6).

use std::time::Duration;

use hallpass::options::SessionOptions;
use serde_json::Value;

use super::with;
use crate::support::{Asked, DAY, Stage, at, cleared, stage};

fn deferred() -> Stage {
    with(SessionOptions { defer_session_refresh: true, ..SessionOptions::default() })
}

#[tokio::test]
async fn a_get_writes_nothing_and_says_whether_a_refresh_is_due() {
    let stage = deferred();
    let ann = stage.caller("ann").await;
    for (after, due) in [(Duration::ZERO, false), (DAY, true)] {
        stage.clock.advance(after);
        let answer = stage.get("/get-session").by(&ann).await;
        assert_eq!((&answer.json()["needsRefresh"], answer.traces().len()), (&Value::Bool(due), 0));
    }
    assert_eq!(stage.calls.take(), [Asked::Session, Asked::Session]);
}

#[tokio::test]
async fn a_post_extends_when_that_is_due_and_never_says_needs_refresh() {
    let stage = deferred();
    let ann = stage.caller("ann").await;
    let early = stage.post("/get-session").by(&ann).await;
    assert_eq!((early.set_auth_token(), early.json().get("needsRefresh")), (None, None));
    stage.clock.advance(DAY);
    let due = stage.post("/get-session").by(&ann).await;
    assert_eq!((due.set_auth_token(), due.json().get("needsRefresh")), (Some(&*ann.signed()), None));
    assert_eq!(due.json()["session"]["expiresAt"], at(8 * DAY));
}

#[tokio::test]
async fn a_post_without_a_session_is_null() {
    let stage = deferred();
    assert!(stage.post("/get-session").await.is_untouched_null());
    assert!(stage.post("/get-session").bearer("unknown").await.is_cleared_null());
}

#[tokio::test]
async fn an_expired_row_is_deleted_by_a_post_alone() {
    let stage = deferred();
    let ann = stage.caller("ann").await;
    stage.clock.advance(8 * DAY);
    assert!(stage.get("/get-session").by(&ann).await.is_cleared_null());
    assert_eq!(stage.tokens().await.len(), 1, "a GET leaves the row");
    assert!(stage.post("/get-session").by(&ann).await.is_cleared_null());
    assert!(stage.tokens().await.is_empty());
}

#[tokio::test]
async fn needs_refresh_is_absent_where_nothing_would_be_refreshed_anyway() {
    let stage = deferred();
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    let asked = stage.get("/get-session?disableRefresh=1").by(&ann).await;
    assert_eq!(asked.json().get("needsRefresh"), None);
    let options = SessionOptions { disable_session_refresh: true, defer_session_refresh: true, ..Default::default() };
    let never = with(options);
    let ann = never.caller("ann").await;
    never.clock.advance(DAY);
    assert_eq!(never.get("/get-session").by(&ann).await.json()["needsRefresh"], false);
}

#[tokio::test]
async fn session_requirements_do_not_extend_either() {
    let stage = deferred();
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    assert_eq!(stage.get("/list-accounts").by(&ann).await.traces(), [""; 0]);
    assert_eq!(stage.post("/revoke-other-sessions").by(&ann).await.traces(), [""; 0]);
}

#[tokio::test]
async fn with_the_option_off_a_post_is_405_whoever_sends_it() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for answer in [stage.post("/get-session").await, stage.post("/get-session").by(&ann).await] {
        assert_eq!(answer.code(), (405, "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED".into()));
        assert_eq!(answer.message().1, "POST method requires deferSessionRefresh to be enabled in session config");
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
        assert_ne!(answer.traces(), cleared());
    }
}
