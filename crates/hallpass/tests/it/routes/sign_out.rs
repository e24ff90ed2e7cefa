//! `/sign-out` (CONTRACT §11.5).

use hallpass::endpoints::SignOut;
use http::HeaderMap;
use serde_json::json;

use crate::support::{Answer, cleared, cookie, forged, sign, stage, traces};

fn is_done(answer: &Answer) {
    assert_eq!((answer.status, answer.text()), (200, r#"{"success":true}"#));
    assert_eq!(answer.traces(), cleared());
}

#[tokio::test]
async fn it_ends_the_session_of_a_bearer_token_and_of_a_cookie() {
    let stage = stage();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    is_done(&stage.post("/sign-out").by(&ann).await);
    assert_eq!(stage.tokens().await, [&*bob.token]);
    is_done(&stage.post("/sign-out").cookie(bob.cookie()).await);
    assert!(stage.tokens().await.is_empty());
}

#[tokio::test]
async fn it_succeeds_and_clears_without_a_session_too() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    is_done(&stage.post("/sign-out").await);
    is_done(&stage.post("/sign-out").bearer("unknown").await);
    is_done(&stage.post("/sign-out").cookie(cookie(&forged(&ann.token))).await);
    is_done(&stage.post("/sign-out").cookie(cookie(&sign("nobodys-token"))).await);
    assert_eq!(stage.tokens().await, [ann.token]);
}

#[tokio::test]
async fn an_expired_session_is_deleted_as_well() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(30 * crate::support::DAY);
    is_done(&stage.post("/sign-out").by(&ann).await);
    assert!(stage.tokens().await.is_empty());
}

#[tokio::test]
async fn a_bearer_token_and_somebody_elses_cookie_end_the_bearers_session_alone() {
    let stage = stage();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    is_done(&stage.post("/sign-out").by(&ann).cookie(bob.cookie()).await);
    assert_eq!(stage.tokens().await, [bob.token]);
}

#[tokio::test]
async fn its_body_is_an_object_or_absent() {
    let stage = stage();
    for body in [json!({}), json!({"callbackURL": "/", "disableRedirect": true, "state": "s", "more": 1})] {
        is_done(&stage.post("/sign-out").json(body).await);
    }
    for (body, message) in [
        (json!(null), "[body] Invalid input: expected object, received null"),
        (json!([]), "[body] Invalid input: expected object, received array"),
        (json!({"state": 1}), "[body.state] Invalid input: expected string, received number"),
    ] {
        assert_eq!(stage.post("/sign-out").json(body).await.message(), (400, message.into()));
    }
}

#[tokio::test]
async fn in_process_it_hands_back_the_cookies_that_clear() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let done = stage.auth.api().sign_out(SignOut::default(), &ann.headers()).await.unwrap();
    assert_eq!((done.success, traces(&done.headers)), (true, cleared().map(Into::into).to_vec()));
    assert!(stage.tokens().await.is_empty());
    assert!(stage.auth.api().sign_out(SignOut::default(), &HeaderMap::new()).await.unwrap().success);
}
