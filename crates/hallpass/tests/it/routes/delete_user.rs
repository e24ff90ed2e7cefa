//! `/delete-user` (CONTRACT §11.6).

use std::time::Duration;

use hallpass::{
    Builder,
    endpoints::DeleteUser,
    mail::MailKind,
    options::{DeleteUserOptions, Span, UserOptions},
    store::{Batch, Filter, Row},
};
use http::HeaderMap;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, DAY, Fault, PASSWORD, Stage, cleared, stage, stage_with_mail, traces};

fn enabled(asks: Option<bool>, life: Option<Span>) -> impl FnOnce(Builder) -> Builder {
    let delete_user =
        DeleteUserOptions { enabled: true, send_delete_account_verification: asks, delete_token_expires_in: life };
    move |builder| builder.user(UserOptions { delete_user, ..UserOptions::default() })
}

/// Users may delete themselves at once.
fn deleting() -> Stage {
    stage_with_mail(enabled(None, None))
}

/// Users are asked by mail first.
pub(super) fn asking() -> Stage {
    stage_with_mail(enabled(Some(true), None))
}

async fn delete(stage: &Stage, caller: &Caller, body: Value) -> Answer {
    stage.post("/delete-user").by(caller).json(body).await
}

/// The answer to a deletion that happened.
pub(super) fn is_deleted(answer: &Answer) {
    assert_eq!((answer.status, answer.json()), (200, json!({"success": true, "message": "User deleted"})));
    assert_eq!(answer.traces(), cleared());
}

/// Users, accounts and sessions of this caller.
pub(super) async fn rows_of(stage: &Stage, caller: &Caller) -> usize {
    let mut count = 0;
    for (table, column) in [("user", "id"), ("account", "userId"), ("session", "userId")] {
        count += stage.column(table, column).await.iter().filter(|id| id.as_text() == Some(&caller.id)).count();
    }
    count
}

#[tokio::test]
async fn contract_11_6_it_is_an_empty_404_unless_enabled() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = delete(&stage, &ann, json!({"password": "wrong"})).await;
    assert_eq!((answer.status, answer.text(), answer.header("content-type")), (404, "", Some("application/json")));
    assert_eq!(stage.post("/delete-user").json(json!({})).await.code().0, 401, "after the session");
    assert_eq!(
        stage.post("/delete-user").await.code().1,
        "VALIDATION_ERROR",
        "which is after validation: a body is required"
    );
    assert_eq!(rows_of(&stage, &ann).await, 3);
}

#[tokio::test]
async fn contract_11_6_a_fresh_session_deletes_at_once_and_nobody_else_is_touched() {
    let stage = deleting();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    stage.session(&ann.id, "other").await;
    is_deleted(&delete(&stage, &ann, json!({})).await);
    assert_eq!((rows_of(&stage, &ann).await, rows_of(&stage, &bob).await), (0, 3));
    assert!(stage.get("/get-session").by(&ann).await.is_cleared_null());
}

#[tokio::test]
async fn contract_11_6_a_stale_session_needs_the_password() {
    let stage = deleting();
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    for body in [json!({}), json!({"password": ""}), json!({"token": ""})] {
        let answer = delete(&stage, &ann, body).await;
        assert_eq!(answer.code(), (400, "SESSION_EXPIRED".into()));
        assert_eq!(answer.message().1, "Session expired. Re-authenticate to perform this action.");
    }
    assert_eq!(
        delete(&stage, &ann, json!({"password": "wrong password"})).await.code(),
        (400, "INVALID_PASSWORD".into())
    );
    assert_eq!(rows_of(&stage, &ann).await, 3);
    is_deleted(&delete(&stage, &ann, json!({"password": PASSWORD})).await);
    assert_eq!(rows_of(&stage, &ann).await, 0);
}

#[tokio::test]
async fn contract_11_6_a_password_that_is_given_is_checked_although_none_is_needed() {
    let stage = deleting();
    let ann = stage.caller("ann").await;
    for (password, code) in [("wrong password", "INVALID_PASSWORD"), (&*"x".repeat(129), "PASSWORD_TOO_LONG")] {
        assert_eq!(delete(&stage, &ann, json!({"password": password})).await.code(), (400, code.into()));
    }
    stage.write(Batch::new().update("account", Filter::All, Row::new().with("password", None::<String>))).await;
    let without = delete(&stage, &ann, json!({"password": PASSWORD})).await;
    assert_eq!(without.code(), (400, "CREDENTIAL_ACCOUNT_NOT_FOUND".into()));
}

