//! How a session begins (CONTRACT §7.1).

use std::time::Duration;

use hallpass::options::SessionOptions;
use serde_json::{Value, json};

use super::{seconds, with};
use crate::support::{Answer, DAY, PASSWORD, Stage, at, sign, stage};

async fn sign_in(stage: &Stage, remember_me: impl Into<Value>) -> Answer {
    let body = json!({"email": "ann@example.com", "password": PASSWORD, "rememberMe": remember_me.into()});
    stage.post("/sign-in/email").json(body).await
}

/// The session that an answer began, as `/get-session` shows it.
async fn begun(stage: &Stage, answer: &Answer) -> Value {
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    stage.get("/get-session?disableRefresh=1").bearer(&token).await.json()["session"].take()
}

#[tokio::test]
async fn a_session_lives_seven_days_and_notes_address_and_user_agent() {
    let stage = stage();
    let body = json!({"name": "Ann", "email": "ann@example.com", "password": PASSWORD});
    let call = stage.post("/sign-up/email").json(body).header("user-agent", "a test");
    let answer = call.header("x-forwarded-for", "9.9.9.9").await;
    let session = begun(&stage, &answer).await;
    let now = at(Duration::ZERO);
    for (field, expected) in [
        ("expiresAt", at(7 * DAY).as_str()),
        ("createdAt", &now),
        ("updatedAt", &now),
        ("ipAddress", "9.9.9.9"),
        ("userAgent", "a test"),
        ("token", answer.json()["token"].as_str().unwrap()),
        ("userId", answer.json()["user"]["id"].as_str().unwrap()),
    ] {
        assert_eq!(session[field], expected, "{field}");
    }
}

#[tokio::test]
async fn ids_and_tokens_are_32_letters_and_digits_and_all_different() {
    let stage = stage();
    for number in 0..3 {
        let body = json!({"name": "N", "email": format!("n{number}@example.com"), "password": PASSWORD});
        assert_eq!(stage.post("/sign-up/email").json(body).await.status, 200);
    }
    let mut drawn = stage.tokens().await;
    for table in ["user", "session", "account"] {
        drawn.extend(stage.column(table, "id").await.iter().map(|id| id.as_text().unwrap().to_owned()));
    }
    assert!(drawn.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())), "{drawn:?}");
    drawn.sort();
    drawn.dedup();
    assert_eq!(drawn.len(), 12);
}

#[tokio::test]
async fn without_remember_me_a_session_lasts_a_day_and_its_cookies_as_long_as_the_browser() {
    for expires_in in [2, 604_800] {
        let stage = with(SessionOptions { expires_in: seconds(expires_in), ..SessionOptions::default() });
        stage.caller("ann").await;
        let answer = sign_in(&stage, false).await;
        assert_eq!(begun(&stage, &answer).await["expiresAt"], at(DAY), "whatever expires_in says");
        let session =
            format!("{}; Path=/; HttpOnly; SameSite=Lax", crate::support::cookie(answer.set_auth_token().unwrap()));
        let forgetful = crate::support::cookie(&sign("true")).replace("session_token", "dont_remember");
        assert_eq!(answer.cookies(), [session, format!("{forgetful}; Path=/; HttpOnly; SameSite=Lax")]);
    }
}

#[tokio::test]
async fn expires_in_is_the_life_of_row_and_cookie_and_0_is_the_default() {
    for (expires_in, lives) in [(60, 60), (0, 604_800)] {
        let stage = with(SessionOptions { expires_in: seconds(expires_in), ..SessionOptions::default() });
        stage.caller("ann").await;
        let answer = sign_in(&stage, true).await;
        let expires = at(Duration::from_secs(lives));
        assert_eq!(begun(&stage, &answer).await["expiresAt"], expires);
        assert!(answer.cookies()[0].contains(&format!("; Max-Age={lives};")), "{answer:?}");
    }
}

#[tokio::test]
async fn a_sign_in_that_remembers_expires_a_dont_remember_cookie_that_came_with_it() {
    let stage = stage();
    stage.caller("ann").await;
    for (value, expected) in
        [(sign("true"), vec!["session_token", "-dont_remember"]), ("true".into(), vec!["session_token"])]
    {
        let body = json!({"email": "ann@example.com", "password": PASSWORD});
        let cookie = format!("better-auth.dont_remember={value}");
        let answer = stage.post("/sign-in/email").json(body).cookie(cookie).await;
        assert_eq!(answer.traces(), expected, "{value}");
    }
}

#[tokio::test]
async fn sign_up_follows_remember_me_as_well() {
    let stage = stage();
    let body = json!({"name": "N", "email": "n@example.com", "password": PASSWORD, "rememberMe": false});
    let answer = stage.post("/sign-up/email").json(body).await;
    assert_eq!(answer.traces(), ["session_token", "dont_remember"]);
    assert_eq!(begun(&stage, &answer).await["expiresAt"], at(DAY));
}

#[tokio::test]
async fn a_cookie_that_is_set_again_follows_the_requests_dont_remember() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let forgetful = format!("better-auth.dont_remember={}", sign("true"));
    let update = || stage.post("/update-user").by(&ann).json(json!({"name": "Anna"}));
    let answer = update().cookie(&forgetful).await;
    assert_eq!(answer.traces(), ["session_token", "dont_remember"]);
    assert!(answer.cookies().iter().all(|cookie| !cookie.contains("Max-Age")), "{answer:?}");
    let bearer_alone = update().await;
    assert!(bearer_alone.cookies()[0].contains("; Max-Age=604800;"), "a bearer client never carries the cookie");
    let change = json!({"newPassword": PASSWORD, "currentPassword": PASSWORD, "revokeOtherSessions": true});
    let changed = stage.post("/change-password").by(&ann).cookie(&forgetful).json(change).await;
    assert_eq!(changed.traces(), ["session_token", "dont_remember"]);
}
