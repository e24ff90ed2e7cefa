//! `/change-password` (CONTRACT §11.6).

use hallpass::{
    endpoints::ChangePassword,
    store::{Batch, Filter, Row},
};
use serde_json::{Value, json};

use crate::support::{Answer, Caller, DAY, PASSWORD, PASSWORD_HASH, Stage, sign, stage, traces};

const NEW: &str = "another password";

/// Changes the password, with this on top or instead.
async fn change(stage: &Stage, caller: &Caller, more: Value) -> Answer {
    let mut body = json!({"newPassword": NEW, "currentPassword": PASSWORD});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.post("/change-password").by(caller).json(body).await
}

async fn sign_in_status(stage: &Stage, email: &str, password: &str) -> u16 {
    stage.post("/sign-in/email").json(json!({"email": email, "password": password})).await.status
}

#[tokio::test]
async fn it_changes_the_password_and_leaves_sessions_alone() {
    let stage = stage();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    stage.clock.advance(DAY / 2);
    let answer = change(&stage, &ann, json!({})).await;
    let user = stage.get("/get-session").by(&ann).await.json()["user"].take();
    assert_eq!((answer.status, answer.json()), (200, json!({"token": null, "user": user})));
    assert!(answer.cookies().is_empty());
    assert_eq!(stage.tokens().await.len(), 2);
    assert_eq!(stage.column("account", "updatedAt").await[0], stage.now().into());
    assert_eq!(sign_in_status(&stage, &ann.email, PASSWORD).await, 401);
    assert_eq!(sign_in_status(&stage, &ann.email, NEW).await, 200);
    assert_eq!(sign_in_status(&stage, &bob.email, PASSWORD).await, 200);
}

#[tokio::test]
async fn with_revocation_every_session_ends_and_a_new_one_begins() {
    let stage = stage();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    stage.session(&ann.id, "other").await;
    stage.session_until(&ann.id, "dead", stage.now()).await;
    let answer = change(&stage, &ann, json!({"revokeOtherSessions": true})).await;
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    assert_eq!((answer.traces(), answer.set_auth_token()), (vec!["session_token".into()], Some(&*sign(&token))));
    assert_eq!(stage.tokens().await, [&*bob.token, &*token]);
    assert!(stage.get("/get-session").by(&ann).await.is_cleared_null(), "the old token is worth nothing");
    assert_eq!(stage.get("/get-session").bearer(&token).await.json()["user"]["name"], "ann");
}

#[tokio::test]
async fn the_order_of_its_checks() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let long = "x".repeat(129);
    for (more, code) in [
        (json!({"newPassword": "short", "currentPassword": long}), "PASSWORD_TOO_SHORT"),
        (json!({"newPassword": long, "currentPassword": long}), "PASSWORD_TOO_LONG"),
        (json!({"currentPassword": long}), "PASSWORD_TOO_LONG"),
        (json!({"currentPassword": "wrong"}), "INVALID_PASSWORD"),
        (json!({"currentPassword": ""}), "INVALID_PASSWORD"),
        (json!({"currentPassword": "wrong", "revokeOtherSessions": true}), "INVALID_PASSWORD"),
    ] {
        assert_eq!(change(&stage, &ann, more.clone()).await.code(), (400, code.into()), "{more}");
    }
    assert_eq!(stage.column("account", "password").await, [PASSWORD_HASH.into()]);
    assert_eq!(stage.tokens().await, [ann.token]);
}

#[tokio::test]
async fn without_a_password_there_is_nothing_to_change() {
    for set in [
        Row::new().with("password", None::<String>),
        Row::new().with("password", ""),
        Row::new().with("providerId", "github"),
    ] {
        let stage = stage();
        let ann = stage.caller("ann").await;
        stage.write(Batch::new().update("account", Filter::All, set)).await;
        let answer = change(&stage, &ann, json!({})).await;
        assert_eq!(answer.code(), (400, "CREDENTIAL_ACCOUNT_NOT_FOUND".into()));
        assert_eq!(answer.message().1, "Credential account not found");
    }
}

#[tokio::test]
async fn of_two_changes_at_once_one_finds_its_current_password_gone() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let (first, second) = futures_util::join!(
        change(&stage, &ann, json!({"newPassword": "the first one"})),
        change(&stage, &ann, json!({"newPassword": "the second one"})),
    );
    let mut outcomes = [first.status, second.status];
    outcomes.sort_unstable();
    assert_eq!(outcomes, [200, 400], "{first:?} {second:?}");
    let winner = if first.status == 200 { "the first one" } else { "the second one" };
    assert_eq!(sign_in_status(&stage, &ann.email, winner).await, 200);
}

#[tokio::test]
async fn in_process_it_answers_with_types_and_headers() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let input = |current: &str| ChangePassword {
        new_password: NEW.into(),
        current_password: current.into(),
        revoke_other_sessions: Some(true),
    };
    let refusal = stage.auth.api().change_password(input("wrong"), &ann.headers()).await.unwrap_err();
    assert_eq!((refusal.code(), refusal.headers().len()), (Some("INVALID_PASSWORD"), 0));
    let changed = stage.auth.api().change_password(input(PASSWORD), &ann.headers()).await.unwrap();
    let token = changed.token.clone().unwrap();
    assert_eq!((&*changed.user.name, traces(&changed.headers)), ("ann", vec!["session_token".into()]));
    assert_eq!(changed.headers["set-auth-token"], sign(token.expose()));
}
