//! `/sign-in/email` (CONTRACT §11.4).

use hallpass::{
    Bearer, Context,
    endpoints::SignInEmail,
    options::EmailAndPassword,
    plugin::{DatabaseHooks, HookFuture, Verdict},
    store::{Batch, Filter, Row, Value as Cell},
};
use http::HeaderMap;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Stage, stage, stage_with, traces};

fn with(options: EmailAndPassword) -> Stage {
    stage_with(|builder| builder.plugin(Bearer::new()).email_and_password(options))
}

/// Signs in as Ann, with this on top or instead.
async fn sign_in(stage: &Stage, more: Value) -> Answer {
    let mut body = json!({"email": "ann@example.com", "password": PASSWORD});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.post("/sign-in/email").json(body).await
}

#[tokio::test]
async fn it_answers_with_a_new_session_and_the_user() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = sign_in(&stage, json!({"email": "ANN@Example.com"})).await;
    assert_eq!((answer.status, answer.traces()), (200, vec!["session_token".into()]));
    let token = answer.json()["token"].clone();
    assert_ne!(token, ann.token);
    let user = stage.get("/get-session").by(&ann).await.json()["user"].take();
    assert_eq!(answer.json(), json!({"redirect": false, "token": token, "user": user}));
    assert_eq!(stage.tokens().await.len(), 2, "the first session goes on");
}

#[tokio::test]
async fn a_callback_url_is_repeated_and_the_status_stays_200() {
    let stage = stage();
    stage.caller("ann").await;
    for (given, redirect, location) in [("/next?x=1", true, Some("/next?x=1")), ("", false, None)] {
        let answer = sign_in(&stage, json!({"callbackURL": given})).await;
        assert_eq!((answer.status, answer.header("location")), (200, location));
        assert_eq!((&answer.json()["url"], &answer.json()["redirect"]), (&json!(given), &json!(redirect)));
    }
    let foreign = sign_in(&stage, json!({"callbackURL": "https://evil.example"})).await;
    assert_eq!(foreign.code(), (403, "INVALID_CALLBACK_URL".into()));
}

#[tokio::test]
async fn a_callback_url_that_fits_no_header_is_500_and_leaves_no_session() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = sign_in(&stage, json!({"callbackURL": "/€"})).await;
    assert_eq!((answer.status, answer.text(), answer.headers.len()), (500, "", 0));
    assert_eq!(stage.tokens().await, [ann.token], "a session whose token nobody was told");
}

#[tokio::test]
async fn it_can_be_switched_off_but_not_by_disabling_sign_up() {
    let off = with(EmailAndPassword { enabled: false, ..EmailAndPassword::default() });
    let answer = sign_in(&off, json!({"email": "nonsense"})).await;
    assert_eq!(answer.code(), (400, "EMAIL_PASSWORD_DISABLED".into()), "before the address is looked at");
    assert_eq!(answer.message().1, "Email and password is not enabled");
    let stage = with(EmailAndPassword { disable_sign_up: true, ..EmailAndPassword::default() });
    stage.caller("ann").await;
    assert_eq!(sign_in(&stage, json!({})).await.status, 200);
}

#[tokio::test]
async fn what_is_no_address_has_an_error_of_its_own() {
    let stage = stage();
    for email in
        ["", "ann", "ann@example", " ann@example.com", "ann@example.com ", "a..b@example.com", "änn@example.com"]
    {
        let answer = sign_in(&stage, json!({"email": email, "password": "x".repeat(200)})).await;
        assert_eq!(
            (answer.code(), answer.message().1),
            ((400, "INVALID_EMAIL".into()), "Invalid email".into()),
            "{email:?}"
        );
    }
}

#[tokio::test]
async fn a_password_has_a_maximum_and_no_minimum() {
    let stage = stage();
    stage.caller("ann").await;
    assert_eq!(sign_in(&stage, json!({"password": "x".repeat(129)})).await.code(), (400, "PASSWORD_TOO_LONG".into()));
    assert_eq!(sign_in(&stage, json!({"password": ""})).await.code(), (401, "INVALID_EMAIL_OR_PASSWORD".into()));
}

