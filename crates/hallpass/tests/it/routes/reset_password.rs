//! `/reset-password` (CONTRACT §11.8).

use std::time::Duration;

use hallpass::{
    endpoints::ResetPassword,
    mail::MailKind,
    options::EmailAndPassword,
    store::{Batch, Filter},
};
use http::HeaderMap;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Fault, PASSWORD, PASSWORD_HASH, Stage, stage_with_mail};

const NEW: &str = "another password";

/// A stage on which Ann asked for a link, and its token.
async fn requested_with(options: EmailAndPassword) -> (Stage, Caller, String) {
    let stage = stage_with_mail(|builder| builder.email_and_password(options));
    let ann = stage.caller("ann").await;
    let token = request(&stage, &ann).await;
    (stage, ann, token)
}

async fn requested() -> (Stage, Caller, String) {
    requested_with(EmailAndPassword::default()).await
}

async fn request(stage: &Stage, caller: &Caller) -> String {
    stage.post("/request-password-reset").json(json!({"email": caller.email})).await;
    stage.the_mail(MailKind::RESET_PASSWORD).await.token
}

async fn reset(stage: &Stage, body: Value) -> Answer {
    stage.post("/reset-password").json(body).await
}

async fn sign_in_status(stage: &Stage, password: &str) -> u16 {
    stage.post("/sign-in/email").json(json!({"email": "ann@example.com", "password": password})).await.status
}

#[tokio::test(start_paused = true)]
async fn contract_11_8_a_token_sets_the_password_once_and_leaves_sessions_alone() {
    let (stage, ann, token) = requested().await;
    stage.clock.advance(Duration::from_hours(1));
    let answer = reset(&stage, json!({"newPassword": NEW, "token": token})).await;
    assert_eq!((answer.status, answer.json(), answer.cookies().len()), (200, json!({"status": true}), 0));
    assert_eq!((sign_in_status(&stage, NEW).await, sign_in_status(&stage, PASSWORD).await), (200, 401));
    assert_eq!(stage.get("/get-session").by(&ann).await.json()["user"]["id"], ann.id);
    assert!(stage.rows("verification").await.is_empty());
    let again = reset(&stage, json!({"newPassword": "a third password", "token": token})).await;
    assert_eq!((again.code(), again.message().1), ((400, "INVALID_TOKEN".into()), "Invalid token".into()));
    assert_eq!(sign_in_status(&stage, NEW).await, 200);
}

#[tokio::test(start_paused = true)]
async fn contract_11_8_the_order_of_its_checks() {
    let (stage, _, token) = requested().await;
    let long = "x".repeat(129);
    for (body, code) in [
        (json!({"newPassword": "short"}), "INVALID_TOKEN"),
        (json!({"newPassword": "short", "token": ""}), "INVALID_TOKEN"),
        (json!({"newPassword": "short", "token": "unknown"}), "PASSWORD_TOO_SHORT"),
        (json!({"newPassword": long, "token": "unknown"}), "PASSWORD_TOO_LONG"),
        (json!({"newPassword": "short", "token": token}), "PASSWORD_TOO_SHORT"),
        (json!({"newPassword": NEW, "token": "unknown"}), "INVALID_TOKEN"),
        (json!({"token": token}), "VALIDATION_ERROR"),
    ] {
        assert_eq!(reset(&stage, body.clone()).await.code(), (400, code.into()), "{body}");
    }
    assert_eq!(stage.column("account", "password").await, [PASSWORD_HASH.into()]);
    assert_eq!(reset(&stage, json!({"newPassword": NEW, "token": token})).await.status, 200, "no refusal used it up");
}

