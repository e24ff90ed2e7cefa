//! Mail never delays a request and never makes it fail.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hallpass::{
    Bearer, Environment, Hallpass,
    mail::{Mail, MailError, MailKind},
    options::{ChangeEmailOptions, DeleteUserOptions, EmailAndPassword, EmailVerification, UserOptions},
    store::MemoryStore,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Answer, PASSWORD, Stage, stage_with, stage_with_mail};

/// Every endpoint that sends mail, as Ann calls it, and how long its answer takes whatever happens to the mail. Nothing is said of those
/// that hash a password, for while they wait the paused clock runs on.
fn sending() -> [(&'static str, bool, Value, Option<Duration>); 7] {
    let at_once = Some(Duration::ZERO);
    [
        ("/send-verification-email", false, json!({"email": "ann@example.com"}), Some(Duration::from_millis(500))),
        ("/send-verification-email", true, json!({"email": "ann@example.com"}), at_once),
        ("/request-password-reset", false, json!({"email": "ann@example.com"}), Some(Duration::from_millis(100))),
        ("/change-email", true, json!({"newEmail": "new@example.com"}), at_once),
        ("/delete-user", true, json!({}), at_once),
        ("/sign-up/email", false, json!({"name": "N", "email": "n@example.com", "password": PASSWORD}), None),
        ("/sign-in/email", false, json!({"email": "ann@example.com", "password": PASSWORD}), None),
    ]
}

/// Everything that can send mail does.
fn options(builder: hallpass::Builder) -> hallpass::Builder {
    let user = UserOptions {
        change_email: ChangeEmailOptions { enabled: true, ..ChangeEmailOptions::default() },
        delete_user: DeleteUserOptions {
            enabled: true,
            send_delete_account_verification: Some(true),
            ..DeleteUserOptions::default()
        },
        ..UserOptions::default()
    };
    let verification = EmailVerification { send_on_sign_in: true, ..EmailVerification::default() };
    let password = EmailAndPassword { require_email_verification: true, ..EmailAndPassword::default() };
    builder.user(user).email_verification(verification).email_and_password(password)
}

async fn send(stage: &Stage, path: &str, by_ann: bool, body: Value) -> Answer {
    let call = stage.post(path).json(body);
    if by_ann { call.bearer(&format!("{:T<32}", "ann")).await } else { call.await }
}

/// A stage whose mailer does this, and how often it was called.
fn carried_by<F>(carry: impl Fn() -> F + Send + Sync + 'static) -> (Stage, Arc<AtomicUsize>)
where
    F: Future<Output = Result<(), MailError>> + Send + 'static,
{
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let mailer = move |_: Mail| {
        counted.fetch_add(1, Ordering::SeqCst);
        carry()
    };
    (stage_with(|builder| options(builder.plugin(Bearer::new())).mailer(mailer)), calls)
}

#[tokio::test(start_paused = true)]
async fn a_mailer_that_hangs_fails_or_panics_changes_no_answer_and_delays_none() {
    for (path, by_ann, body, held) in sending() {
        let well = stage_with_mail(options);
        well.caller("ann").await;
        let expected = send(&well, path, by_ann, body.clone()).await;
        assert_eq!(well.mail().await.len(), 1, "{path}");
        let stages = [
            carried_by(std::future::pending),
            carried_by(|| std::future::ready(Err(MailError::temporary("the line is busy")))),
            carried_by(|| std::future::ready(Err(MailError::permanent("no such mailbox")))),
            carried_by(|| async { panic!("a mailer with a bug") }),
        ];
        for (stage, calls) in stages {
            stage.caller("ann").await;
            let begun = Instant::now();
            let answer = send(&stage, path, by_ann, body.clone()).await;
            assert!(held.is_none_or(|held| begun.elapsed() == held), "{path}");
            assert_eq!((answer.status, answer.traces()), (expected.status, expected.traces()), "{path}");
            assert_eq!(answer.body.len(), expected.body.len(), "{path}");
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert_eq!(calls.load(Ordering::SeqCst), 1, "{path}: the mail was tried");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_fails_for_now_arrives_later() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let (stage, calls) = carried_by(move || {
        let fails = counted.fetch_add(1, Ordering::SeqCst) < 2;
        async move { if fails { Err(MailError::temporary("busy")) } else { Ok(()) } }
    });
    stage.caller("ann").await;
    assert_eq!(send(&stage, "/delete-user", true, json!({})).await.status, 200);
    stage.auth.finish_background_work().await;
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn each_kind_goes_to_its_own_mailer_and_the_rest_to_the_general_one() {
    let (general, resets) = (crate::support::Mails::default(), crate::support::Mails::default());
    let (every, own) = (general.mailer(), resets.mailer());
    let mut stage = stage_with(|builder| {
        options(builder.plugin(Bearer::new())).mailer(every).mailer_for(MailKind::RESET_PASSWORD, own)
    });
    stage.caller("ann").await;
    for (path, by_ann, body, _) in sending() {
        send(&stage, path, by_ann, body).await;
    }
    stage.mails = resets;
    stage.the_mail(MailKind::RESET_PASSWORD).await;
    stage.mails = general;
    assert_eq!(stage.mail().await.len(), 6);
}

#[test]
fn what_opens_an_account_does_not_print() {
    let ann = hallpass::store::User::new(
        hallpass::store::UserId::new("u1"),
        "Ann",
        "ann@example.com",
        hallpass::store::Timestamp::from_millis(0),
    );
    let mail = Mail::new(MailKind::RESET_PASSWORD, ann, "Reset", "https://h/secret-link".into(), "secret-token".into());
    let printed = format!("{mail:?} {mail:#?}");
    assert!(printed.contains("reset-password") && !printed.contains("secret"), "{printed}");
}

#[test]
fn in_production_mail_needs_a_base_url() {
    let builder = || Hallpass::builder().secret("a secret of at least thirty-two characters").store(MemoryStore::new());
    let mailer = || |_: Mail| std::future::ready(Ok::<(), MailError>(()));
    let every = builder().mailer(mailer()).build().unwrap_err().to_string();
    let single = builder().mailer_for(MailKind::DELETE_ACCOUNT, mailer()).build().unwrap_err().to_string();
    for said in [every, single] {
        assert!(said.starts_with("base_url is required where mail is sent"), "{said}");
    }
    for builder in [
        builder(),
        builder().mailer(mailer()).base_url("https://api.example.com"),
        builder().mailer(mailer()).environment(Environment::Development),
    ] {
        builder.build().unwrap();
    }
}
