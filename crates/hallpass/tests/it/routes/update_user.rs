//! `/update-user` (CONTRACT §11.6).

use hallpass::{endpoints::UpdateUser, store::Value as Cell};
use serde_json::{Value, json};

use crate::support::{Answer, Caller, DAY, Stage, at, stage, traces};

async fn update(stage: &Stage, caller: &Caller, body: Value) -> Answer {
    stage.post("/update-user").by(caller).json(body).await
}

#[tokio::test]
async fn it_sets_name_and_image_and_sets_the_cookie_again() {
    let stage = stage();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    stage.clock.advance(DAY / 2);
    let answer = update(&stage, &ann, json!({"name": "Anna", "image": "i"})).await;
    assert_eq!((answer.status, answer.text()), (200, r#"{"status":true}"#));
    assert_eq!((answer.traces(), answer.set_auth_token()), (vec!["session_token".into()], Some(&*ann.signed())));
    let user = stage.get("/get-session").by(&ann).await.json()["user"].take();
    assert_eq!((&user["name"], &user["image"], &user["updatedAt"]), (&json!("Anna"), &json!("i"), &json!(at(DAY / 2))));
    assert_eq!(stage.get("/get-session").by(&bob).await.json()["user"]["name"], "bob");
}

#[tokio::test]
async fn an_image_of_null_clears_and_one_field_leaves_the_other() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    update(&stage, &ann, json!({"image": "i"})).await;
    update(&stage, &ann, json!({"name": "Anna"})).await;
    assert_eq!(stage.column("user", "image").await, ["i".into()]);
    assert_eq!(update(&stage, &ann, json!({"image": null})).await.status, 200);
    assert_eq!(
        (stage.column("user", "image").await, stage.column("user", "name").await),
        (vec![Cell::Null], vec!["Anna".into()])
    );
}

#[tokio::test]
async fn an_email_that_is_truthy_is_refused_before_anything_else() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for email in [json!("new@example.com"), json!(1), json!({}), json!([]), json!(true)] {
        let answer = update(&stage, &ann, json!({"email": email, "name": "Anna"})).await;
        assert_eq!(answer.code(), (400, "EMAIL_CAN_NOT_BE_UPDATED".into()), "{email}");
    }
    for email in [json!(""), json!(0), json!(null), json!(false)] {
        assert_eq!(update(&stage, &ann, json!({"email": email, "name": "Anna"})).await.status, 200, "{email}");
    }
    assert_eq!(stage.column("user", "email").await, [ann.email.into()]);
}

#[tokio::test]
async fn nothing_recognised_is_400_with_a_message_alone() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for body in [json!({}), json!({"emailVerified": true}), json!({"id": "x", "role": "admin", "createdAt": 0})] {
        let answer = update(&stage, &ann, body).await;
        assert_eq!((answer.status, answer.json()), (400, json!({"message": "No fields to update"})));
    }
    assert_eq!(stage.column("user", "emailVerified").await, [false.into()]);
}

#[tokio::test]
async fn columns_that_are_not_the_clients_to_set_are_ignored_beside_a_name() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let body = json!({"name": "Anna", "emailVerified": true, "id": "mine", "createdAt": "2000-01-01"});
    assert_eq!(update(&stage, &ann, body).await.status, 200);
    assert_eq!(stage.column("user", "emailVerified").await, [false.into()]);
    assert_eq!(stage.column("user", "id").await, [ann.id.into()]);
}

#[tokio::test]
async fn a_name_of_null_is_500_without_a_word_and_changes_nothing() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = update(&stage, &ann, json!({"name": null, "image": "i"})).await;
    assert_eq!((answer.status, answer.text(), answer.headers.len()), (500, "", 0));
    assert_eq!(
        (stage.column("user", "name").await, stage.column("user", "image").await),
        (vec!["ann".into()], vec![Cell::Null])
    );
    assert_eq!(stage.get("/get-session").by(&ann).await.json()["user"]["name"], "ann", "and the server goes on");
}

#[tokio::test]
async fn a_number_is_stored_as_text_and_the_session_goes_on() {
    // Every number is a double to the npm package, and this is how SQLite writes one.
    for (name, stored) in [(json!(7), "7.0"), (json!(1.5), "1.5")] {
        let stage = stage();
        let ann = stage.caller("ann").await;
        assert_eq!(update(&stage, &ann, json!({"name": name, "image": name})).await.status, 200, "{name}");
        let found = stage.get("/get-session").by(&ann).await;
        assert_eq!((found.status, &found.json()["user"]["name"]), (200, &json!(stored)), "{name}");
        assert_eq!(found.json()["user"]["image"], stored);
    }
}

#[tokio::test]
async fn a_name_that_is_an_object_is_500_and_the_session_goes_on() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = update(&stage, &ann, json!({"name": {}})).await;
    assert_eq!((answer.status, answer.text()), (500, ""));
    assert_eq!(stage.get("/get-session").by(&ann).await.json()["user"]["name"], "ann");
}

#[tokio::test]
async fn its_body_is_a_record() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for (body, received) in [(json!([]), "array"), (Value::Null, "null"), (json!(7), "number")] {
        let answer = update(&stage, &ann, body).await;
        assert_eq!(answer.message(), (400, format!("[body] Invalid input: expected record, received {received}")));
    }
    let absent = stage.post("/update-user").by(&ann).await;
    assert_eq!(absent.message().1, "[body] Invalid input: expected record, received undefined");
}

#[tokio::test]
async fn in_process_it_takes_a_map() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let input = |name: &str, value: Value| UpdateUser([(name.to_owned(), value)].into_iter().collect());
    let done = stage.auth.api().update_user(input("name", json!("Anna")), &ann.headers()).await.unwrap();
    assert_eq!((done.status, traces(&done.headers)), (true, vec!["session_token".into()]));
    assert_eq!(done.headers["set-auth-token"], *ann.signed());
    let refusal = stage.auth.api().update_user(input("email", json!("x")), &ann.headers()).await.unwrap_err();
    assert_eq!(refusal.code(), Some("EMAIL_CAN_NOT_BE_UPDATED"));
}
