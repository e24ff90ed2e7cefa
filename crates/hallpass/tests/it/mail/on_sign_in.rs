//! Mail to whoever signs in before their address is proven (CONTRACT §11.4).

use hallpass::{
    mail::MailKind,
    options::{EmailAndPassword, EmailVerification},
};
use serde_json::json;

use crate::support::{PASSWORD, Stage, stage_with_mail};

fn stage(on_sign_in: bool, required: bool) -> Stage {
    let password = EmailAndPassword { require_email_verification: required, ..EmailAndPassword::default() };
    let verification = EmailVerification { send_on_sign_in: on_sign_in, ..EmailVerification::default() };
    stage_with_mail(|builder| builder.email_and_password(password).email_verification(verification))
}

#[tokio::test]
async fn contract_11_4_an_unproven_address_is_403_and_asked_again_where_that_is_wanted() {
    for (on_sign_in, required, status, mails) in
        [(true, true, 403, 1), (false, true, 403, 0), (true, false, 200, 0), (false, false, 200, 0)]
    {
        let stage = stage(on_sign_in, required);
        let ann = stage.caller("ann").await;
        let body = json!({"email": ann.email, "password": PASSWORD, "callbackURL": "/in"});
        let answer = stage.post("/sign-in/email").json(body).await;
        assert_eq!(answer.status, status, "{on_sign_in} {required}");
        if status == 403 {
            assert_eq!(
                (answer.code().1, answer.message().1),
                ("EMAIL_NOT_VERIFIED".into(), "Email not verified".into())
            );
            assert_eq!((answer.cookies().len(), stage.tokens().await.len()), (0, 1));
        }
        let mail = stage.mail().await;
        assert_eq!(mail.len(), mails, "{on_sign_in} {required}");
        assert!(
            mail.iter().all(|mail| mail.kind == MailKind::VERIFY_EMAIL && mail.url.ends_with("&callbackURL=%2Fin"))
        );
    }
}

#[tokio::test]
async fn only_the_right_password_sends_mail_and_a_proven_address_gets_none() {
    let stage = stage(true, true);
    let ann = stage.caller("ann").await;
    let sign_in = async |password: &str| {
        stage.post("/sign-in/email").json(json!({"email": ann.email, "password": password})).await.status
    };
    assert_eq!(sign_in("wrong password").await, 401);
    assert!(stage.mail().await.is_empty(), "or anybody could fill Ann's mailbox");
    stage.prove(&ann).await;
    assert_eq!((sign_in(PASSWORD).await, stage.mail().await.len()), (200, 0));
}
