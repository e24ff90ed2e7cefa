//! `/verify-email` (CONTRACT §11.7): what a link in a mail does.

use std::time::Duration;

use hallpass::{endpoints::VerifyEmail, mail::MailKind, options::EmailVerification};
use hallpass_verify::component;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::support::{
    Answer, Caller, DAY, ORIGIN, START, Stage, jwt, jwt_by, jwt_parts, sign, stage, stage_with_mail, traces,
};

fn signing_in() -> Stage {
    let options = EmailVerification { auto_sign_in_after_verification: true, ..EmailVerification::default() };
    stage_with_mail(|builder| builder.email_verification(options))
}

/// Claims that are good for an hour, with `more`.
fn claims(more: &Value) -> Value {
    let mut claims = json!({"iat": START / 1000, "exp": START / 1000 + 3600});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

/// A token that proves a caller's address.
fn proof(caller: &Caller) -> String {
    jwt(&claims(&json!({"email": caller.email, "userId": caller.id})))
}

/// A token that is one step of the change of a caller's address.
fn change(caller: &Caller, new_email: &str, step: &str) -> String {
    jwt(&claims(&json!({"email": caller.email, "updateTo": new_email, "requestType": step, "userId": caller.id})))
}

const CONFIRMS: &str = "change-email-confirmation";
const VERIFIES: &str = "change-email-verification";

async fn follow(stage: &Stage, token: &str, next: Option<&str>) -> Answer {
    let next = next.map(|url| format!("&callbackURL={}", component::encode(url))).unwrap_or_default();
    stage.get(&format!("/verify-email?token={token}{next}")).await
}

/// The link is refused: in JSON without a way back, by a redirect with one.
async fn is_refused(stage: &Stage, token: &str, code: &str) {
    let plain = follow(stage, token, None).await;
    assert_eq!((plain.code(), plain.header("location")), ((401, code.into()), None));
    assert_eq!(follow(stage, token, Some("")).await.code().0, 401, "an empty way back is none");
    let sent = follow(stage, token, Some("/x?y=1#z")).await;
    let location = format!("/x?y=1&error={code}#z");
    assert_eq!((sent.status, sent.text(), sent.header("location")), (302, "", Some(&*location)));
    assert_eq!(sent.header("content-type"), Some("application/json"));
    let absolute = follow(stage, token, Some(&format!("{ORIGIN}/x"))).await;
    assert_eq!(absolute.header("location"), Some(&*format!("{ORIGIN}/x?error={code}")));
}

#[tokio::test]
async fn contract_11_7_an_address_is_proven_once_and_the_link_goes_on_working() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY / 48);
    for _ in 0..2 {
        let answer = follow(&stage, &proof(&ann), None).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"status": true, "user": null})));
        assert!(answer.cookies().is_empty());
        assert_eq!(stage.cell(&ann, "emailVerified").await, true.into());
        assert_eq!(stage.cell(&ann, "updatedAt").await, stage.now().into());
    }
    let sent = follow(&stage, &proof(&ann), Some("/welcome")).await;
    assert_eq!((sent.status, sent.text(), sent.header("location")), (302, "", Some("/welcome")), "relative stays so");
}

#[tokio::test]
async fn contract_11_7_a_token_without_a_user_id_proves_as_well() {
    for more in [json!({}), json!({"userId": ""}), json!({"updateTo": ""})] {
        let stage = stage();
        let ann = stage.caller("ann").await;
        let mut all = claims(&json!({"email": ann.email}));
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(follow(&stage, &jwt(&all), None).await.status, 200, "{more}");
        assert_eq!(stage.cell(&ann, "emailVerified").await, true.into(), "{more}");
    }
}

