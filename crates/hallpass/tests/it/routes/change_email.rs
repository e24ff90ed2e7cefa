//! `/change-email` (CONTRACT §11.6).

use hallpass::{
    Builder,
    endpoints::ChangeEmail,
    mail::MailKind,
    options::{ChangeEmailOptions, EmailVerification, UserOptions},
};
use serde_json::json;

use crate::support::{Answer, Caller, Stage, bare_link, jwt_parts, link, stage, stage_with_mail};

fn enabled(mut options: ChangeEmailOptions) -> impl FnOnce(Builder) -> Builder {
    options.enabled = true;
    move |builder| builder.user(UserOptions { change_email: options, ..UserOptions::default() })
}

/// Changes are allowed, with mail.
fn changing(options: ChangeEmailOptions) -> Stage {
    stage_with_mail(enabled(options))
}

fn at_once() -> ChangeEmailOptions {
    ChangeEmailOptions { update_email_without_verification: true, ..ChangeEmailOptions::default() }
}

fn confirming() -> ChangeEmailOptions {
    ChangeEmailOptions { send_change_email_confirmation: Some(true), ..ChangeEmailOptions::default() }
}

async fn change(stage: &Stage, caller: &Caller, new_email: &str) -> Answer {
    stage.post("/change-email").by(caller).json(json!({"newEmail": new_email, "callbackURL": "/done?x=1"})).await
}

async fn address(stage: &Stage, caller: &Caller) -> String {
    stage.cell(caller, "email").await.as_text().unwrap().to_owned()
}

#[tokio::test]
async fn contract_11_6_it_is_off_unless_enabled() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = change(&stage, &ann, &ann.email).await;
    assert_eq!(
        (answer.code(), answer.message().1),
        ((400, "CHANGE_EMAIL_DISABLED".into()), "Change email is disabled".into())
    );
    assert_eq!(
        stage.post("/change-email").json(json!({"newEmail": "a@b.co"})).await.code().0,
        401,
        "after the session"
    );
    assert_eq!(
        stage.post("/change-email").json(json!({})).await.code().1,
        "VALIDATION_ERROR",
        "which is after validation"
    );
}

#[tokio::test]
async fn contract_11_6_the_same_address_is_refused_in_any_case_of_its_letters() {
    let stage = changing(ChangeEmailOptions::default());
    let ann = stage.caller("ann").await;
    for same in ["ann@example.com", "ANN@Example.com"] {
        let answer = change(&stage, &ann, same).await;
        assert_eq!((answer.status, answer.json()), (400, json!({"message": "Email is the same"})), "no code");
    }
}

#[tokio::test]
async fn contract_11_6_without_a_way_it_is_not_enabled_whoever_has_the_address() {
    let off = EmailVerification { send_verification_email: Some(false), ..EmailVerification::default() };
    let confirms_only = stage_with_mail(|builder| enabled(confirming())(builder).email_verification(off));
    let silent = crate::support::stage_with(|builder| enabled(at_once())(builder.plugin(hallpass::Bearer::new())));
    for stage in [confirms_only, silent] {
        let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
        stage.prove(&ann).await;
        for email in ["new@example.com", &*bob.email] {
            let answer = change(&stage, &ann, email).await;
            assert_eq!((answer.status, answer.json()), (400, json!({"message": "Verification email isn't enabled"})));
        }
        assert!(stage.mail().await.is_empty());
    }
}

#[tokio::test]
async fn contract_11_6_a_taken_address_is_answered_as_a_free_one_and_nothing_happens() {
    for (options, proven) in [(at_once(), false), (confirming(), true), (ChangeEmailOptions::default(), false)] {
        let stage = changing(options);
        let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
        if proven {
            stage.prove(&ann).await;
        }
        let answer = change(&stage, &ann, "BOB@example.com").await;
        assert_eq!((answer.status, answer.json(), answer.cookies().len()), (200, json!({"status": true}), 0));
        assert_eq!((address(&stage, &ann).await, address(&stage, &bob).await), (ann.email, bob.email));
        assert!(stage.mail().await.is_empty());
    }
}