#[tokio::test]
async fn contract_11_6_with_a_sender_it_asks_by_mail_even_with_the_right_password() {
    let stage = asking();
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    for (body, encoded) in [
        (json!({}), "%2F"),
        (json!({"password": PASSWORD}), "%2F"),
        (json!({"callbackURL": "/bye?x=1"}), "%2Fbye%3Fx%3D1"),
    ] {
        let answer = delete(&stage, &ann, body).await;
        let expected = json!({"success": true, "message": "Verification email sent"});
        assert_eq!((answer.status, answer.json()), (200, expected));
        let mail = stage.the_mail(MailKind::DELETE_ACCOUNT).await;
        let link =
            format!("http://localhost:3000/api/auth/delete-user/callback?token={}&callbackURL={encoded}", mail.token);
        assert_eq!((&*mail.to, &*mail.url), (&*ann.email, &*link));
        assert!(mail.token.len() == 32 && mail.token.bytes().all(|it| it.is_ascii_digit() || it.is_ascii_lowercase()));
        let row = stage.rows("verification").await.pop().unwrap();
        let text = |column: &str| row.get(column).unwrap().as_text().unwrap().to_owned();
        assert_eq!((text("identifier"), text("value")), (format!("delete-account-{}", mail.token), ann.id.clone()));
        assert_eq!(row.get("expiresAt").unwrap(), &(stage.now() + DAY).into());
    }
    assert_eq!(rows_of(&stage, &ann).await, 3);
    assert_eq!(delete(&stage, &ann, json!({"password": "wrong password"})).await.code().1, "INVALID_PASSWORD");
    assert!(stage.mail().await.is_empty());
}

#[tokio::test]
async fn contract_11_6_the_token_of_the_mail_deletes_once() {
    let stage = asking();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    delete(&stage, &ann, json!({})).await;
    let token = stage.the_mail(MailKind::DELETE_ACCOUNT).await.token;
    stage.clock.advance(Duration::from_millis(86_399_999));
    let unknown = delete(&stage, &ann, json!({"token": "unknown"})).await;
    assert_eq!((unknown.code(), unknown.message().1), ((404, "INVALID_TOKEN".into()), "Invalid token".into()));
    is_deleted(&delete(&stage, &ann, json!({"token": token})).await);
    assert_eq!((rows_of(&stage, &ann).await, rows_of(&stage, &bob).await), (0, 3));
    assert!(stage.rows("verification").await.is_empty());
}

#[tokio::test]
async fn contract_11_6_somebody_elses_token_deletes_nobody_and_is_used_up() {
    let stage = asking();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    delete(&stage, &ann, json!({})).await;
    let token = stage.the_mail(MailKind::DELETE_ACCOUNT).await.token;
    for caller in [&bob, &ann] {
        assert_eq!(delete(&stage, caller, json!({"token": token})).await.code(), (404, "INVALID_TOKEN".into()));
    }
    assert_eq!((rows_of(&stage, &ann).await, rows_of(&stage, &bob).await), (3, 3));
}

#[tokio::test]
async fn the_life_of_the_token_can_be_set_and_0_is_a_day() {
    for (span, life) in [(60, Duration::from_mins(1)), (0, DAY)] {
        let stage = stage_with_mail(enabled(Some(true), Some(Span::from_secs(span))));
        let ann = stage.caller("ann").await;
        delete(&stage, &ann, json!({})).await;
        let token = stage.the_mail(MailKind::DELETE_ACCOUNT).await.token;
        stage.clock.advance(life + Duration::from_millis(1));
        assert_eq!(delete(&stage, &ann, json!({"token": token})).await.code(), (404, "INVALID_TOKEN".into()), "{span}");
    }
}

#[tokio::test]
async fn one_mailer_for_all_kinds_asks_only_where_that_is_wanted() {
    let stage = deleting();
    let ann = stage.caller("ann").await;
    is_deleted(&delete(&stage, &ann, json!({})).await);
    assert!(stage.mail().await.is_empty());
    let own = crate::support::Mails::default();
    let mailer = own.mailer();
    let mut stage =
        stage_with_mail(|builder| enabled(None, None)(builder).mailer_for(MailKind::DELETE_ACCOUNT, mailer));
    stage.mails = own;
    let ann = stage.caller("ann").await;
    assert_eq!(delete(&stage, &ann, json!({})).await.json()["message"], "Verification email sent");
    assert_eq!(stage.mail().await.len(), 1);
}

#[tokio::test]
async fn a_deletion_that_cannot_be_written_deletes_nothing_and_keeps_the_token() {
    let stage = asking();
    let ann = stage.caller("ann").await;
    delete(&stage, &ann, json!({})).await;
    let token = stage.the_mail(MailKind::DELETE_ACCOUNT).await.token;
    stage.faults.set(Fault::WritesAway);
    let answer = delete(&stage, &ann, json!({"token": token})).await;
    assert_eq!((answer.status, answer.cookies().len(), rows_of(&stage, &ann).await), (503, 0, 3));
    stage.faults.set(None);
    is_deleted(&delete(&stage, &ann, json!({"token": token})).await);
}

#[tokio::test]
async fn in_process_it_answers_with_types_and_headers() {
    let stage = deleting();
    let ann = stage.caller("ann").await;
    let refusal = stage.auth.api().delete_user(DeleteUser::default(), &HeaderMap::new()).await.unwrap_err();
    assert_eq!(refusal.code(), Some("UNAUTHORIZED"));
    let deleted = stage.auth.api().delete_user(DeleteUser::default(), &ann.headers()).await.unwrap();
    assert_eq!(
        (deleted.success, deleted.message, traces(&deleted.headers)),
        (true, "User deleted", cleared().map(String::from).to_vec())
    );
}
