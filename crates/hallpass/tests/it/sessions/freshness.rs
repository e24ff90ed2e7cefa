//! Which sessions are fresh (CONTRACT §7.3).

use std::time::Duration;

use hallpass::options::SessionOptions;

use super::{MILLI, NEARLY_A_DAY, seconds, with};
use crate::support::{DAY, stage};

#[tokio::test]
async fn a_session_is_fresh_for_a_day_to_the_millisecond() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(NEARLY_A_DAY);
    assert_eq!(stage.get("/list-sessions").by(&ann).await.status, 200);
    stage.clock.advance(MILLI);
    let stale = stage.get("/list-sessions").by(&ann).await;
    assert_eq!((stale.code(), stale.message().1), ((403, "SESSION_NOT_FRESH".into()), "Session is not fresh".into()));
}

#[tokio::test]
async fn a_refresh_makes_nothing_fresh_again() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    assert!(stage.get("/get-session").by(&ann).await.set_auth_token().is_some());
    assert_eq!(stage.get("/list-sessions").by(&ann).await.status, 403);
}

#[tokio::test]
async fn a_stale_session_that_was_extended_on_the_way_keeps_the_cookies_of_that() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    let stale = stage.get("/list-sessions").by(&ann).await;
    assert_eq!((stale.status, stale.traces()), (403, vec!["session_token".into()]));
}

#[tokio::test]
async fn the_age_can_be_set_and_0_makes_every_session_fresh() {
    for (fresh_age, age, status) in [(10, 9_999, 200), (10, 10_000, 403), (0, 6 * 86_400_000, 200)] {
        let stage = with(SessionOptions { fresh_age: seconds(fresh_age), ..SessionOptions::default() });
        let ann = stage.caller("ann").await;
        stage.clock.advance(Duration::from_millis(age));
        assert_eq!(stage.get("/list-sessions").by(&ann).await.status, status, "{fresh_age} {age}");
    }
}

#[tokio::test]
async fn a_session_from_the_future_is_fresh() {
    let stage = stage();
    stage.clock.advance(DAY);
    let ann = stage.caller("ann").await;
    stage.clock.rewind(DAY);
    assert_eq!(stage.get("/list-sessions").by(&ann).await.status, 200, "the clock was set back");
}

#[tokio::test]
async fn no_other_endpoint_asks_for_a_fresh_session() {
    for route in crate::routes::WITH_SESSION.iter().filter(|route| route.path != "/list-sessions") {
        let stage = crate::routes::with_fields();
        let ann = stage.caller("ann").await;
        stage.clock.advance(6 * DAY);
        assert_eq!(route.call(&stage).by(&ann).await.status, 200, "{}", route.path);
    }
}
