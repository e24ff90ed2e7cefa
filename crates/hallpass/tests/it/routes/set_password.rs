//! `set_password`, for calls in process alone (CONTRACT §11).

use hallpass::{
    endpoints::SetPassword,
    store::{Batch, Filter, Row},
};
use http::HeaderMap;
use serde_json::json;

use crate::support::{Caller, PASSWORD, Stage, stage};

const NEW: &str = "another password";

/// A stage whose Ann has no password: no account at all, or one without.
async fn without_password(account: bool) -> (Stage, Caller) {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let nothing = Row::new().with("password", None::<String>);
    stage
        .write(if account {
            Batch::new().update("account", Filter::All, nothing)
        } else {
            Batch::new().delete("account", Filter::All)
        })
        .await;
    (stage, ann)
}

async fn set(stage: &Stage, headers: &HeaderMap, password: &str) -> Result<bool, String> {
    let input = SetPassword { new_password: password.into() };
    let answered = stage.auth.api().set_password(input, headers).await;
    answered.map(|answer| answer.status).map_err(|refusal| refusal.code().unwrap_or("-").to_owned())
}

#[tokio::test]
async fn over_http_it_is_nowhere() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = stage.post("/set-password").by(&ann).json(json!({"newPassword": NEW})).await;
    assert_eq!((answer.status, answer.text(), answer.header("content-type")), (404, "", None));
}

#[tokio::test]
async fn it_gives_a_user_without_a_password_one() {
    for account in [false, true] {
        let (stage, ann) = without_password(account).await;
        assert_eq!(set(&stage, &ann.headers(), NEW).await, Ok(true));
        let sign_in = json!({"email": ann.email, "password": NEW});
        assert_eq!(stage.post("/sign-in/email").json(sign_in).await.status, 200, "with an account: {account}");
        let account = &stage.rows("account").await[0];
        let text = |column: &str| account.get(column).unwrap().as_text().unwrap();
        assert_eq!((text("providerId"), text("accountId"), text("userId")), ("credential", &*ann.id, &*ann.id));
        assert_eq!(stage.rows("account").await.len(), 1);
    }
}

#[tokio::test]
async fn it_refuses_nobody_lengths_and_a_user_who_has_one() {
    let (stage, ann) = without_password(false).await;
    let (nobody, caller) = (HeaderMap::new(), ann.headers());
    assert_eq!(set(&stage, &nobody, NEW).await, Err("UNAUTHORIZED".into()));
    assert_eq!(set(&stage, &caller, "short").await, Err("PASSWORD_TOO_SHORT".into()));
    assert_eq!(set(&stage, &caller, &"x".repeat(129)).await, Err("PASSWORD_TOO_LONG".into()));
    assert_eq!(set(&stage, &caller, NEW).await, Ok(true));
    assert_eq!(set(&stage, &caller, PASSWORD).await, Err("PASSWORD_ALREADY_SET".into()));
    let sign_in = json!({"email": ann.email, "password": PASSWORD});
    assert_eq!(stage.post("/sign-in/email").json(sign_in).await.status, 401, "the first one stays");
}

#[tokio::test]
async fn of_two_at_once_one_password_is_set() {
    let (stage, ann) = without_password(false).await;
    let headers = ann.headers();
    let outcomes = futures_util::join!(set(&stage, &headers, "the first one"), set(&stage, &headers, "the second one"));
    assert!(outcomes.0.is_ok() || outcomes.1.is_ok(), "{outcomes:?}");
    assert_eq!(stage.rows("account").await.len(), 1, "{outcomes:?}: a user has one credential account");
}
