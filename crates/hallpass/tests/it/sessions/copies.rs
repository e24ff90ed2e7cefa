//! The copy of a session in a cookie, where it could outlive the session (CONTRACT §5.6, COMPATIBILITY D61).

use hallpass::{
    Bearer,
    options::{CookieCacheOptions, SessionOptions},
};
use serde_json::json;

use crate::support::{Answer, Stage, stage_with};

fn with_copies() -> Stage {
    let cookie_cache = CookieCacheOptions { enabled: true, ..CookieCacheOptions::default() };
    let session = SessionOptions { cookie_cache, ..SessionOptions::default() };
    stage_with(|builder| builder.plugin(Bearer::new()).session(session))
}

/// What a browser would send after an answer.
fn jar(answer: &Answer) -> String {
    let pairs =
        answer.cookies().into_iter().filter_map(|line| line.split(';').next()).filter(|pair| !pair.ends_with('='));
    pairs.collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn no_copy_of_a_session_that_was_ended_is_made_out_of_a_copy() {
    let stage = with_copies();
    let ann = stage.caller("ann").await;
    let browser = jar(&stage.get("/get-session").cookie(ann.cookie()).await);
    let browser = format!("{}; {browser}", ann.cookie());
    stage.forget(&ann.token).await;

    // The copy is believed for as long as it lasts: that is what the option says.
    assert!(stage.get("/get-session").cookie(&browser).await.json()["user"].is_object());
    let refused = stage.post("/update-user").cookie(&browser).json(json!({"name": "Ghost"})).await;
    assert_eq!(refused.status, 401);
    assert!(!refused.cookies().iter().any(|line| line.contains("session_data=ey")), "a new copy was made");
    assert!(stage.column("user", "name").await.iter().all(|name| name.as_text() != Some("Ghost")));
}

#[tokio::test]
async fn a_copy_is_renewed_for_a_session_that_is_alive() {
    let stage = with_copies();
    let ann = stage.caller("ann").await;
    let browser = jar(&stage.get("/get-session").cookie(ann.cookie()).await);
    let browser = format!("{}; {browser}", ann.cookie());
    let renamed = stage.post("/update-user").cookie(&browser).json(json!({"name": "Anna"})).await;
    assert_eq!(renamed.status, 200);
    let browser = jar(&renamed);
    assert_eq!(stage.get("/get-session").cookie(&browser).await.json()["user"]["name"], "Anna");
}
