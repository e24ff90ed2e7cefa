//! When a session is extended, and when it is not (CONTRACT §7.2).

use std::time::Duration;

use hallpass::{
    options::SessionOptions,
    store::{Batch, Filter, Row, Timestamp},
};
use serde_json::Value;

use super::{MILLI, NEARLY_A_DAY, seconds, with};
use crate::support::{Answer, Asked, Caller, DAY, Stage, at, forged, sign, stage};

/// Looks the session up by bearer, and says whether it was extended; if so, everything about it is checked.
async fn is_extended(stage: &Stage, caller: &Caller, now: Duration, life: Duration) -> bool {
    stage.calls.take();
    let answer = stage.get("/get-session").by(caller).await;
    let session = &answer.json()["session"];
    let extended = stage.calls.take().contains(&Asked::Write);
    assert_eq!(answer.traces(), if extended { vec!["session_token"] } else { vec![] });
    assert_eq!(answer.set_auth_token(), extended.then(|| caller.signed()).as_deref(), "the same token");
    if extended {
        assert_eq!(
            (&session["updatedAt"], &session["expiresAt"]),
            (&Value::from(at(now)), &Value::from(at(now + life)))
        );
        assert!(answer.cookies()[0].contains(&format!("; Max-Age={};", life.as_secs())));
        let stored = at(now + life).parse::<Timestamp>().unwrap();
        assert_eq!(stage.column("session", "expiresAt").await, [stored.into()]);
    }
    extended
}

#[tokio::test]
async fn a_session_is_extended_once_update_age_has_passed_to_the_millisecond() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(NEARLY_A_DAY);
    assert!(!is_extended(&stage, &ann, NEARLY_A_DAY, 7 * DAY).await);
    stage.clock.advance(MILLI);
    assert!(is_extended(&stage, &ann, DAY, 7 * DAY).await);
    assert!(!is_extended(&stage, &ann, DAY, 7 * DAY).await, "and then not again");
    stage.clock.advance(DAY);
    assert!(is_extended(&stage, &ann, 2 * DAY, 7 * DAY).await, "until another day has passed");
}

#[tokio::test]
async fn an_update_age_of_0_extends_at_every_look_up() {
    let stage = with(SessionOptions { update_age: seconds(0), ..SessionOptions::default() });
    let ann = stage.caller("ann").await;
    for _ in 0..3 {
        assert!(is_extended(&stage, &ann, Duration::ZERO, 7 * DAY).await);
    }
}

#[tokio::test]
async fn expires_in_and_update_age_are_followed_as_configured() {
    let options = SessionOptions { expires_in: seconds(100), update_age: seconds(10), ..SessionOptions::default() };
    let stage = with(options);
    let ann = stage.caller("ann").await;
    let ends = stage.now() + Duration::from_secs(100);
    let set = Row::new().with("expiresAt", ends);
    stage.write(Batch::new().update("session", Filter::All, set)).await;
    let (due, life) = (Duration::from_secs(10), Duration::from_secs(100));
    stage.clock.advance(Duration::from_millis(9_999));
    assert!(!is_extended(&stage, &ann, due, life).await);
    stage.clock.advance(MILLI);
    assert!(is_extended(&stage, &ann, due, life).await);
}

#[tokio::test]
async fn a_session_that_never_was_remembered_is_extended_by_bearer_and_not_by_cookies() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let short = stage.session_until(&ann.id, "short", stage.now() + DAY).await;
    let forgetful = format!("better-auth.session_token={}; better-auth.dont_remember={}", sign(&short), sign("true"));
    let by_cookie = stage.get("/get-session").cookie(forgetful).await;
    assert_eq!((by_cookie.json()["session"]["expiresAt"].as_str(), by_cookie.traces().len()), (Some(&*at(DAY)), 0));
    let by_bearer = stage.get("/get-session").bearer(&short).await;
    assert_eq!(by_bearer.json()["session"]["expiresAt"], at(7 * DAY), "the arithmetic uses the configured life");
    assert_eq!(by_bearer.set_auth_token(), Some(&*sign(&short)));
}

#[tokio::test]
async fn a_dont_remember_cookie_with_a_wrong_signature_counts_for_nothing() {
    for wrong in ["true", "", "true.AAAA", &forged("true")] {
        let stage = stage();
        let ann = stage.caller("ann").await;
        stage.clock.advance(DAY);
        let answer = stage.get("/get-session").by(&ann).cookie(format!("better-auth.dont_remember={wrong}")).await;
        assert!(answer.set_auth_token().is_some(), "{wrong:?}");
    }
}

#[tokio::test]
async fn disable_refresh_in_the_query_is_any_text_that_is_not_empty() {
    for (query, extends) in [
        ("disableRefresh=true", false),
        ("disableRefresh=false", false),
        ("disableRefresh=0", false),
        ("disableRefresh=a&disableRefresh=b", false),
        ("disableRefresh=", true),
        ("disableRefresh", true),
        ("disablerefresh=1", true),
        ("disableCookieCache=1", true),
    ] {
        let stage = stage();
        let ann = stage.caller("ann").await;
        stage.clock.advance(DAY);
        let answer = stage.get(&format!("/get-session?{query}")).by(&ann).await;
        assert_eq!(answer.set_auth_token().is_some(), extends, "{query}");
        assert_eq!(answer.json()["user"]["name"], "ann");
    }
}

#[tokio::test]
async fn disable_refresh_holds_for_every_session_requirement() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    let answer = stage.get("/list-accounts?disableRefresh=1").by(&ann).await;
    assert_eq!((answer.status, answer.set_auth_token()), (200, None));
    assert!(stage.get("/list-accounts?disableRefresh=").by(&ann).await.set_auth_token().is_some());
}

#[tokio::test]
async fn refreshing_can_be_switched_off() {
    let options = SessionOptions { disable_session_refresh: true, update_age: seconds(0), ..SessionOptions::default() };
    let stage = with(options);
    let ann = stage.caller("ann").await;
    stage.clock.advance(6 * DAY);
    assert!(!is_extended(&stage, &ann, 6 * DAY, 7 * DAY).await);
    assert_eq!(stage.get("/list-accounts").by(&ann).await.traces(), [""; 0]);
}

#[tokio::test]
async fn every_session_requirement_extends_and_shows_the_new_values() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    let answer: Answer = stage.get("/list-accounts").by(&ann).await;
    assert_eq!((answer.status, answer.set_auth_token()), (200, Some(&*ann.signed())));
    assert_eq!(stage.get("/get-session").by(&ann).await.json()["session"]["expiresAt"], at(8 * DAY));
}

#[tokio::test]
async fn a_request_looks_its_session_up_once_and_refreshing_is_one_write() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.get("/list-accounts").by(&ann).await;
    assert_eq!(stage.calls.take(), [Asked::Session, Asked::Find]);
    stage.clock.advance(DAY);
    stage.get("/get-session").by(&ann).await;
    assert_eq!(stage.calls.take(), [Asked::Session, Asked::Write]);
}

#[tokio::test]
async fn created_at_is_never_changed_by_a_refresh() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    let answer = stage.get("/get-session").by(&ann).await;
    assert_eq!(answer.json()["session"]["createdAt"], at(Duration::ZERO));
}
