//! Mail to whoever signs up, and what strangers must not learn there (CONTRACT §11.3).

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use hallpass::{
    ApiError, Callbacks, Context,
    mail::MailKind,
    options::{EmailAndPassword, EmailVerification},
    plugin::{DatabaseHooks, HookFuture, Verdict},
    store::{Row, User, Value as Cell},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Stage, bare_link, jwt_parts, stage_with_mail};

async fn sign_up(stage: &Stage, email: &str) -> Answer {
    let body = json!({"name": "New", "email": email, "password": PASSWORD, "callbackURL": "/in?x=1"});
    stage.post("/sign-up/email").json(body).await
}

fn requiring() -> EmailAndPassword {
    EmailAndPassword { require_email_verification: true, ..EmailAndPassword::default() }
}

#[tokio::test]
async fn contract_11_3_mail_goes_out_where_proof_is_required_or_where_it_is_asked_for() {
    for (required, on_sign_up, mails) in
        [(false, None, 0), (true, None, 1), (false, Some(true), 1), (true, Some(false), 0)]
    {
        let password = EmailAndPassword { require_email_verification: required, ..EmailAndPassword::default() };
        let verification = EmailVerification { send_on_sign_up: on_sign_up, ..EmailVerification::default() };
        let stage = stage_with_mail(|it| it.email_and_password(password).email_verification(verification));
        let answer = sign_up(&stage, "New@example.com").await;
        assert_eq!((answer.status, answer.json()["token"].is_null()), (200, required), "{required} {on_sign_up:?}");
        assert_eq!(stage.mail().await.len(), mails, "{required} {on_sign_up:?}");
    }
}

#[tokio::test]
async fn contract_11_3_the_link_proves_the_address_and_leads_to_the_callback_url() {
    let stage = stage_with_mail(|builder| builder.email_and_password(requiring()));
    let answer = sign_up(&stage, "New@example.com").await;
    let mail = stage.the_mail(MailKind::VERIFY_EMAIL).await;
    assert_eq!((&*mail.to, mail.user.id.as_str()), ("new@example.com", answer.json()["user"]["id"].as_str().unwrap()));
    assert!(
        mail.url.ends_with(&format!("/verify-email?token={}&callbackURL=%2Fin%3Fx%3D1", mail.token)),
        "{}",
        mail.url
    );
    let claims: Value = serde_json::from_str(&jwt_parts(&mail.token)[1]).unwrap();
    assert_eq!((&claims["email"], &claims["userId"]), (&json!("new@example.com"), &answer.json()["user"]["id"]));
    let sign_in = async || {
        let body = json!({"email": "new@example.com", "password": PASSWORD});
        stage.post("/sign-in/email").json(body).await.status
    };
    assert_eq!(sign_in().await, 403);
    assert_eq!(stage.raw(http::Method::GET, bare_link(&mail)).await.status, 200);
    assert_eq!(sign_in().await, 200);
}

#[tokio::test]
async fn contract_11_3_nothing_is_mailed_for_a_taken_address_or_a_sign_up_that_failed() {
    let stage = stage_with_mail(|builder| builder.email_and_password(requiring()));
    stage.caller("ann").await;
    let answer = sign_up(&stage, "ann@example.com").await;
    assert_eq!((answer.status, answer.json()["user"]["email"].clone()), (200, json!("ann@example.com")));
    assert!(stage.mail().await.is_empty());
    stage.faults.set(crate::support::Fault::WritesAway);
    assert_eq!(sign_up(&stage, "new@example.com").await.status, 503);
    assert!(stage.mail().await.is_empty());
}

/// Refuses users of one domain, or calls them off.
struct Gatekeeper(Result<Verdict, StatusCode>);

impl DatabaseHooks for Gatekeeper {
    fn before_create<'a>(&'a self, _: &'a Context, table: &'a str, row: &'a mut Row) -> HookFuture<'a, Verdict> {
        let is_barred = table == "user"
            && row.get("email").and_then(Cell::as_text).is_some_and(|it| it.ends_with("@barred.example"));
        let verdict = match self.0 {
            _ if !is_barred => Ok(Verdict::Proceed),
            Ok(verdict) => Ok(verdict),
            Err(status) => Err(ApiError::coded(status, "BARRED", "Barred")),
        };
        Box::pin(async move { verdict })
    }
}

#[tokio::test]
async fn contract_11_3_a_hook_that_forbids_an_address_tells_strangers_nothing_where_nothing_is_told() {
    for (password, told) in [
        (requiring(), false),
        (EmailAndPassword { auto_sign_in: false, ..EmailAndPassword::default() }, false),
        (EmailAndPassword::default(), true),
    ] {
        let stage = stage_with_mail(|it| {
            it.email_and_password(password).database_hooks(Gatekeeper(Err(StatusCode::FORBIDDEN)))
        });
        let barred = sign_up(&stage, "x@barred.example").await;
        assert!(stage.rows("user").await.is_empty() && stage.mail().await.is_empty());
        if told {
            assert_eq!(barred.code(), (403, "BARRED".into()));
            continue;
        }
        let free = sign_up(&stage, "x@free.example").await;
        let keys = |answer: &Answer| answer.json()["user"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!((barred.status, &barred.json()["token"], keys(&barred)), (200, &Value::Null, keys(&free)));
        assert_eq!(barred.headers.len(), free.headers.len());
    }
}

#[tokio::test]
async fn a_hook_that_refuses_otherwise_is_heard() {
    for (refusal, code) in
        [(Err(StatusCode::BAD_REQUEST), (400, "BARRED")), (Ok(Verdict::Cancel), (400, "FAILED_TO_CREATE_USER"))]
    {
        let stage = stage_with_mail(|it| it.email_and_password(requiring()).database_hooks(Gatekeeper(refusal)));
        assert_eq!(sign_up(&stage, "x@barred.example").await.code(), (code.0, code.1.into()));
    }
}

/// Notes who signed up with a taken address; makes invented users up.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Callbacks for Told {
    fn on_existing_user_sign_up(&self, user: User) -> BoxFuture<'static, Result<(), ApiError>> {
        let told = Arc::clone(&self.0);
        Box::pin(async move {
            told.lock().unwrap().push(user.id.to_string());
            Err(ApiError::coded(StatusCode::IM_A_TEAPOT, "X", "a failure is logged and no more"))
        })
    }
    fn synthetic_user(&self, mut invented: User) -> User {
        invented.image = Some("https://example.com/none.png".into());
        invented
    }
}

#[tokio::test]
async fn the_owner_of_a_taken_address_can_be_told_and_the_invented_user_made_up() {
    let told = Told::default();
    let stage = stage_with_mail(|it| it.email_and_password(requiring()).callbacks(told.clone()));
    let ann = stage.caller("ann").await;
    let answer = sign_up(&stage, &ann.email).await;
    assert_eq!((answer.status, &answer.json()["user"]["image"]), (200, &json!("https://example.com/none.png")));
    stage.auth.finish_background_work().await;
    assert_eq!(std::mem::take(&mut *told.0.lock().unwrap()), [ann.id]);
    let free = sign_up(&stage, "new@example.com").await;
    assert_eq!((&free.json()["user"]["image"], told.0.lock().unwrap().len()), (&Value::Null, 0));

    let told = Told::default();
    let open = stage_with_mail(|it| it.callbacks(told.clone()));
    let ann = open.caller("ann").await;
    assert_eq!(sign_up(&open, &ann.email).await.status, 422);
    open.auth.finish_background_work().await;
    assert!(told.0.lock().unwrap().is_empty(), "whoever signed up was told themselves");
}
