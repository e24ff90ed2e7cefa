//! What shows of the cookie cache while it is off (CONTRACT §§4.1, 5.6).

use serde_json::json;

use crate::support::{Asked, sign, stage};

const CHUNKS: &str = "better-auth.session_data.0=a; better-auth.session_data.1=b; better-auth.session_data.01=c";

#[tokio::test]
async fn an_arriving_session_data_is_expired_and_authenticates_nobody() {
    let stage = stage();
    let answer = stage.get("/get-session").cookie("better-auth.session_data=copy").await;
    assert_eq!((answer.text(), answer.traces()), ("null", vec!["-session_data".into()]));
    assert_eq!(stage.calls.take(), []);
    assert_eq!(answer.cookies(), ["better-auth.session_data=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"]);
}

#[tokio::test]
async fn its_chunks_are_expired_by_their_names() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = stage.get("/get-session").by(&ann).cookie(CHUNKS).await;
    assert_eq!((answer.status, answer.traces()), (200, vec!["-session_data.0".into(), "-session_data.1".into()]));
    let both = stage.get("/get-session").by(&ann).cookie(format!("{CHUNKS}; better-auth.session_data=x")).await;
    assert_eq!(both.traces().len(), 3, "{both:?}");
    assert!(both.traces().contains(&"-session_data".into()));
}

#[tokio::test]
async fn an_empty_session_data_is_none() {
    let answer = stage().get("/get-session").cookie("better-auth.session_data=").await;
    assert_eq!(answer.traces(), [""; 0]);
}

#[tokio::test]
async fn clearing_sends_session_token_session_data_its_chunks_and_dont_remember_in_this_order() {
    let stage = stage();
    let expected = ["-session_token", "-session_data", "-session_data.0", "-session_data.1", "-dont_remember"];
    let signed_out = stage.post("/sign-out").cookie(CHUNKS).await;
    assert_eq!(signed_out.traces(), expected);
    let plain = stage.post("/sign-out").await;
    assert_eq!(plain.traces(), ["-session_token", "-session_data", "-dont_remember"]);
}

#[tokio::test]
async fn every_end_of_a_session_clears_in_the_same_order() {
    for (path, body) in [
        ("/sign-out", json!({})),
        ("/revoke-sessions", json!({})),
        ("/revoke-session", json!({"token": format!("{:T<32}", "ann")})),
    ] {
        let stage = stage();
        let ann = stage.caller("ann").await;
        let answer = stage.post(path).by(&ann).json(body).await;
        assert_eq!(answer.traces(), ["-session_token", "-session_data", "-dont_remember"], "{path}");
    }
}

#[tokio::test]
async fn clearing_takes_back_a_token_that_was_set_on_the_way() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(crate::support::DAY);
    let answer = stage.post("/revoke-sessions").by(&ann).await;
    assert_eq!(answer.traces(), ["-session_token", "-session_data", "-dont_remember"], "the refresh set one");
    assert!(!answer.cookies().iter().any(|cookie| cookie.contains(&ann.token)));
}

#[tokio::test]
async fn a_dead_credential_with_session_data_clears_it_on_the_way_and_with_the_session() {
    let stage = stage();
    let cookies = format!("better-auth.session_token={}; better-auth.session_data=copy", sign("nobodys-token"));
    let answer = stage.get("/get-session").cookie(cookies).await;
    assert_eq!(answer.traces().first().map(String::as_str), Some("-session_token"));
    assert_eq!(stage.calls.take(), [Asked::Session]);
}
