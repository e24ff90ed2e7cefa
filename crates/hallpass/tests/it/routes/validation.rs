//! The words of validation errors, endpoint by endpoint (CONTRACT §2.2).

use serde_json::{Value, json};

use crate::support::stage;

const STRING: &str = "Invalid input: expected string, received";

async fn check(path: &str, body: Value, problems: &[&str]) {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = stage.post(path).by(&ann).json(body.clone()).await;
    let expected = json!({"message": problems.join("; "), "code": "VALIDATION_ERROR"});
    assert_eq!((answer.status, answer.json()), (400, expected), "{path} {body}");
}

#[tokio::test]
async fn sign_up_tells_every_problem_in_schema_order() {
    let body = json!({"rememberMe": "yes", "callbackURL": 1, "image": null, "password": "", "email": "x", "name": 7});
    // A callbackURL that is no text is refused by the origin check, before validation.
    let mut without_callback = body.clone();
    without_callback["callbackURL"] = json!(0);
    let problems = [
        &format!("[body.name] {STRING} number"),
        "[body.email] Invalid email address",
        "[body.password] Too small: expected string to have >=1 characters",
        &format!("[body.image] {STRING} null"),
        &format!("[body.callbackURL] {STRING} number"),
        "[body.rememberMe] Invalid input: expected boolean, received string",
    ];
    check("/sign-up/email", without_callback, &problems).await;
    let missing = ["name", "email", "password"].map(|field| format!("[body.{field}] {STRING} undefined"));
    check("/sign-up/email", json!({}), &[&missing[0], &missing[1], &missing[2]]).await;
}

#[tokio::test]
async fn sign_up_reports_a_root_that_is_no_object_twice() {
    for (body, received) in [
        (json!([]), "array"),
        (json!(null), "null"),
        (json!("x"), "string"),
        (json!(1), "number"),
        (json!(true), "boolean"),
    ] {
        let problems =
            ["object", "record"].map(|kind| format!("[body] Invalid input: expected {kind}, received {received}"));
        check("/sign-up/email", body, &[&problems[0], &problems[1]]).await;
    }
}

#[tokio::test]
async fn sign_in_leaves_the_addresss_grammar_for_later() {
    let problems = [
        &format!("[body.email] {STRING} undefined"),
        &format!("[body.password] {STRING} array"),
        "[body.rememberMe] Invalid input: expected boolean, received null",
    ];
    check("/sign-in/email", json!({"password": [], "rememberMe": null}), &[problems[0], problems[1], problems[2]])
        .await;
    check("/sign-in/email", json!([]), &["[body] Invalid input: expected object, received array"]).await;
}

#[tokio::test]
async fn change_password_reports_the_new_one_first() {
    let problems = ["newPassword", "currentPassword"].map(|field| format!("[body.{field}] {STRING} undefined"));
    let boolean = "[body.revokeOtherSessions] Invalid input: expected boolean, received string";
    check("/change-password", json!({"revokeOtherSessions": "true"}), &[&problems[0], &problems[1], boolean]).await;
}

#[tokio::test]
async fn single_fields() {
    check("/revoke-session", json!({"token": null}), &[&format!("[body.token] {STRING} null")]).await;
    check("/revoke-session", json!([]), &["[body] Invalid input: expected object, received array"]).await;
    check("/verify-password", json!({"password": 1}), &[&format!("[body.password] {STRING} number")]).await;
    check("/verify-password", json!({"password": {}}), &[&format!("[body.password] {STRING} object")]).await;
    check("/update-user", json!([]), &["[body] Invalid input: expected record, received array"]).await;
    check("/update-session", json!(1), &["[body] Invalid input: expected record, received number"]).await;
    check(
        "/sign-out",
        json!({"disableRedirect": "x"}),
        &["[body.disableRedirect] Invalid input: expected boolean, received string"],
    )
    .await;
}

#[tokio::test]
async fn unknown_keys_are_dropped_where_the_body_is_a_plain_object() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let body = json!({"token": "another", "more": {"deep": [1]}, "__proto__": {"x": 1}});
    assert_eq!(stage.post("/revoke-session").by(&ann).json(body).await.status, 200);
}