#[tokio::test]
async fn contract_11_7_an_expired_token_is_told_from_a_bad_one() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let token = proof(&ann);
    for bad in
        ["x", "a.b.c", &token[..token.len() - 2], &jwt_by("another secret", &claims(&json!({"email": ann.email})))]
    {
        is_refused(&stage, bad, "INVALID_TOKEN").await;
    }
    // The text of a key that is none: `{"alg":"none"}`, and no signature.
    let [_, body, _] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    is_refused(&stage, &format!("eyJhbGciOiJub25lIn0.{body}."), "INVALID_TOKEN").await;
    stage.clock.advance(Duration::from_millis(3_599_999));
    assert_eq!(follow(&stage, &token, None).await.status, 200, "good to the last second");
    stage.clock.advance(Duration::from_millis(1));
    is_refused(&stage, &token, "TOKEN_EXPIRED").await;
    let messages = [("x", "Invalid token"), (&*token, "Token expired")];
    for (token, message) in messages {
        assert_eq!(follow(&stage, token, None).await.message().1, message);
    }
}

#[tokio::test]
async fn contract_11_7_nobody_and_somebody_else() {
    let stage = stage();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    is_refused(&stage, &jwt(&claims(&json!({"email": "nobody@example.com"}))), "USER_NOT_FOUND").await;
    let mixed = jwt(&claims(&json!({"email": ann.email, "userId": bob.id})));
    is_refused(&stage, &mixed, "INVALID_TOKEN").await;
    assert_eq!(stage.column("user", "emailVerified").await, [false.into(), false.into()]);
}

#[tokio::test]
async fn contract_19_a_signed_token_without_an_address_is_500() {
    let stage = stage();
    for foreign in [json!({}), json!({"email": "x"}), json!({"email": 7}), json!({"email": "a@b.co", "updateTo": 7})] {
        let answer = follow(&stage, &jwt(&claims(&foreign)), Some("/x")).await;
        assert_eq!((answer.status, answer.text(), answer.headers.len()), (500, "", 0), "{foreign}");
    }
}

#[tokio::test]
async fn contract_2_2_the_token_is_required() {
    let stage = stage();
    for (query, message) in [
        ("", "[query.token] Invalid input: expected string, received undefined"),
        ("?token=a&token=b", "[query.token] Invalid input: expected string, received array"),
        ("?token=a&callbackURL=/&callbackURL=/", "[query.callbackURL] Invalid input: expected string, received array"),
    ] {
        let answer = stage.get(&format!("/verify-email{query}")).await;
        assert_eq!((answer.code().1, answer.message()), ("VALIDATION_ERROR".into(), (400, message.into())), "{query}");
    }
    assert_eq!(follow(&stage, "", None).await.code(), (401, "INVALID_TOKEN".into()));
}

#[tokio::test]
async fn contract_11_7_the_link_signs_in_where_that_is_wanted_and_only_the_first_time() {
    let stage = signing_in();
    let ann = stage.caller("ann").await;
    let answer = follow(&stage, &proof(&ann), Some("/in")).await;
    assert_eq!(
        (answer.status, answer.header("location"), answer.traces()),
        (302, Some("/in"), vec!["session_token".into()])
    );
    let tokens = stage.tokens().await;
    assert_eq!((tokens.len(), answer.set_auth_token()), (2, Some(&*sign(&tokens[1]))));
    assert_eq!(stage.get("/get-session").bearer(&tokens[1]).await.json()["user"]["emailVerified"], true);
    let again = follow(&stage, &proof(&ann), None).await;
    assert_eq!(
        (again.status, again.cookies().len(), stage.tokens().await.len()),
        (200, 0, 2),
        "a proven address signs nobody in"
    );
}

#[tokio::test]
async fn contract_11_7_whoever_is_signed_in_already_keeps_their_session() {
    let stage = signing_in();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    let path = format!("/verify-email?token={}", proof(&ann));
    let own = stage.get(&path).by(&ann).await;
    assert_eq!((own.set_auth_token(), stage.tokens().await.len()), (Some(&*ann.signed()), 2));
    // Somebody else's session is replaced by a new one of whoever proved their address.
    let path = format!("/verify-email?token={}", proof(&bob));
    let other = stage.get(&path).by(&ann).await;
    let tokens = stage.tokens().await;
    assert_eq!((tokens.len(), other.set_auth_token()), (3, Some(&*sign(&tokens[2]))));
    assert_eq!(stage.get("/get-session").bearer(&tokens[2]).await.json()["user"]["id"], json!(bob.id));
}

