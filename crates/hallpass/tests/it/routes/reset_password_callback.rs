//! `/reset-password/:token` (CONTRACT §11.8).

use std::time::Duration;

use hallpass::{endpoints::ResetPasswordCallback, mail::MailKind};
use http::HeaderMap;
use serde_json::json;

use crate::support::{ORIGIN, Stage, stage_with_mail};

/// A stage on which Ann asked for a link, and its token.
async fn requested() -> (Stage, String) {
    let stage = stage_with_mail(|builder| builder.trusted_origins(["https://app.example.com", "myapp://"]));
    stage.caller("ann").await;
    stage.post("/request-password-reset").json(json!({"email": "ann@example.com", "redirectTo": "/new"})).await;
    let token = stage.the_mail(MailKind::RESET_PASSWORD).await.token;
    (stage, token)
}

/// Where it leads.
async fn leads(stage: &Stage, token: &str, callback_url: &str) -> String {
    let answer = stage.get(&format!("/reset-password/{token}?callbackURL={callback_url}")).await;
    assert_eq!((answer.status, answer.text(), answer.header("content-type")), (302, "", Some("application/json")));
    assert!(answer.cookies().is_empty());
    answer.header("location").unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn contract_11_8_a_good_token_goes_to_the_page_made_absolute_and_is_not_used_up() {
    let (stage, token) = requested().await;
    for _ in 0..2 {
        assert_eq!(leads(&stage, &token, "/new").await, format!("{ORIGIN}/new?token={token}"));
    }
    for (callback_url, location) in [
        ("/new%3Fx=1%23z", format!("{ORIGIN}/new?x=1&token={token}#z")),
        ("/new%3Ftoken=evil", format!("{ORIGIN}/new?token={token}")),
        ("https://app.example.com/new", format!("https://app.example.com/new?token={token}")),
        ("myapp://reset", format!("myapp://reset?token={token}")),
    ] {
        assert_eq!(leads(&stage, &token, callback_url).await, location);
    }
    assert_eq!(stage.rows("verification").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn contract_11_8_an_unknown_or_expired_one_brings_an_error_along() {
    let (stage, token) = requested().await;
    assert_eq!(leads(&stage, "unknown", "/new%3Ferror=x").await, format!("{ORIGIN}/new?error=INVALID_TOKEN"));
    stage.clock.advance(Duration::from_hours(1));
    assert_eq!(leads(&stage, &token, "/new").await, format!("{ORIGIN}/new?token={token}"), "to the last moment");
    stage.clock.advance(Duration::from_millis(1));
    assert_eq!(leads(&stage, &token, "/new").await, format!("{ORIGIN}/new?error=INVALID_TOKEN"));
}

#[tokio::test(start_paused = true)]
async fn contract_11_8_without_a_page_it_is_the_error_page_and_the_parameter_is_required() {
    let (stage, token) = requested().await;
    assert_eq!(leads(&stage, &token, "").await, format!("{ORIGIN}/api/auth/error?error=INVALID_TOKEN"));
    let answer = stage.get(&format!("/reset-password/{token}")).await;
    let message = "[query.callbackURL] Invalid input: expected string, received undefined";
    assert_eq!((answer.code().1, answer.message()), ("VALIDATION_ERROR".into(), (400, message.into())));
    let post = stage.post(&format!("/reset-password/{token}?callbackURL=/new")).await;
    assert_eq!((post.status, post.text()), (404, ""), "only a GET leads there");
}

#[tokio::test(start_paused = true)]
async fn contract_1_2_the_token_in_the_path_is_taken_as_it_stands() {
    let (stage, token) = requested().await;
    let encoded = format!("%{:02x}{}", token.as_bytes()[0], &token[1..]);
    assert_eq!(leads(&stage, &encoded, "/new").await, format!("{ORIGIN}/new?error=INVALID_TOKEN"));
}

#[tokio::test(start_paused = true)]
async fn in_process_the_answer_is_a_redirect_too() {
    let (stage, token) = requested().await;
    let input = ResetPasswordCallback { token: token.clone(), callback_url: "/new".into() };
    assert!(!format!("{input:?}").contains(&token), "a token does not print");
    let sent = stage.auth.api().reset_password_callback(input, &HeaderMap::new()).await.unwrap_err();
    assert_eq!(sent.status().as_u16(), 302);
}
