//! What a plugin adds beside hooks (CONTRACT §16): endpoints, tables, fields, origins, error codes; and the engine as
//! a service.

use hallpass::{
    ApiError, Bearer, BuildError, Context, Endpoint, NoInput, Route,
    options::AdditionalField,
    plugin::{Plugin, Registrar},
    store::{Batch, Column, ColumnKind, Mode, Query, Row, Table},
};
use http::Request;
use serde_json::{Value, json};
use tower::Service;

use crate::support::{Stage, stage, stage_with};

/// Keeps stamps: `POST /stamps/{name}` adds one, and any GET there lists them.
struct Stamps;

impl Plugin for Stamps {
    fn id(&self) -> &'static str {
        "stamps"
    }

    fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        registrar.table(Table::new("stamp").column(Column::new("name", ColumnKind::Text)));
        registrar.user_field("motto", AdditionalField { required: Some(false), ..AdditionalField::default() });
        registrar.session_field("place", AdditionalField { required: Some(false), ..AdditionalField::default() });
        registrar.trusted_origin("https://stamps.example");
        registrar.error_code("STAMP_TORN", "Stamp is torn");
        registrar.endpoint(Add);
        registrar.endpoint(List);
        registrar.endpoint(Fixed);
        Ok(())
    }
}

struct Add;
impl Endpoint for Add {
    type Input = NoInput;
    type Output = Value;

    fn route(&self) -> Route {
        Route::post("/stamps/{name}")
    }

    async fn handle(&self, cx: &mut Context, _: NoInput) -> Result<Value, ApiError> {
        let name = cx.request().param("name").unwrap_or("in process").to_owned();
        let row = Row::new().with("id", cx.draw_id()).with("name", &*name);
        cx.store().write(cx.schema(), Batch::new().insert("stamp", row)).await?;
        Ok(json!({ "added": name }))
    }
}

struct List;
impl Endpoint for List {
    type Input = NoInput;
    type Output = Vec<String>;

    fn route(&self) -> Route {
        Route::get("/stamps/{name}")
    }

    async fn handle(&self, cx: &mut Context, _: NoInput) -> Result<Vec<String>, ApiError> {
        let rows = cx.store().find(cx.schema(), Query::table("stamp")).await?;
        Ok(rows.iter().map(|row| row.get("name").unwrap().as_text().unwrap().to_owned()).collect())
    }
}

struct Fixed;
impl Endpoint for Fixed {
    type Input = NoInput;
    type Output = &'static str;

    fn route(&self) -> Route {
        Route::get("/stamps/rarest")
    }

    async fn handle(&self, _: &mut Context, _: NoInput) -> Result<&'static str, ApiError> {
        Ok("the blue one")
    }
}

fn with_stamps() -> Stage {
    stage_with(|builder| builder.plugin(Bearer::new()).plugin(Stamps))
}

#[tokio::test]
async fn its_endpoints_have_parameters_that_are_used_undecoded() {
    let stage = with_stamps();
    assert_eq!(stage.post("/stamps/red").await.json(), json!({"added": "red"}));
    assert_eq!(stage.post("/stamps/a%20b").await.json(), json!({"added": "a%20b"}));
    assert_eq!(stage.get("/stamps/all").await.json(), json!(["red", "a%20b"]));
    assert_eq!(stage.get("/stamps/rarest").await.json(), json!("the blue one"), "a literal path beats a parameter");
    for path in ["/stamps", "/stamps/", "/stamps/a/b"] {
        assert_eq!(stage.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn its_endpoints_are_checked_like_the_engines_own() {
    let stage = with_stamps();
    let foreign = |origin: &str| stage.post("/stamps/red").header("cookie", "a=1").header("origin", origin);
    assert_eq!(foreign("https://evil.example").await.status, 403);
    assert_eq!(foreign("https://stamps.example").await.status, 200, "an origin that the plugin trusts");
    assert_eq!(stage.post("/stamps/red").body("text/plain", "x").await.status, 415);
}

#[tokio::test]
async fn its_endpoints_can_be_called_in_process() {
    let stage = with_stamps();
    let added = stage.auth.api().call(Add, NoInput, &http::HeaderMap::new()).await.unwrap();
    assert_eq!(added.value, json!({"added": "in process"}));
}

#[tokio::test]
async fn its_table_and_fields_are_part_of_the_schema() {
    let stage = with_stamps();
    let plan = stage.auth.migrate(Mode::Plan).await.unwrap();
    assert!(plan.steps.iter().any(|step| step.contains("`stamp`")), "{plan}");
    let ann = stage.caller("ann").await;
    assert_eq!(stage.post("/update-user").by(&ann).json(json!({"motto": "m"})).await.status, 200);
    assert_eq!(stage.post("/update-session").by(&ann).json(json!({"place": "p"})).await.status, 200);
    let found = stage.get("/get-session").by(&ann).await.json();
    assert_eq!((&found["user"]["motto"], &found["session"]["place"]), (&json!("m"), &json!("p")));
}

#[tokio::test]
async fn its_error_codes_are_announced_beside_the_engines() {
    let stage = with_stamps();
    let codes: Vec<_> = stage.auth.error_codes().collect();
    assert!(codes.contains(&("STAMP_TORN", "Stamp is torn")));
    assert!(codes.contains(&("SESSION_NOT_FRESH", "Session is not fresh")));
}

#[test]
fn a_plugin_that_refuses_to_be_built_stops_the_start() {
    struct Stubborn;
    impl Plugin for Stubborn {
        fn id(&self) -> &'static str {
            "stubborn"
        }
        fn build(&self, _: &mut Registrar) -> Result<(), BuildError> {
            Err(BuildError::new("stubborn: say please"))
        }
    }
    let builder =
        hallpass::Hallpass::builder().secret(crate::support::SECRET).store(hallpass::store::MemoryStore::new());
    assert_eq!(builder.plugin(Stubborn).build().unwrap_err().to_string(), "stubborn: say please");
}

#[tokio::test]
async fn the_engine_is_a_service_and_its_clones_are_the_same_server() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let mut service = stage.auth.clone();
    let request = Request::get("/api/auth/get-session").header("authorization", format!("Bearer {}", ann.token));
    let answer = service.call(request.body(String::new()).unwrap()).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
        (200, "application/json")
    );
    stage.post("/sign-out").by(&ann).await;
    assert!(service.api().get_session(&ann.headers()).await.unwrap().is_none());
}

#[test]
fn what_is_required_is_asked_for_when_building() {
    let store = || hallpass::store::MemoryStore::new();
    for (builder, missing) in [
        (hallpass::Hallpass::builder().store(store()), "a secret is required"),
        (hallpass::Hallpass::builder().store(store()).secret(""), "a secret is required"),
        (hallpass::Hallpass::builder().secret(crate::support::SECRET), "a store is required"),
    ] {
        assert!(builder.build().unwrap_err().to_string().starts_with(missing), "{missing}");
    }
}