#[tokio::test]
async fn contract_11_7_the_session_that_a_link_begins_can_be_called_off() {
    use hallpass::{
        Context,
        plugin::{DatabaseHooks, HookFuture, Verdict},
        store::Row,
    };
    struct NoSessions;
    impl DatabaseHooks for NoSessions {
        fn before_create<'a>(&'a self, _: &'a Context, table: &'a str, _: &'a mut Row) -> HookFuture<'a, Verdict> {
            let verdict = if table == "session" { Verdict::Cancel } else { Verdict::Proceed };
            Box::pin(async move { Ok(verdict) })
        }
    }
    let options = EmailVerification { auto_sign_in_after_verification: true, ..EmailVerification::default() };
    let stage = stage_with_mail(|builder| builder.email_verification(options).database_hooks(NoSessions));
    let ann = stage.caller("ann").await;
    assert_eq!(follow(&stage, &proof(&ann), Some("/x")).await.code(), (500, "FAILED_TO_CREATE_SESSION".into()));
}

#[tokio::test]
async fn contract_11_7_the_old_address_confirms_and_the_new_one_is_asked() {
    let stage = stage_with_mail(|builder| builder);
    let ann = stage.caller("ann").await;
    stage.prove(&ann).await;
    let token = change(&ann, "new@example.com", CONFIRMS);
    for (next, encoded) in [(None, "%2F"), (Some("/done"), "%2Fdone")] {
        let answer = follow(&stage, &token, next).await;
        match next {
            None => assert_eq!((answer.status, answer.json()), (200, json!({"status": true}))),
            Some(url) => assert_eq!((answer.status, answer.header("location")), (302, Some(url))),
        }
        let mail = stage.the_mail(MailKind::VERIFY_EMAIL).await;
        assert_eq!(
            (&*mail.to, &*mail.user.email, mail.user.id.as_str()),
            ("new@example.com", "new@example.com", &*ann.id)
        );
        assert!(
            mail.url.ends_with(&format!("/verify-email?token={}&callbackURL={encoded}", mail.token)),
            "{}",
            mail.url
        );
        let expected = format!(
            r#"{{"email":"ann@example.com","updateTo":"new@example.com","requestType":"{VERIFIES}","userId":"ann-id","iat":1893456000,"exp":1893459600}}"#
        );
        assert_eq!(jwt_parts(&mail.token)[1], expected);
    }
    assert_eq!(stage.cell(&ann, "email").await, "ann@example.com".into(), "nothing has changed yet");
}

#[tokio::test]
async fn a_confirmation_whose_mail_nobody_carries_changes_nothing() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = follow(&stage, &change(&ann, "new@example.com", CONFIRMS), None).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": true})));
    assert_eq!(stage.cell(&ann, "email").await, "ann@example.com".into());
}

#[tokio::test]
async fn contract_11_7_the_new_address_is_taken_over_once_and_stays_as_proven_as_it_was() {
    for proven in [false, true] {
        let stage = stage_with_mail(|builder| builder);
        let ann = stage.caller("ann").await;
        if proven {
            stage.prove(&ann).await;
        }
        let token = change(&ann, "new@example.com", VERIFIES);
        let answer = follow(&stage, &token, None).await;
        let user = stage.get("/get-session").by(&ann).await.json()["user"].take();
        assert_eq!((answer.status, answer.json()), (200, json!({"status": true, "user": user})));
        assert_eq!((&user["email"], &user["emailVerified"]), (&json!("new@example.com"), &json!(proven)));
        assert!(answer.cookies().is_empty(), "no session was shown");
        is_refused(&stage, &token, "INVALID_TOKEN").await;
        assert!(stage.mail().await.is_empty());
    }
}

