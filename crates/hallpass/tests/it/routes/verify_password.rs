//! `/verify-password` (CONTRACT §11.6).

use hallpass::{
    endpoints::VerifyPassword,
    store::{Batch, Filter, Row},
};
use serde_json::json;

use crate::support::{PASSWORD, stage};

#[tokio::test]
async fn it_says_whether_a_password_is_the_callers() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for (password, status, code) in [
        (PASSWORD.to_owned(), 200, ""),
        ("wrong".into(), 400, "INVALID_PASSWORD"),
        (String::new(), 400, "INVALID_PASSWORD"),
        ("x".repeat(129), 400, "PASSWORD_TOO_LONG"),
    ] {
        let answer = stage.post("/verify-password").by(&ann).json(json!({"password": password})).await;
        assert_eq!(answer.code(), (status, code.into()));
        assert!(answer.cookies().is_empty());
    }
    let right = stage.post("/verify-password").by(&ann).json(json!({"password": PASSWORD})).await;
    assert_eq!(right.text(), r#"{"status":true}"#);
}

#[tokio::test]
async fn without_a_password_every_one_is_wrong() {
    for set in [Row::new().with("password", None::<String>), Row::new().with("providerId", "github")] {
        let stage = stage();
        let ann = stage.caller("ann").await;
        stage.write(Batch::new().update("account", Filter::All, set)).await;
        let answer = stage.post("/verify-password").by(&ann).json(json!({"password": PASSWORD})).await;
        assert_eq!(answer.code(), (400, "INVALID_PASSWORD".into()));
    }
}

#[tokio::test]
async fn in_process_it_takes_a_password_that_does_not_print() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let input = |text: &str| VerifyPassword { password: text.into() };
    assert!(!format!("{:?}", input(PASSWORD)).contains(PASSWORD));
    assert!(stage.auth.api().verify_password(input(PASSWORD), &ann.headers()).await.unwrap().status);
    let refusal = stage.auth.api().verify_password(input("wrong"), &ann.headers()).await.unwrap_err();
    assert_eq!((refusal.status().as_u16(), refusal.code()), (400, Some("INVALID_PASSWORD")));
}
