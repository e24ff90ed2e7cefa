//! `/sign-up/email` (CONTRACT §11.3).

use std::time::Duration;

use hallpass::{Bearer, endpoints::SignUpEmail, options::EmailAndPassword};
use http::HeaderMap;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Stage, at, stage, stage_with, traces};

fn with(options: EmailAndPassword) -> Stage {
    stage_with(|builder| builder.plugin(Bearer::new()).email_and_password(options))
}

/// Signs up as New, with this on top or instead.
async fn sign_up(stage: &Stage, more: Value) -> Answer {
    let mut body = json!({"name": "New", "email": "new@example.com", "password": PASSWORD});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.post("/sign-up/email").json(body).await
}

#[tokio::test]
async fn it_makes_user_account_and_session_and_answers_with_all_seven_fields() {
    let stage = stage();
    let answer = sign_up(&stage, json!({"email": "New@Example.COM", "image": "https://x/y.png"})).await;
    let now = at(Duration::ZERO);
    let id = stage.column("user", "id").await[0].as_text().unwrap().to_owned();
    let user = json!({"name": "New", "email": "new@example.com", "emailVerified": false, "image": "https://x/y.png",
        "createdAt": now, "updatedAt": now, "id": id});
    assert_eq!((answer.status, answer.json()), (200, json!({"token": stage.tokens().await[0], "user": user})));
    assert_eq!(answer.traces(), ["session_token"]);
    let account = &stage.rows("account").await[0];
    let text = |column: &str| account.get(column).unwrap().as_text().unwrap().to_owned();
    assert_eq!([text("providerId"), text("accountId"), text("userId")], ["credential".to_owned(), id.clone(), id]);
    let hash = text("password");
    assert!(hash.len() == 161 && hash.as_bytes()[32] == b':', "{hash}");
}

#[tokio::test]
async fn an_absent_image_is_null_an_empty_name_is_allowed_and_text_is_kept_as_it_is() {
    let stage = stage();
    let name = "\0 Ünï\u{202e}code 😀";
    let answer = sign_up(&stage, json!({"name": name})).await;
    assert_eq!(
        (answer.json()["user"]["image"].clone(), answer.json()["user"]["name"].clone()),
        (Value::Null, name.into())
    );
    assert_eq!(sign_up(&stage, json!({"name": "", "email": "empty@example.com"})).await.json()["user"]["name"], "");
}

#[tokio::test]
async fn core_columns_that_are_not_the_clients_to_set_are_ignored() {
    let stage = stage();
    let evil = json!({"emailVerified": true, "id": "mine", "role": "admin", "createdAt": "2000-01-01", "token": "t"});
    let answer = sign_up(&stage, evil).await;
    let user = &answer.json()["user"];
    assert_eq!((answer.status, &user["emailVerified"], user.get("role")), (200, &json!(false), None));
    assert_ne!(user["id"], "mine");
    assert_eq!(user["createdAt"], at(Duration::ZERO));
}

#[tokio::test]
async fn a_callback_url_makes_no_redirect() {
    let answer = sign_up(&stage(), json!({"callbackURL": "/welcome"})).await;
    assert_eq!((answer.status, answer.header("location"), answer.json().get("url")), (200, None, None));
}

#[tokio::test]
async fn it_can_be_switched_off_alone_or_with_sign_in() {
    let defaults = EmailAndPassword::default;
    for options in
        [EmailAndPassword { disable_sign_up: true, ..defaults() }, EmailAndPassword { enabled: false, ..defaults() }]
    {
        let stage = with(options);
        let answer = sign_up(&stage, json!({"password": "short"})).await;
        assert_eq!(answer.code(), (400, "EMAIL_PASSWORD_SIGN_UP_DISABLED".into()), "before the password is looked at");
        assert_eq!(answer.message().1, "Email and password sign up is not enabled");
        let invalid = sign_up(&stage, json!({"email": "nonsense"})).await;
        assert_eq!(invalid.code().1, "VALIDATION_ERROR", "after validation");
    }
}

#[tokio::test]
async fn a_password_has_8_to_128_utf_16_units_before_normalisation() {
    let stage = stage();
    for (password, code) in [
        ("1234567".to_owned(), "PASSWORD_TOO_SHORT"),
        ("😀😀😀".into(), "PASSWORD_TOO_SHORT"),
        ("x".repeat(129), "PASSWORD_TOO_LONG"),
        ("😀".repeat(65), "PASSWORD_TOO_LONG"),
    ] {
        assert_eq!(sign_up(&stage, json!({"password": password})).await.code(), (400, code.into()), "{password}");
    }
    for (number, password) in
        ["12345678".into(), "😀😀😀😀".into(), "x".repeat(128), "😀".repeat(64)].iter().enumerate()
    {
        let email = format!("n{number}@example.com");
        assert_eq!(sign_up(&stage, json!({"password": password, "email": email})).await.status, 200, "{password}");
    }
    assert!(stage.rows("user").await.len() == 4);
}