#[tokio::test]
async fn every_reason_not_to_let_somebody_in_is_the_same_answer() {
    let stage = stage();
    for name in ["ann", "social", "empty"] {
        stage.caller(name).await;
    }
    let account = |id: &str| Filter::eq("id", id);
    let empty = Row::new().with("password", "");
    stage
        .write(Batch::new().delete("account", account("social-account")).update(
            "account",
            account("empty-account"),
            empty,
        ))
        .await;
    let sessions = stage.tokens().await.len();
    let expected = (401, r#"{"message":"Invalid email or password","code":"INVALID_EMAIL_OR_PASSWORD"}"#.to_owned());
    for (email, password) in [
        ("nobody@example.com", PASSWORD),
        ("social@example.com", PASSWORD),
        ("empty@example.com", PASSWORD),
        ("empty@example.com", ""),
        ("ann@example.com", "Password123"),
        ("ann@example.com", "password123 "),
    ] {
        let answer = sign_in(&stage, json!({"email": email, "password": password})).await;
        assert_eq!((answer.status, answer.text().to_owned()), expected, "{email} {password}");
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(stage.tokens().await.len(), sessions);
}

#[tokio::test]
async fn an_account_of_another_provider_with_a_password_lets_nobody_in() {
    let stage = stage();
    stage.caller("ann").await;
    let set = Row::new().with("providerId", "github");
    stage.write(Batch::new().update("account", Filter::All, set)).await;
    assert_eq!(sign_in(&stage, json!({})).await.status, 401);
}

#[tokio::test]
async fn a_password_is_normalised_before_it_is_compared() {
    let stage = stage();
    stage.caller("ann").await;
    let hash = "00112233445566778899aabbccddeeff:5cd3d14c124c4c024b508d6947c57c13cbc1a215e05d704d568a77d1e7d7c5f3c44a77f517d19ebcf7c04565a3ec2626c2e6434e288f88d411ee972b7e15b7b1";
    stage.write(Batch::new().update("account", Filter::All, Row::new().with("password", hash))).await;
    for (password, status) in [("Ⅷ①", 200), ("VIII1", 200), ("viii1", 401)] {
        assert_eq!(sign_in(&stage, json!({"password": password})).await.status, status, "{password}");
    }
}

#[tokio::test]
async fn a_stored_hash_without_both_parts_is_500_without_a_word() {
    let stage = stage();
    stage.caller("ann").await;
    for hash in ["nocolon", ":key", "salt:"] {
        stage.write(Batch::new().update("account", Filter::All, Row::new().with("password", hash))).await;
        let answer = sign_in(&stage, json!({})).await;
        assert_eq!((answer.status, answer.text(), answer.header("content-type")), (500, "", None), "{hash}");
    }
}

#[tokio::test]
async fn where_verification_is_required_it_comes_after_the_password() {
    let stage = with(EmailAndPassword { require_email_verification: true, ..EmailAndPassword::default() });
    stage.caller("ann").await;
    let answer = sign_in(&stage, json!({})).await;
    assert_eq!((answer.code(), answer.message().1), ((403, "EMAIL_NOT_VERIFIED".into()), "Email not verified".into()));
    assert!(answer.cookies().is_empty());
    assert_eq!(sign_in(&stage, json!({"password": "wrong"})).await.status, 401, "strangers learn nothing");
    stage.write(Batch::new().update("user", Filter::All, Row::new().with("emailVerified", Cell::Boolean(true)))).await;
    assert_eq!(sign_in(&stage, json!({})).await.status, 200);
}

#[tokio::test]
async fn a_password_that_is_changed_while_it_is_compared_opens_no_session() {
    let account = || Filter::eq("id", "ann-account");
    for meanwhile in [
        Batch::new().update("account", account(), Row::new().with("password", "another:hash")),
        Batch::new().delete("account", account()),
        Batch::new().delete("user", Filter::All),
    ] {
        let stage = stage();
        stage.caller("ann").await;
        let mut signing_in = Box::pin(sign_in(&stage, json!({})));
        assert!(futures_util::poll!(&mut signing_in).is_pending(), "the password is being hashed");
        stage.write(meanwhile).await;
        let before = stage.tokens().await;
        let answer = signing_in.await;
        assert_eq!((answer.code(), answer.cookies().len()), ((401, "INVALID_EMAIL_OR_PASSWORD".into()), 0));
        assert_eq!(stage.tokens().await, before);
    }
}

#[tokio::test]
async fn in_process_it_answers_with_types_and_the_headers_of_a_new_session() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let mut input = SignInEmail::new(&*ann.email, PASSWORD);
    input.callback_url = Some("/next".into());
    let signed_in = stage.auth.api().sign_in_email(input, &HeaderMap::new()).await.unwrap();
    assert_eq!((signed_in.redirect, signed_in.url.as_deref(), &*signed_in.user.name), (true, Some("/next"), "ann"));
    assert_eq!(
        (traces(&signed_in.headers), &signed_in.headers["location"]),
        (vec!["session_token".into()], &"/next".parse::<http::HeaderValue>().unwrap())
    );
    let wrong = SignInEmail::new(&*ann.email, "wrong");
    let refusal = stage.auth.api().sign_in_email(wrong, &HeaderMap::new()).await.unwrap_err();
    assert_eq!((refusal.code(), refusal.headers().len()), (Some("INVALID_EMAIL_OR_PASSWORD"), 0));
}

/// Stands for whatever happens between the check of a password and the moment the session is written.
struct PasswordChangedMeanwhile;

impl DatabaseHooks for PasswordChangedMeanwhile {
    fn before_create<'a>(&'a self, cx: &'a Context, table: &'a str, _: &'a mut Row) -> HookFuture<'a, Verdict> {
        Box::pin(async move {
            if table == "session" && cx.request().path() == "/sign-in/email" {
                let everyone = Filter::All;
                let change = Batch::new()
                    .update("account", everyone.clone(), Row::new().with("password", "another:hash"))
                    .delete("session", everyone);
                cx.store().write(cx.schema(), change).await?;
            }
            Ok(Verdict::Proceed)
        })
    }
}

/// Who changes their password and ends all sessions shuts somebody out: no sign-in that began before may open a new session.
#[tokio::test]
async fn a_password_changed_while_it_was_checked_opens_no_session() {
    let stage = stage_with(|builder| builder.plugin(Bearer::new()).database_hooks(PasswordChangedMeanwhile));
    stage.caller("ann").await;
    let answer = sign_in(&stage, json!({})).await;
    assert_eq!(answer.code(), (401, "INVALID_EMAIL_OR_PASSWORD".into()));
    assert!(answer.traces().is_empty() && stage.tokens().await.is_empty());
}