#[tokio::test(start_paused = true)]
async fn contract_11_8_the_token_may_stand_in_the_query_and_the_bodys_wins() {
    let (stage, ann, token) = requested().await;
    let path = format!("/reset-password?token={token}");
    let other = stage.post(&path).json(json!({"newPassword": NEW, "token": "unknown"})).await;
    assert_eq!(other.code(), (400, "INVALID_TOKEN".into()));
    let twice = stage.post(&format!("{path}&token=x")).json(json!({"newPassword": NEW})).await;
    assert_eq!(twice.message().1, "[query.token] Invalid input: expected string, received array");
    assert_eq!(
        stage.post(&path).json(json!({"newPassword": NEW, "token": ""})).await.status,
        200,
        "an empty one is none"
    );
    let token = request(&stage, &ann).await;
    let body = json!({"newPassword": NEW, "token": token});
    assert_eq!(stage.post("/reset-password?token=unknown").json(body).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn contract_11_8_an_expired_token_is_invalid() {
    let (stage, _, token) = requested().await;
    stage.clock.advance(Duration::from_hours(1) + Duration::from_millis(1));
    assert_eq!(reset(&stage, json!({"newPassword": NEW, "token": token})).await.code(), (400, "INVALID_TOKEN".into()));
    assert_eq!(stage.column("account", "password").await, [PASSWORD_HASH.into()]);
}

#[tokio::test(start_paused = true)]
async fn contract_11_8_a_user_who_is_gone_is_not_found() {
    let (stage, ann, token) = requested().await;
    stage.write(Batch::new().delete("user", Filter::eq("id", &*ann.id))).await;
    let answer = reset(&stage, json!({"newPassword": NEW, "token": token})).await;
    assert_eq!((answer.code(), answer.message().1), ((400, "USER_NOT_FOUND".into()), "User not found".into()));
}

#[tokio::test(start_paused = true)]
async fn contract_11_8_whoever_had_no_password_gets_one() {
    let (stage, ann, token) = requested().await;
    stage.write(Batch::new().delete("account", Filter::All)).await;
    assert_eq!(reset(&stage, json!({"newPassword": NEW, "token": token})).await.status, 200);
    let accounts = stage.rows("account").await;
    let text = |column: &str| accounts[0].get(column).unwrap().as_text().unwrap().to_owned();
    assert_eq!([text("providerId"), text("accountId"), text("userId")], ["credential".into(), ann.id.clone(), ann.id]);
    assert_eq!((accounts.len(), sign_in_status(&stage, NEW).await), (1, 200));
}

#[tokio::test(start_paused = true)]
async fn contract_11_8_sessions_end_where_that_is_wanted() {
    let options = EmailAndPassword { revoke_sessions_on_password_reset: true, ..EmailAndPassword::default() };
    let (stage, ann, token) = requested_with(options).await;
    let bob = stage.caller("bob").await;
    stage.session(&ann.id, "other").await;
    assert_eq!(reset(&stage, json!({"newPassword": "short", "token": token})).await.status, 400);
    assert_eq!(stage.tokens().await.len(), 3);
    assert_eq!(reset(&stage, json!({"newPassword": NEW, "token": token})).await.status, 200);
    assert_eq!(stage.tokens().await, [bob.token]);
}

#[tokio::test(start_paused = true)]
async fn contract_13_2_of_several_tokens_each_works_once_by_itself() {
    let (stage, ann, first) = requested().await;
    let second = request(&stage, &ann).await;
    for token in [&second, &first] {
        assert_eq!(reset(&stage, json!({"newPassword": NEW, "token": token})).await.status, 200);
        assert_eq!(reset(&stage, json!({"newPassword": NEW, "token": token})).await.status, 400);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_uses_nothing_up() {
    let (stage, _, token) = requested().await;
    stage.faults.set(Fault::WritesAway);
    assert_eq!(reset(&stage, json!({"newPassword": NEW, "token": token})).await.status, 503);
    stage.faults.set(None);
    assert_eq!(sign_in_status(&stage, PASSWORD).await, 200);
    assert_eq!(reset(&stage, json!({"newPassword": NEW, "token": token})).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn in_process_it_answers_with_types() {
    let (stage, _, token) = requested().await;
    let input = ResetPassword { new_password: NEW.into(), token: Some(token.clone()) };
    assert!(!format!("{input:?}").contains(&token) && !format!("{input:?}").contains(NEW), "neither prints");
    assert!(stage.auth.api().reset_password(input.clone(), &HeaderMap::new()).await.unwrap().status);
    let refusal = stage.auth.api().reset_password(input, &HeaderMap::new()).await.unwrap_err();
    assert_eq!((refusal.status().as_u16(), refusal.code()), (400, Some("INVALID_TOKEN")));
}
