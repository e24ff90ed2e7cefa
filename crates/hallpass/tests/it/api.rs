//! The endpoints in process, and the document that describes them.

use hallpass::{OpenApi, endpoints::ErrorPage};
use http::HeaderMap;
use serde_json::Value;

use crate::support::{stage, stage_with};

const MOUNTED: &str = include_str!("../../src/endpoints/mod.rs");
const API: &str = include_str!("../../src/api.rs");

/// The endpoints that `endpoints::mount` mounts, by their types' names.
fn mounted() -> Vec<&'static str> {
    let names = MOUNTED.lines().filter_map(|line| line.trim().strip_prefix("registrar.endpoint(")?.strip_suffix(");"));
    let names: Vec<_> = names.collect();
    assert!(names.len() > 25, "the list was not found: {names:?}");
    names
}

#[test]
fn every_mounted_endpoint_can_be_called_in_process() {
    for endpoint in mounted() {
        assert!(API.contains(&format!("self.call(endpoints::{endpoint},")), "{endpoint} has no method");
    }
}

#[test]
fn the_document_describes_every_mounted_endpoint_once() {
    let document = stage_with(|builder| builder.plugin(OpenApi::new())).auth.open_api();
    let operations: Vec<&Value> =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values()).collect();
    // Two endpoints answer both GET and POST; the plugin mounts two of its own.
    assert_eq!(operations.len(), mounted().len() + 2 + 2);
    let mut ids: Vec<&str> = operations.iter().map(|operation| operation["operationId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), operations.len(), "an operationId is used twice");
    assert!(operations.iter().all(|operation| operation["summary"].is_string()), "an endpoint has no summary");
}

#[test]
fn the_document_says_what_of_a_record_clients_see_and_set() {
    use hallpass::options::{AdditionalField, UserOptions};
    let field = |input, returned| AdditionalField { input, returned, ..AdditionalField::default() };
    let fields = [("motto", field(true, true)), ("secret", field(true, false)), ("role", field(false, true))];
    let additional_fields = fields.map(|(name, field)| (name.to_owned(), field)).into_iter().collect();
    let user = UserOptions { additional_fields, ..UserOptions::default() };
    let document = stage_with(|builder| builder.user(user)).auth.open_api();
    let shown = &document["components"]["schemas"]["User"]["properties"];
    assert!(shown["motto"].is_object() && shown["role"].is_object() && shown["secret"].is_null());
    let body = &document["paths"]["/sign-up/email"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    let set = &body["properties"];
    assert!(set["motto"].is_object() && set["secret"].is_object() && set["role"].is_null());
}

#[tokio::test]
async fn the_document_and_the_page_are_served_where_the_plugin_is_on() {
    let with = stage_with(|builder| builder.plugin(OpenApi::new().path("/docs")));
    assert_eq!(with.get("/open-api/generate-schema").await.json(), with.auth.open_api());
    let page = with.get("/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert!(!page.text().contains("{{") && page.text().contains("/sign-in/email"));

    let hidden = stage_with(|builder| builder.plugin(OpenApi::new().disable_default_reference()));
    assert_eq!(hidden.get("/reference").await.status, 404);
    assert_eq!(stage().get("/open-api/generate-schema").await.status, 404);
}

#[tokio::test]
async fn nothing_in_the_document_can_end_the_page_s_script() {
    let stage = stage_with(|builder| builder.base_path("/api/auth").plugin(Closing).plugin(OpenApi::new()));
    let page = stage.get("/reference").await;
    assert!(!page.text().contains("</script><b>") && page.text().contains("\\u003c/script>\\u003cb>"));
}

/// Announces an error code that tries to leave the script element.
struct Closing;
impl hallpass::plugin::Plugin for Closing {
    fn id(&self) -> &'static str {
        "closing"
    }
    fn build(&self, registrar: &mut hallpass::plugin::Registrar) -> Result<(), hallpass::BuildError> {
        registrar.error_code("</script><b>", "x");
        Ok(())
    }
}

#[tokio::test]
async fn small_endpoints_answer_in_process_too() {
    let stage = stage();
    assert!(stage.auth.api().ok(&HeaderMap::new()).await.unwrap().ok);
    let page = ErrorPage { error: Some("INVALID_TOKEN".into()), ..ErrorPage::default() };
    let shown = stage.auth.api().error(page, &HeaderMap::new()).await.unwrap_err();
    assert_eq!(shown.status().as_u16(), 200);
}
