//! Configured additional fields of users and sessions (CONTRACT §§3, 11.3, 11.6).

use hallpass::{
    Bearer,
    options::{AdditionalField, FieldType, SessionOptions, UserOptions},
    store::{Mode, Value as Cell},
};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Stage, stage_with};

fn field(field_type: FieldType) -> AdditionalField {
    AdditionalField { field_type, required: Some(false), ..AdditionalField::default() }
}

/// A stage whose users have these fields.
fn with<const N: usize>(fields: [(&str, AdditionalField); N]) -> Stage {
    let additional_fields = fields.map(|(name, field)| (name.to_owned(), field)).into_iter().collect();
    stage_with(|builder| {
        builder.plugin(Bearer::new()).user(UserOptions { additional_fields, ..UserOptions::default() })
    })
}

async fn sign_up(stage: &Stage, more: Value) -> Answer {
    let mut body = json!({"name": "New", "email": "new@example.com", "password": PASSWORD});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.post("/sign-up/email").json(body).await
}

#[tokio::test]
async fn a_field_is_stored_and_comes_after_updated_at_in_schema_order() {
    let stage = with([
        ("plan", field(FieldType::String)),
        ("age", field(FieldType::Number)),
        ("vip", field(FieldType::Boolean)),
    ]);
    let answer = sign_up(&stage, json!({"vip": true, "age": 7, "plan": "free", "unknown": 1})).await;
    let text = answer.text();
    assert!(text.contains(r#"Z","plan":"free","age":7,"vip":true,"id":""#), "{text}");
    let session = stage.get("/get-session").bearer(answer.set_auth_token().unwrap()).await;
    assert_eq!(session.json()["user"], answer.json()["user"]);
}

#[tokio::test]
async fn a_field_that_is_not_given_is_null_or_its_default() {
    let with_default = AdditionalField { default_value: Some(json!("free")), ..field(FieldType::String) };
    let stage = with([("plan", with_default), ("motto", field(FieldType::String))]);
    let user = sign_up(&stage, json!({})).await.json()["user"].take();
    assert_eq!((&user["plan"], &user["motto"]), (&json!("free"), &Value::Null));
}

#[tokio::test]
async fn a_field_clients_may_not_set_takes_its_default_or_is_refused() {
    let role = |default_value| AdditionalField { input: false, default_value, ..field(FieldType::String) };
    let stage = with([("role", role(Some(json!("member"))))]);
    assert_eq!(sign_up(&stage, json!({"role": "admin"})).await.json()["user"]["role"], "member");
    let stage = with([("role", role(None))]);
    let refused = sign_up(&stage, json!({"role": "admin"})).await;
    assert_eq!(refused.code(), (400, "FIELD_NOT_ALLOWED".into()));
    assert_eq!(refused.message().1, "role is not allowed to be set");
    assert!(stage.rows("user").await.is_empty());
    assert_eq!(sign_up(&stage, json!({"role": ""})).await.status, 200, "what is not truthy is overlooked");
}

#[tokio::test]
async fn a_required_field_must_be_given_and_comes_after_the_password() {
    let stage = with([("plan", AdditionalField { required: Some(true), ..AdditionalField::default() })]);
    let missing = sign_up(&stage, json!({})).await;
    assert_eq!((missing.code(), missing.message().1), ((400, "MISSING_FIELD".into()), "plan is required".into()));
    assert_eq!(sign_up(&stage, json!({"password": "short"})).await.code().1, "PASSWORD_TOO_SHORT");
    assert_eq!(sign_up(&stage, json!({"plan": "free"})).await.status, 200);
    let taken = sign_up(&stage, json!({})).await;
    assert_eq!(taken.code().1, "MISSING_FIELD", "and before it is known whether the address is taken");
}

#[tokio::test]
async fn a_field_that_is_not_returned_is_in_no_answer() {
    let hidden = AdditionalField { returned: false, ..field(FieldType::String) };
    let stage = with([("secret", hidden), ("plan", field(FieldType::String))]);
    let signed_up = sign_up(&stage, json!({"secret": "hush", "plan": "free"})).await;
    assert_eq!(stage.column("user", "secret").await, ["hush".into()]);
    let token = signed_up.set_auth_token().unwrap().to_owned();
    let sign_in = json!({"email": "new@example.com", "password": PASSWORD});
    let change = json!({"newPassword": PASSWORD, "currentPassword": PASSWORD});
    for answer in [
        &signed_up,
        &stage.get("/get-session").bearer(&token).await,
        &stage.post("/sign-in/email").json(sign_in).await,
        &stage.post("/change-password").bearer(&token).json(change).await,
    ] {
        assert!(
            answer.status == 200 && !answer.text().contains("secret") && !answer.text().contains("hush"),
            "{answer:?}"
        );
        assert_eq!(answer.json()["user"]["plan"], "free");
    }
    let api = stage.auth.api();
    let headers = crate::support::headers([("authorization", format!("Bearer {token}"))]);
    let found = api.get_session(&headers).await.unwrap().value.unwrap();
    assert_eq!(found.user.extra.get("secret"), None, "in process neither");
}

#[tokio::test]
async fn dates_lists_and_documents_come_back_as_what_they_are() {
    let stage = with([
        ("born", field(FieldType::Date)),
        ("tags", field(FieldType::StringList)),
        ("numbers", field(FieldType::NumberList)),
        ("data", field(FieldType::Json)),
    ]);
    let given =
        json!({"born": "2001-02-03T04:05:06.789Z", "tags": ["a", "b"], "numbers": [1, 2.5], "data": {"x": [null]}});
    let answer = sign_up(&stage, given.clone()).await;
    for field in ["born", "tags", "numbers", "data"] {
        assert_eq!(answer.json()["user"][field], given[field], "{field}");
    }
    assert!(matches!(stage.column("user", "born").await[0], Cell::Date(_)));
}

#[tokio::test]
async fn a_number_that_is_no_moment_is_refused_for_a_date() {
    let stage = with([("born", field(FieldType::Date))]);
    let answer = sign_up(&stage, json!({"born": 1e300})).await;
    assert_eq!(answer.code(), (400, "VALIDATION_ERROR".into()));
    assert!(stage.rows("user").await.is_empty());
}

#[tokio::test]
async fn update_user_sets_fields_and_is_refused_those_that_are_not_to_be_set() {
    let role = AdditionalField { input: false, default_value: Some(json!("member")), ..field(FieldType::String) };
    let required = AdditionalField { required: Some(true), ..AdditionalField::default() };
    let stage = with([("plan", field(FieldType::String)), ("role", role), ("motto", required)]);
    let token = sign_up(&stage, json!({"motto": "m"})).await.set_auth_token().unwrap().to_owned();
    let update = async |body: Value| stage.post("/update-user").bearer(&token).json(body).await;
    assert_eq!(update(json!({"plan": "pro"})).await.status, 200, "required fields need not be said again");
    let refused = update(json!({"plan": "free", "role": "admin"})).await;
    assert_eq!(refused.code(), (400, "FIELD_NOT_ALLOWED".into()));
    let user = stage.get("/get-session").bearer(&token).await.json()["user"].take();
    assert_eq!((&user["plan"], &user["role"], &user["motto"]), (&json!("pro"), &json!("member"), &json!("m")));
}

#[tokio::test]
async fn a_unique_field_that_is_taken_makes_no_half_user() {
    let nick = AdditionalField { unique: true, ..field(FieldType::String) };
    let stage = with([("nick", nick)]);
    assert_eq!(sign_up(&stage, json!({"nick": "neo"})).await.status, 200);
    let taken = sign_up(&stage, json!({"nick": "neo", "email": "other@example.com"})).await;
    assert_eq!(taken.code(), (422, "FAILED_TO_CREATE_USER".into()));
    assert_eq!(
        [stage.rows("user").await.len(), stage.rows("account").await.len(), stage.rows("session").await.len()],
        [1; 3]
    );
}

#[tokio::test]
async fn a_sessions_fields_begin_with_their_defaults_and_hidden_ones_stay_hidden() {
    let org = AdditionalField { default_value: Some(json!("none")), ..field(FieldType::String) };
    let risk = AdditionalField { returned: false, default_value: Some(json!(7)), ..field(FieldType::Number) };
    let additional_fields = [("org".to_owned(), org), ("risk".to_owned(), risk)].into_iter().collect();
    let session = SessionOptions { additional_fields, ..SessionOptions::default() };
    let stage = stage_with(|builder| builder.plugin(Bearer::new()).session(session));
    let token = sign_up(&stage, json!({})).await.set_auth_token().unwrap().to_owned();
    let found = stage.get("/get-session").bearer(&token).await.json()["session"].take();
    assert_eq!((&found["org"], found.get("risk")), (&json!("none"), None));
    assert_eq!(stage.column("session", "risk").await, [Cell::Integer(7)]);
    let listed = stage.get("/list-sessions").bearer(&token).await.json()[0].take();
    let updated = stage.post("/update-session").bearer(&token).json(json!({"org": "acme", "risk": 0})).await;
    assert_eq!((&updated.json()["session"]["org"], updated.json()["session"].get("risk")), (&json!("acme"), None));
    assert_eq!(listed, found);
}

#[tokio::test]
async fn their_columns_are_migrated() {
    let stage = with([("plan", field(FieldType::String))]);
    let plan = stage.auth.migrate(Mode::Plan).await.unwrap();
    assert!(plan.steps.contains(&"create table `user`".into()), "{plan}");
    let without = hallpass::Hallpass::builder().secret("x").store(stage.memory.clone()).build().unwrap();
    without.migrate(Mode::Apply).await.unwrap();
    assert_eq!(stage.auth.migrate(Mode::Apply).await.unwrap().steps, ["add column `plan` to table `user`"]);
    assert!(stage.auth.migrate(Mode::Apply).await.unwrap().is_empty());
}