#[tokio::test]
async fn the_lengths_can_be_set_and_0_is_the_default() {
    for (min, max, password, status) in
        [(3, 5, "123", 200), (3, 5, "12", 400), (3, 5, "123456", 400), (0, 0, "1234567", 400)]
    {
        let lengths = EmailAndPassword { min_password_length: min, max_password_length: max, ..Default::default() };
        assert_eq!(
            sign_up(&with(lengths), json!({"password": password})).await.status,
            status,
            "{min} {max} {password}"
        );
    }
}

#[tokio::test]
async fn a_taken_address_is_422_in_any_case_of_its_letters() {
    let stage = stage();
    stage.caller("ann").await;
    for email in ["ann@example.com", "ANN@Example.Com"] {
        let answer = sign_up(&stage, json!({"email": email})).await;
        assert_eq!(answer.code(), (422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL".into()));
        assert_eq!(answer.message().1, "User already exists. Use another email.");
        assert!(answer.cookies().is_empty());
    }
    let short = sign_up(&stage, json!({"email": "ann@example.com", "password": "short"})).await;
    assert_eq!(short.code().1, "PASSWORD_TOO_SHORT", "the password comes first");
    assert_eq!(stage.rows("user").await.len(), 1);
}

#[tokio::test]
async fn where_strangers_are_told_nothing_a_taken_address_gets_a_made_up_user() {
    let defaults = EmailAndPassword::default;
    for options in [
        EmailAndPassword { auto_sign_in: false, ..defaults() },
        EmailAndPassword { require_email_verification: true, ..defaults() },
    ] {
        let stage = with(options);
        let ann = stage.caller("ann").await;
        let before = (stage.rows("user").await, stage.rows("account").await, stage.rows("session").await);
        let taken = sign_up(&stage, json!({"email": "Ann@example.com", "image": "i"})).await;
        let made_up = &taken.json()["user"];
        assert_eq!((taken.status, &taken.json()["token"], taken.cookies().len()), (200, &Value::Null, 0));
        assert_eq!(
            (&made_up["name"], &made_up["email"], &made_up["image"]),
            (&json!("New"), &json!(ann.email), &json!("i"))
        );
        assert_eq!((made_up["id"].as_str().unwrap().len(), &made_up["emailVerified"]), (32, &json!(false)));
        assert_eq!((stage.rows("user").await, stage.rows("account").await, stage.rows("session").await), before);
        let free = sign_up(&stage, json!({"image": "i"})).await;
        let keys = |answer: &Answer| answer.json()["user"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!((keys(&taken), taken.headers.len()), (keys(&free), free.headers.len()), "both answers look alike");
    }
}

#[tokio::test]
async fn without_auto_sign_in_there_is_a_user_and_no_session() {
    let stage = with(EmailAndPassword { auto_sign_in: false, ..EmailAndPassword::default() });
    let answer = sign_up(&stage, json!({})).await;
    assert_eq!((answer.status, &answer.json()["token"], answer.cookies().len()), (200, &Value::Null, 0));
    assert_eq!(
        (stage.rows("user").await.len(), stage.rows("account").await.len(), stage.tokens().await.len()),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn of_two_sign_ups_at_once_with_one_address_one_makes_a_user() {
    let stage = stage();
    let (first, second) = futures_util::join!(sign_up(&stage, json!({})), sign_up(&stage, json!({})));
    let mut outcomes = [first.code(), second.code()];
    outcomes.sort();
    assert_eq!(outcomes, [(200, String::new()), (422, "FAILED_TO_CREATE_USER".into())]);
    for table in ["user", "account", "session"] {
        assert_eq!(stage.rows(table).await.len(), 1, "{table}");
    }
}

#[tokio::test]
async fn in_process_it_answers_with_types_and_the_headers_of_a_new_session() {
    let stage = stage();
    let mut input = SignUpEmail::new("New", "New@example.com".parse().unwrap(), PASSWORD);
    input.remember_me = Some(false);
    let signed_up = stage.auth.api().sign_up_email(input.clone(), &HeaderMap::new()).await.unwrap();
    assert_eq!((&*signed_up.user.email, signed_up.token.is_some()), ("new@example.com", true));
    assert_eq!(traces(&signed_up.headers), ["session_token", "dont_remember"]);
    assert!(signed_up.headers.contains_key("set-auth-token"));
    let refusal = stage.auth.api().sign_up_email(input, &HeaderMap::new()).await.unwrap_err();
    assert_eq!((refusal.status().as_u16(), refusal.code()), (422, Some("USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL")));
    let short = SignUpEmail::new("New", "other@example.com".parse().unwrap(), "");
    let refusal = stage.auth.api().sign_up_email(short, &HeaderMap::new()).await.unwrap_err();
    assert_eq!(refusal.code(), Some("PASSWORD_TOO_SHORT"));
}
