//! `/update-session` (CONTRACT §11.5).

use hallpass::endpoints::UpdateSession;
use serde_json::{Value, json};

use super::with_fields;
use crate::support::{DAY, at, stage, traces};

#[tokio::test]
async fn it_sets_a_configured_field_and_hands_the_session_back() {
    let stage = with_fields();
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY / 2);
    let answer = stage.post("/update-session").by(&ann).json(json!({"theme": "dark"})).await;
    let session = stage.get("/get-session").by(&ann).await.json()["session"].take();
    assert_eq!((answer.status, answer.json()), (200, json!({"session": session})));
    assert_eq!((&session["theme"], &session["updatedAt"]), (&json!("dark"), &json!(at(DAY / 2))));
    assert_eq!((answer.traces(), answer.set_auth_token()), (vec!["session_token".into()], Some(&*ann.signed())));
}

#[tokio::test]
async fn nothing_recognised_is_400_with_a_message_alone() {
    let stage = with_fields();
    let ann = stage.caller("ann").await;
    for body in [json!({}), json!({"expiresAt": "2999-01-01"}), json!({"token": "mine", "userId": "bob-id", "id": "x"})]
    {
        let answer = stage.post("/update-session").by(&ann).json(body).await;
        assert_eq!((answer.status, answer.json()), (400, json!({"message": "No fields to update"})));
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(stage.tokens().await, [ann.token]);
}

#[tokio::test]
async fn core_columns_beside_a_field_are_ignored() {
    let stage = with_fields();
    let ann = stage.caller("ann").await;
    let body = json!({"theme": "dark", "expiresAt": "2999-01-01T00:00:00.000Z", "userId": "bob-id", "token": "mine"});
    let session = stage.post("/update-session").by(&ann).json(body).await.json()["session"].take();
    assert_eq!(
        (&session["expiresAt"], &session["userId"], &session["token"]),
        (&json!(at(7 * DAY)), &json!(ann.id), &json!(ann.token))
    );
}

#[tokio::test]
async fn without_configured_fields_there_is_nothing_to_update() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = stage.post("/update-session").by(&ann).json(json!({"theme": "dark"})).await;
    assert_eq!(answer.message(), (400, "No fields to update".into()));
}

#[tokio::test]
async fn only_the_callers_session_is_changed() {
    let stage = with_fields();
    let ann = stage.caller("ann").await;
    stage.session(&ann.id, "other").await;
    stage.post("/update-session").by(&ann).json(json!({"theme": "dark"})).await;
    assert_eq!(stage.column("session", "theme").await, ["dark".into(), hallpass::store::Value::Null]);
}

#[tokio::test]
async fn its_body_is_a_record() {
    let stage = with_fields();
    let ann = stage.caller("ann").await;
    for (body, received) in [(json!([]), "array"), (Value::Null, "null"), (json!("x"), "string")] {
        let answer = stage.post("/update-session").by(&ann).json(body).await;
        assert_eq!(answer.message(), (400, format!("[body] Invalid input: expected record, received {received}")));
    }
}

#[tokio::test]
async fn in_process_it_takes_a_map() {
    let stage = with_fields();
    let ann = stage.caller("ann").await;
    let input = UpdateSession([("theme".to_owned(), json!("dark"))].into_iter().collect());
    let updated = stage.auth.api().update_session(input, &ann.headers()).await.unwrap();
    assert_eq!(updated.session.extra.get("theme"), Some(&"dark".into()));
    assert_eq!(traces(&updated.headers), ["session_token"]);
    let refusal = stage.auth.api().update_session(UpdateSession::default(), &ann.headers()).await.unwrap_err();
    assert_eq!((refusal.status().as_u16(), refusal.code()), (400, None));
    assert_eq!(refusal.to_string(), "No fields to update");
}
