//! `/send-verification-email` (CONTRACT §11.7).

use std::time::Duration;

use hallpass::{
    Bearer,
    endpoints::SendVerificationEmail,
    mail::MailKind,
    options::{EmailVerification, Span},
};
use http::HeaderMap;
use serde_json::json;
use tokio::time::Instant;

use crate::support::{Answer, Stage, jwt_parts, stage, stage_with_mail};

fn mailing() -> Stage {
    stage_with_mail(|builder| builder)
}

/// What is answered, and how long it took.
async fn timed(call: impl IntoFuture<Output = Answer>) -> (Answer, Duration) {
    let begun = Instant::now();
    let answer = call.await;
    (answer, begun.elapsed())
}

#[tokio::test]
async fn contract_11_7_without_a_sender_it_is_not_enabled() {
    let off = EmailVerification { send_verification_email: Some(false), ..EmailVerification::default() };
    let switched_off = stage_with_mail(|builder| builder.email_verification(off));
    for stage in [stage(), switched_off] {
        let ann = stage.caller("ann").await;
        for call in [stage.post("/send-verification-email"), stage.post("/send-verification-email").by(&ann)] {
            let answer = call.json(json!({"email": "ann@example.com"})).await;
            assert_eq!(answer.code(), (400, "VERIFICATION_EMAIL_NOT_ENABLED".into()));
            assert_eq!(answer.message().1, "Verification email isn't enabled");
        }
        let invalid = stage.post("/send-verification-email").json(json!({"email": "x"})).await;
        assert_eq!(invalid.code().1, "VALIDATION_ERROR", "after validation");
    }
}

#[tokio::test(start_paused = true)]
async fn contract_11_7_a_stranger_learns_nothing_from_answer_or_time() {
    let stage = mailing();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    stage.prove(&bob).await;
    for (email, mails) in [(&*ann.email, 1), ("ANN@Example.com", 1), (&*bob.email, 0), ("nobody@example.com", 0)] {
        let (answer, took) = timed(stage.post("/send-verification-email").json(json!({"email": email}))).await;
        assert_eq!((answer.status, answer.json(), answer.headers.len()), (200, json!({"status": true}), 1), "{email}");
        assert_eq!(took, Duration::from_millis(500), "{email}");
        assert_eq!(stage.mail().await.len(), mails, "{email}");
    }
}

#[tokio::test(start_paused = true)]
async fn contract_11_7_with_a_session_it_is_that_users_address_alone_and_at_once() {
    let stage = mailing();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    stage.prove(&bob).await;
    for (caller, email, outcome, mails) in [
        (&ann, &*ann.email, (200, ""), 1),
        (&ann, "Ann@EXAMPLE.com", (200, ""), 1),
        (&ann, &bob.email, (400, "EMAIL_MISMATCH"), 0),
        (&ann, "nobody@example.com", (400, "EMAIL_MISMATCH"), 0),
        (&bob, &bob.email, (400, "EMAIL_ALREADY_VERIFIED"), 0),
        (&bob, &ann.email, (400, "EMAIL_MISMATCH"), 0),
    ] {
        let (answer, took) =
            timed(stage.post("/send-verification-email").by(caller).json(json!({"email": email}))).await;
        assert_eq!(answer.code(), (outcome.0, outcome.1.into()), "{email}");
        assert_eq!(took, Duration::ZERO, "{email}");
        assert_eq!(stage.mail().await.len(), mails, "{email}");
    }
    let mismatch = stage.post("/send-verification-email").by(&ann).json(json!({"email": "b@b.co"})).await;
    assert_eq!(mismatch.message().1, "Email mismatch");
    let verified = stage.post("/send-verification-email").by(&bob).json(json!({"email": bob.email})).await;
    assert_eq!(verified.message().1, "Email is already verified");
}

#[tokio::test]
async fn contract_6_the_mail_holds_a_signed_token_and_the_way_back() {
    let stage = mailing();
    let ann = stage.caller("ann").await;
    for (callback_url, encoded) in [(None, "%2F"), (Some(""), "%2F"), (Some("/x?y=1#z ä"), "%2Fx%3Fy%3D1%23z%20%C3%A4")]
    {
        let mut body = json!({"email": ann.email});
        if let Some(url) = callback_url {
            body["callbackURL"] = url.into();
        }
        assert_eq!(stage.post("/send-verification-email").by(&ann).json(body).await.status, 200);
        let mail = stage.the_mail(MailKind::VERIFY_EMAIL).await;
        assert_eq!((&*mail.to, mail.user.id.as_str(), &mail.new_email), (&*ann.email, &*ann.id, &None));
        let begin = "http://localhost:3000/api/auth/verify-email";
        assert_eq!(mail.url, format!("{begin}?token={}&callbackURL={encoded}", mail.token));
        let claims = r#"{"email":"ann@example.com","userId":"ann-id","iat":1893456000,"exp":1893459600}"#;
        assert_eq!(jwt_parts(&mail.token), [r#"{"alg":"HS256"}"#, claims], "in this order");
    }
}

#[tokio::test]
async fn the_life_of_the_token_can_be_set() {
    let options = EmailVerification { expires_in: Some(Span::from_secs(60)), ..EmailVerification::default() };
    let stage = stage_with_mail(|builder| builder.email_verification(options));
    let ann = stage.caller("ann").await;
    stage.post("/send-verification-email").by(&ann).json(json!({"email": ann.email})).await;
    let mail = stage.the_mail(MailKind::VERIFY_EMAIL).await;
    assert!(jwt_parts(&mail.token)[1].ends_with(r#""iat":1893456000,"exp":1893456060}"#));
}

#[tokio::test]
async fn a_mailer_of_its_own_carries_it_although_the_switch_is_off() {
    let off = EmailVerification { send_verification_email: Some(false), ..EmailVerification::default() };
    let own = crate::support::Mails::default();
    let mailer = own.mailer();
    let mut stage = crate::support::stage_with(|builder| {
        builder.plugin(Bearer::new()).email_verification(off).mailer_for(MailKind::VERIFY_EMAIL, mailer)
    });
    stage.mails = own;
    let ann = stage.caller("ann").await;
    assert_eq!(stage.post("/send-verification-email").by(&ann).json(json!({"email": ann.email})).await.status, 200);
    assert_eq!(stage.mail().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn in_process_nobody_is_held_back() {
    let stage = mailing();
    let ann = stage.caller("ann").await;
    let begun = Instant::now();
    for email in [&*ann.email, "nobody@example.com"] {
        let input = SendVerificationEmail { email: email.parse().unwrap(), callback_url: None };
        assert!(stage.auth.api().send_verification_email(input, &HeaderMap::new()).await.unwrap().status);
    }
    assert_eq!((begun.elapsed(), stage.mail().await.len()), (Duration::ZERO, 1));
}
