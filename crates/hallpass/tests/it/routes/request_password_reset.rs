//! `/request-password-reset` (CONTRACT §11.8).

use std::time::Duration;

use hallpass::{
    Bearer,
    endpoints::RequestPasswordReset,
    mail::MailKind,
    options::{EmailAndPassword, Span},
};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Answer, Fault, Stage, stage, stage_with_mail};

const MESSAGE: &str = "If this email exists in our system, check your email for the reset link";

async fn request(stage: &Stage, body: Value) -> Answer {
    stage.post("/request-password-reset").json(body).await
}

#[tokio::test]
async fn contract_11_8_without_a_sender_it_is_disabled() {
    let off = EmailAndPassword { send_reset_password: Some(false), ..EmailAndPassword::default() };
    for stage in [stage(), stage_with_mail(|builder| builder.email_and_password(off))] {
        stage.caller("ann").await;
        for email in ["ann@example.com", "nobody@example.com"] {
            let answer = request(&stage, json!({"email": email})).await;
            assert_eq!(
                (answer.code(), answer.message().1),
                ((400, "RESET_PASSWORD_DISABLED".into()), "Reset password isn't enabled".into())
            );
        }
        assert!(stage.rows("verification").await.is_empty());
        assert_eq!(request(&stage, json!({"email": "x"})).await.code().1, "VALIDATION_ERROR", "after validation");
    }
}

#[tokio::test(start_paused = true)]
async fn contract_11_8_every_address_gets_the_same_answer_in_the_same_time() {
    let stage = stage_with_mail(|builder| builder);
    stage.caller("ann").await;
    for (email, mails) in [("ann@example.com", 1), ("ANN@Example.com", 1), ("nobody@example.com", 0)] {
        let begun = Instant::now();
        let answer = request(&stage, json!({"email": email})).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"status": true, "message": MESSAGE})), "{email}");
        assert_eq!((begun.elapsed(), answer.headers.len()), (Duration::from_millis(100), 1), "{email}");
        assert_eq!((stage.mail().await.len(), stage.rows("session").await.len()), (mails, 1), "{email}");
    }
}

#[tokio::test(start_paused = true)]
async fn contract_11_8_the_mail_and_the_row() {
    let stage = stage_with_mail(|builder| builder);
    let ann = stage.caller("ann").await;
    for (redirect_to, encoded) in [(json!("/new?x=1"), "%2Fnew%3Fx%3D1"), (json!(""), "")] {
        request(&stage, json!({"email": ann.email, "redirectTo": redirect_to})).await;
        let mail = stage.the_mail(MailKind::RESET_PASSWORD).await;
        assert_eq!((&*mail.to, mail.user.id.as_str()), (&*ann.email, &*ann.id));
        assert!(
            mail.token.len() == 24 && mail.token.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{}",
            mail.token
        );
        assert_eq!(
            mail.url,
            format!("http://localhost:3000/api/auth/reset-password/{}?callbackURL={encoded}", mail.token)
        );
        let row = stage.rows("verification").await.pop().unwrap();
        let text = |column: &str| row.get(column).unwrap().as_text().unwrap().to_owned();
        assert_eq!((text("identifier"), text("value")), (format!("reset-password:{}", mail.token), ann.id.clone()));
        assert_eq!(row.get("expiresAt").unwrap(), &(stage.now() + Duration::from_hours(1)).into());
    }
    request(&stage, json!({"email": ann.email})).await;
    assert!(stage.the_mail(MailKind::RESET_PASSWORD).await.url.ends_with("?callbackURL="));
    assert_eq!(stage.rows("verification").await.len(), 3, "several may be good at once");
}

#[tokio::test(start_paused = true)]
async fn the_life_of_the_token_can_be_set_and_0_is_an_hour() {
    for (span, life) in [(60, Duration::from_mins(1)), (0, Duration::from_hours(1))] {
        let options =
            EmailAndPassword { reset_password_token_expires_in: Some(Span::from_secs(span)), ..Default::default() };
        let stage = stage_with_mail(|builder| builder.email_and_password(options));
        stage.caller("ann").await;
        request(&stage, json!({"email": "ann@example.com"})).await;
        assert_eq!(stage.column("verification", "expiresAt").await, [(stage.now() + life).into()], "{span}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mailer_of_its_own_carries_it_although_the_switch_is_off() {
    let off = EmailAndPassword { send_reset_password: Some(false), ..EmailAndPassword::default() };
    let own = crate::support::Mails::default();
    let mailer = own.mailer();
    let mut stage = crate::support::stage_with(|builder| {
        builder.plugin(Bearer::new()).email_and_password(off).mailer_for(MailKind::RESET_PASSWORD, mailer)
    });
    stage.mails = own;
    stage.caller("ann").await;
    assert_eq!(request(&stage, json!({"email": "ann@example.com"})).await.status, 200);
    assert_eq!(stage.mail().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_could_not_be_stored_is_not_mailed() {
    let stage = stage_with_mail(|builder| builder);
    stage.caller("ann").await;
    stage.faults.set(Fault::WritesAway);
    assert_eq!(request(&stage, json!({"email": "ann@example.com"})).await.status, 503);
    assert!(stage.mail().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn in_process_nobody_is_held_back() {
    let stage = stage_with_mail(|builder| builder);
    stage.caller("ann").await;
    let begun = Instant::now();
    for email in ["ann@example.com", "nobody@example.com"] {
        let input = RequestPasswordReset { email: email.parse().unwrap(), redirect_to: None };
        let requested = stage.auth.api().request_password_reset(input, &HeaderMap::new()).await.unwrap();
        assert_eq!((requested.status, requested.message), (true, MESSAGE));
    }
    assert_eq!((begun.elapsed(), stage.mail().await.len()), (Duration::ZERO, 1));
}