#[tokio::test]
async fn contract_11_7_a_change_sets_the_cookie_of_a_session_anew() {
    for step in [Some(VERIFIES), None, Some("else")] {
        let stage = stage();
        let ann = stage.caller("ann").await;
        let mut all = claims(&json!({"email": ann.email, "updateTo": "new@example.com", "userId": ann.id}));
        if let Some(step) = step {
            all["requestType"] = step.into();
        }
        let path = format!("/verify-email?token={}&callbackURL=/done", jwt(&all));
        let answer = stage.get(&path).by(&ann).await;
        assert_eq!((answer.status, answer.set_auth_token()), (302, Some(&*ann.signed())), "{step:?}");
    }
}

#[tokio::test]
async fn contract_11_7_a_token_of_an_older_version_changes_at_once_and_asks_again() {
    let stage = stage_with_mail(|builder| builder);
    let ann = stage.caller("ann").await;
    stage.prove(&ann).await;
    let token = jwt(&claims(&json!({"email": ann.email, "updateTo": "NEW@example.com", "userId": ann.id})));
    let answer = follow(&stage, &token, None).await;
    assert_eq!((answer.status, &answer.json()["user"]["email"]), (200, &json!("new@example.com")));
    assert_eq!(answer.json()["user"]["emailVerified"], false);
    let mail = stage.the_mail(MailKind::VERIFY_EMAIL).await;
    assert_eq!(&*mail.to, "new@example.com");
    assert!(mail.url.ends_with("&callbackURL=%2F"), "{}", mail.url);
    assert_eq!(follow(&stage, &mail.token, None).await.status, 200);
    assert_eq!(stage.cell(&ann, "emailVerified").await, true.into());
}

#[tokio::test]
async fn contract_11_7_whom_a_change_is_about_must_be_there_unchanged_and_be_who_is_signed_in() {
    let stage = stage();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    for step in [CONFIRMS, VERIFIES, "else"] {
        let with = |more: Value| {
            let mut all = claims(&json!({"email": ann.email, "updateTo": "new@example.com", "requestType": step}));
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            jwt(&all)
        };
        is_refused(&stage, &with(json!({})), "INVALID_TOKEN").await;
        is_refused(&stage, &with(json!({"userId": ""})), "INVALID_TOKEN").await;
        is_refused(&stage, &with(json!({"userId": "nobody"})), "USER_NOT_FOUND").await;
        is_refused(&stage, &with(json!({"userId": bob.id})), "INVALID_TOKEN").await;
        let path = format!("/verify-email?token={}", with(json!({"userId": ann.id})));
        let other = stage.get(&path).by(&bob).await;
        assert_eq!((other.code(), other.message().1), ((401, "INVALID_USER".into()), "Invalid user".into()));
        let sent = stage.get(&format!("{path}&callbackURL=/x")).by(&bob).await;
        assert_eq!(sent.header("location"), Some("/x?error=INVALID_USER"));
    }
    assert_eq!(stage.column("user", "email").await, [ann.email.as_str().into(), bob.email.as_str().into()]);
}

#[tokio::test]
async fn contract_3_an_address_that_was_taken_meanwhile_is_500_and_changes_nothing() {
    let stage = stage();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    let answer = follow(&stage, &change(&ann, &bob.email, VERIFIES), None).await;
    assert_eq!((answer.status, answer.text()), (500, ""));
    assert_eq!(stage.cell(&ann, "email").await, ann.email.as_str().into());
}

#[tokio::test]
async fn in_process_it_answers_with_types_and_a_redirect_is_an_error() {
    let stage = signing_in();
    let ann = stage.caller("ann").await;
    let input =
        |callback_url: Option<&str>| VerifyEmail { token: proof(&ann), callback_url: callback_url.map(Into::into) };
    let sent = stage.auth.api().verify_email(input(Some("/next")), &HeaderMap::new()).await.unwrap_err();
    assert_eq!((sent.status().as_u16(), traces(&sent.headers())), (302, vec!["session_token".into()]));
    let proven = stage.auth.api().verify_email(input(None), &HeaderMap::new()).await.unwrap();
    assert_eq!((proven.status, &proven.user), (true, &Some(None)));
    assert!(!format!("{:?}", input(None)).contains(&proof(&ann)), "a token does not print");
}