#[tokio::test]
async fn contract_11_6_an_unproven_address_can_be_changed_at_once() {
    let stage = changing(at_once());
    let ann = stage.caller("ann").await;
    let answer = change(&stage, &ann, "New@Example.com").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": true})));
    assert_eq!((answer.traces(), answer.set_auth_token()), (vec!["session_token".into()], Some(&*ann.signed())));
    assert_eq!(address(&stage, &ann).await, "new@example.com");
    let mail = stage.the_mail(MailKind::VERIFY_EMAIL).await;
    assert_eq!(&*mail.to, "new@example.com");
    assert!(jwt_parts(&mail.token)[1].starts_with(r#"{"email":"new@example.com","userId":"ann-id","iat""#));
    let proven = stage.get(link(&mail).strip_prefix("/api/auth").unwrap()).await;
    assert_eq!((proven.status, proven.header("location")), (302, Some("/done?x=1")));
    assert_eq!(stage.cell(&ann, "emailVerified").await, true.into());
}

#[tokio::test]
async fn an_unproven_address_is_changed_at_once_without_mail_too() {
    let stage = crate::support::stage_with(|builder| enabled(at_once())(builder.plugin(hallpass::Bearer::new())));
    let ann = stage.caller("ann").await;
    assert_eq!(change(&stage, &ann, "new@example.com").await.status, 200);
    assert_eq!(address(&stage, &ann).await, "new@example.com");
}

#[tokio::test]
async fn contract_11_6_the_old_address_confirms_then_the_new_one_verifies() {
    let stage = changing(confirming());
    let ann = stage.caller("ann").await;
    stage.prove(&ann).await;
    let answer = change(&stage, &ann, "New@example.com").await;
    assert_eq!((answer.status, answer.json(), answer.cookies().len()), (200, json!({"status": true}), 0));
    let mail = stage.the_mail(MailKind::CHANGE_EMAIL_CONFIRMATION).await;
    assert_eq!(
        (&*mail.to, mail.new_email.as_deref(), &*mail.user.email),
        (&*ann.email, Some("new@example.com"), &*ann.email)
    );
    let expected = r#"{"email":"ann@example.com","updateTo":"new@example.com","requestType":"change-email-confirmation","userId":"ann-id","iat":1893456000,"exp":1893459600}"#;
    assert_eq!(jwt_parts(&mail.token)[1], expected);
    assert!(mail.url.ends_with("&callbackURL=%2Fdone%3Fx%3D1"), "{}", mail.url);

    let confirmed = stage.raw(http::Method::GET, bare_link(&mail)).await;
    assert_eq!((confirmed.status, address(&stage, &ann).await), (200, ann.email.clone()));
    let second = stage.the_mail(MailKind::VERIFY_EMAIL).await;
    assert_eq!(&*second.to, "new@example.com");
    let verified = stage.raw(http::Method::GET, bare_link(&second)).await;
    assert_eq!((verified.status, address(&stage, &ann).await), (200, "new@example.com".into()));
    assert_eq!(stage.cell(&ann, "emailVerified").await, true.into());
    for used in [&mail, &second] {
        let again = stage.raw(http::Method::GET, bare_link(used)).await;
        assert_eq!(again.code(), (401, "INVALID_TOKEN".into()));
    }
    assert!(stage.mail().await.is_empty());
}

#[tokio::test]
async fn contract_11_6_otherwise_the_new_address_is_asked_alone() {
    for (options, proven) in [
        (ChangeEmailOptions::default(), true),
        (ChangeEmailOptions::default(), false),
        (confirming(), false),
        (at_once(), true),
    ] {
        let stage = changing(options.clone());
        let ann = stage.caller("ann").await;
        if proven {
            stage.prove(&ann).await;
        }
        assert_eq!(change(&stage, &ann, "new@example.com").await.status, 200);
        let mail = stage.the_mail(MailKind::VERIFY_EMAIL).await;
        assert_eq!((&*mail.to, address(&stage, &ann).await), ("new@example.com", ann.email.clone()), "{options:?}");
        assert!(jwt_parts(&mail.token)[1].contains(r#""requestType":"change-email-verification""#), "{options:?}");
        assert_eq!(stage.raw(http::Method::GET, bare_link(&mail)).await.status, 200);
        assert_eq!(address(&stage, &ann).await, "new@example.com", "{options:?}");
        assert_eq!(stage.cell(&ann, "emailVerified").await, proven.into(), "{options:?}");
    }
}

#[tokio::test]
async fn the_session_is_asked_of_the_store() {
    let stage = changing(at_once());
    let ann = stage.caller("ann").await;
    stage.forget(&ann.token).await;
    assert_eq!(change(&stage, &ann, "new@example.com").await.code(), (401, "UNAUTHORIZED".into()));
}

#[tokio::test]
async fn in_process_it_answers_with_types() {
    let stage = changing(at_once());
    let ann = stage.caller("ann").await;
    let input = ChangeEmail { new_email: "new@example.com".parse().unwrap(), callback_url: None };
    let changed = stage.auth.api().change_email(input, &ann.headers()).await.unwrap();
    assert_eq!((changed.status, changed.headers.contains_key("set-auth-token")), (true, true));
}
