//! What an application is told, and may refuse (the callbacks of CONTRACT §11.6 to §11.8).

use std::sync::{Arc, Mutex};

use hallpass::{
    ApiError, Callbacks, Context,
    mail::MailKind,
    options::{DeleteUserOptions, UserOptions},
    plugin::HookFuture,
    store::User,
};
use http::StatusCode;
use serde_json::json;

use crate::support::{Answer, Caller, START, Stage, cleared, jwt, stage_with_mail};

/// Notes what it is told, with the address as it was then, and refuses one of it.
#[derive(Clone, Default)]
struct Notes {
    told: Arc<Mutex<Vec<String>>>,
    refuses: Option<&'static str>,
}

impl Notes {
    fn refusing(event: &'static str) -> Self {
        Self { refuses: Some(event), ..Self::default() }
    }

    fn note<'a>(&self, event: &str, user: &User) -> HookFuture<'a, ()> {
        let proven = if user.email_verified { "proven" } else { "unproven" };
        self.told.lock().unwrap().push(format!("{event} {} {proven}", user.email));
        let refused = (self.refuses == Some(event)).then(|| ApiError::coded(StatusCode::CONFLICT, "NO", "No"));
        Box::pin(async move { refused.map_or(Ok(()), Err) })
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

impl Callbacks for Notes {
    fn before_email_verification<'a>(&'a self, _: &'a Context, user: &'a User) -> HookFuture<'a, ()> {
        self.note("before verification", user)
    }
    fn after_email_verification<'a>(&'a self, _: &'a Context, user: &'a User) -> HookFuture<'a, ()> {
        self.note("after verification", user)
    }
    fn on_password_reset<'a>(&'a self, _: &'a Context, user: &'a User) -> HookFuture<'a, ()> {
        self.note("reset", user)
    }
    fn before_delete<'a>(&'a self, _: &'a Context, user: &'a User) -> HookFuture<'a, ()> {
        self.note("before delete", user)
    }
    fn after_delete<'a>(&'a self, _: &'a Context, user: &'a User) -> HookFuture<'a, ()> {
        self.note("after delete", user)
    }
}

async fn stage(notes: &Notes) -> (Stage, Caller) {
    let delete_user = DeleteUserOptions { enabled: true, ..DeleteUserOptions::default() };
    let user = UserOptions { delete_user, ..UserOptions::default() };
    let stage = stage_with_mail(|builder| builder.callbacks(notes.clone()).user(user));
    let ann = stage.caller("ann").await;
    (stage, ann)
}

async fn verify(stage: &Stage, caller: &Caller, update_to: Option<&str>) -> Answer {
    let mut claims =
        json!({"email": caller.email, "userId": caller.id, "iat": START / 1000, "exp": START / 1000 + 3600});
    if let Some(new_email) = update_to {
        claims["updateTo"] = new_email.into();
        claims["requestType"] = "change-email-verification".into();
    }
    stage.get(&format!("/verify-email?token={}", jwt(&claims))).await
}

#[tokio::test]
async fn before_and_after_an_address_is_proven_and_not_when_it_was() {
    let notes = Notes::default();
    let (stage, ann) = stage(&notes).await;
    assert_eq!(verify(&stage, &ann, None).await.status, 200);
    assert_eq!(
        notes.take(),
        ["before verification ann@example.com unproven", "after verification ann@example.com proven"]
    );
    assert_eq!(verify(&stage, &ann, None).await.status, 200);
    assert!(notes.take().is_empty());
}

#[tokio::test]
async fn after_a_proven_address_was_replaced_by_another() {
    for proven in [true, false] {
        let notes = Notes::default();
        let (stage, ann) = stage(&notes).await;
        if proven {
            stage.prove(&ann).await;
        }
        assert_eq!(verify(&stage, &ann, Some("new@example.com")).await.status, 200);
        let expected: &[&str] = if proven { &["after verification new@example.com proven"] } else { &[] };
        assert_eq!(notes.take(), expected);
    }
}

#[tokio::test]
async fn a_refusal_before_leaves_the_address_unproven_and_one_after_does_not() {
    for (event, proven) in [("before verification", false), ("after verification", true)] {
        let (stage, ann) = stage(&Notes::refusing(event)).await;
        assert_eq!(verify(&stage, &ann, None).await.code(), (409, "NO".into()), "{event}");
        assert_eq!(stage.cell(&ann, "emailVerified").await, proven.into(), "{event}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_password_was_chosen_by_a_link() {
    for refuses in [None, Some("reset")] {
        let notes = Notes { refuses, ..Notes::default() };
        let (stage, ann) = stage(&notes).await;
        stage.post("/request-password-reset").json(json!({"email": ann.email})).await;
        let token = stage.the_mail(MailKind::RESET_PASSWORD).await.token;
        let body = json!({"newPassword": "another password", "token": token});
        let answer = stage.post("/reset-password").json(body.clone()).await;
        assert_eq!(
            (answer.status, notes.take()),
            (if refuses.is_none() { 200 } else { 409 }, vec!["reset ann@example.com unproven".into()])
        );
        assert_eq!(stage.post("/reset-password").json(body).await.status, 400, "it was done all the same");
        assert!(notes.take().is_empty());
    }
}

#[tokio::test]
async fn before_and_after_a_deletion() {
    for (refuses, told, status, left) in
        [(None, 2, 200, 0), (Some("before delete"), 1, 409, 1), (Some("after delete"), 2, 409, 0)]
    {
        let notes = Notes { refuses, ..Notes::default() };
        let (stage, ann) = stage(&notes).await;
        let answer = stage.post("/delete-user").by(&ann).json(json!({})).await;
        assert_eq!((answer.status, stage.rows("user").await.len()), (status, left), "{refuses:?}");
        assert_eq!(
            notes.take(),
            ["before delete ann@example.com unproven", "after delete ann@example.com unproven"][..told]
        );
        assert_eq!(answer.traces() == cleared(), left == 0, "{refuses:?}: the client forgets a session that is gone");
    }
}
