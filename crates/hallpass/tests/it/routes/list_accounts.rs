//! `/list-accounts` (CONTRACT §11.9).

use std::time::Duration;

use hallpass::store::{Batch, Row};
use serde_json::json;

use crate::support::{Caller, DAY, PASSWORD_HASH, Stage, at, stage};

/// A further account of a caller's, with every secret an account can have.
async fn add_github(stage: &Stage, caller: &Caller, scope: &str) {
    let (now, secret) = (stage.now(), "a-secret");
    let row = Row::new()
        .with("id", "github-account")
        .with("accountId", "42")
        .with("providerId", "github")
        .with("userId", &*caller.id)
        .with("accessToken", secret)
        .with("refreshToken", secret)
        .with("idToken", secret)
        .with("scope", scope)
        .with("createdAt", now)
        .with("updatedAt", now);
    stage.write(Batch::new().insert("account", row)).await;
}

#[tokio::test]
async fn it_lists_the_callers_accounts_without_secrets() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.caller("bob").await;
    add_github(&stage, &ann, "repo, user:email ,").await;
    let answer = stage.get("/list-accounts").by(&ann).await;
    let now = at(Duration::ZERO);
    let common = |id: &str, provider: &str, account: &str, scopes: &[&str]| {
        json!({"accountId": account, "providerId": provider, "userId": ann.id, "createdAt": now, "updatedAt": now,
            "id": id, "scopes": scopes})
    };
    let expected = [
        common("ann-account", "credential", &ann.id, &[]),
        common("github-account", "github", "42", &["repo", "user:email"]),
    ];
    assert_eq!((answer.status, answer.json()), (200, json!(expected)));
    assert!(!answer.text().contains("a-secret") && !answer.text().contains(PASSWORD_HASH));
}

#[tokio::test]
async fn it_asks_for_a_session_that_need_not_be_fresh() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(6 * DAY);
    assert_eq!(stage.get("/list-accounts").by(&ann).await.status, 200);
}

#[tokio::test]
async fn in_process_it_answers_with_accounts() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let accounts = stage.auth.api().list_accounts(&ann.headers()).await.unwrap();
    assert_eq!((accounts.len(), &*accounts[0].provider_id, accounts[0].user_id.as_str()), (1, "credential", &*ann.id));
}
