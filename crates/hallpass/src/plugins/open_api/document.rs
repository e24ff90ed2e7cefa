//! Writing the OpenAPI document (OpenAPI Specification 3.1.0).

use http::Method;
use schemars::{
    JsonSchema, Schema, SchemaGenerator,
    generate::{Contract, SchemaSettings},
    transform::{RecursiveTransform, Transform},
};
use serde_json::{Map, Value, json};

use crate::{
    auth::Engine,
    endpoint::{Endpoint, Requirement, Route},
    options::{AdditionalField, FieldType},
    wire::body::MediaTypes,
};

/// What one endpoint contributes.
pub(crate) struct Described {
    input: Schema,
    output: Schema,
}

/// Makes schemas of types: of inputs in place, of outputs with definitions shared by all.
pub(crate) struct Schemas {
    inputs: SchemaGenerator,
    outputs: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let mut inputs = SchemaSettings::draft2020_12();
        inputs.inline_subschemas = true;
        inputs.meta_schema = None;
        inputs.contract = Contract::Deserialize;
        let mut outputs = SchemaSettings::draft2020_12();
        outputs.definitions_path = "/components/schemas".into();
        outputs.meta_schema = None;
        outputs.contract = Contract::Serialize;
        Self { inputs: inputs.into_generator(), outputs: outputs.into_generator() }
    }

    /// Describes an endpoint's types.
    pub(crate) fn describe<E: Endpoint>(&mut self) -> Described {
        let mut input = <E::Input as JsonSchema>::json_schema(&mut self.inputs);
        // What a type may hold as nothing a client leaves out; the wire refuses `null`.
        RecursiveTransform(without_null).transform(&mut input);
        Described { input, output: self.outputs.subschema_for::<E::Output>() }
    }
}

fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(options)) = schema.get_mut("anyOf") {
        options.retain(|option| option.get("type").is_none_or(|kind| kind != "null"));
    }
}

/// The whole document.
pub(super) fn write(engine: &Engine) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for endpoint in engine.routes.mounted() {
        let route = endpoint.route();
        if route.for_gateways || engine.disabled_paths.iter().any(|disabled| disabled == route.path()) {
            continue;
        }
        let described = endpoint.describe(&mut schemas);
        let path = paths.entry(route.path()).or_insert_with(|| json!({}));
        for method in route.methods() {
            let operation = operation(engine, route, method, &described);
            if let Some(path) = path.as_object_mut() {
                // Of two endpoints at one place the one that answers comes first.
                path.entry(method.as_str().to_lowercase()).or_insert(operation);
            }
        }
    }
    paths.sort_keys();
    let mut definitions = schemas.outputs.take_definitions(true);
    definitions.insert("Error".into(), error_schema(engine));
    for (name, fields) in [("User", &engine.user_fields), ("Session", &engine.session_fields)] {
        let shown = fields.iter().filter(|(_, field)| field.returned);
        if let Some(Value::Object(properties)) =
            definitions.get_mut(name).and_then(|schema| schema.get_mut("properties"))
        {
            properties.extend(shown.map(|(name, field)| (name.clone(), field_schema(field, true))));
        }
    }
    let server = format!("{}{}", engine.origin.as_deref().unwrap_or_default(), engine.base_path);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "hallpass",
            "description": "Authentication with bearer tokens, on the wire protocol of better-auth.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": if server.is_empty() { "/".to_owned() } else { server }}],
        "security": [{"apiKeyCookie": []}, {"bearerAuth": []}],
        "tags": GROUPS.iter().map(|(name, _)| json!({"name": name})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "apiKeyCookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": engine.default_cookies.session_token.name,
                    "description": "The session cookie, which sign-in sets.",
                },
                "bearerAuth": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The session token: the `set-auth-token` header of the answer to a sign-in.",
                },
            },
        },
    })
}

fn operation(engine: &Engine, route: &Route, method: &Method, described: &Described) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), operation_id(route, method).into());
    operation.insert("tags".into(), json!([tag(route.path())]));
    if let Some(summary) = route.summary {
        operation.insert("summary".into(), summary.into());
    }
    if route.requirement == Requirement::None && !route.finds_session {
        operation.insert("security".into(), json!([]));
    }
    let mut parameters: Vec<Value> = path_parameters(route.path()).map(path_parameter).collect();
    if takes_body(route, method, &described.input) {
        operation.insert("requestBody".into(), request_body(engine, route, described));
    } else {
        parameters.extend(query_parameters(&described.input));
    }
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    operation.insert("responses".into(), responses(route, described));
    operation.into()
}

fn takes_body(route: &Route, method: &Method, input: &Schema) -> bool {
    *method == Method::POST && route.media_types != MediaTypes::Ignored && !is_nothing(input)
}

/// Whether a type is `()` or another that has no content.
fn is_nothing(schema: &Schema) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null")
}

/// `/sign-up/email` is `signUpEmail`; of several methods the later ones say which they are.
fn operation_id(route: &Route, method: &Method) -> String {
    let mut id = String::new();
    for word in route.path().split(['/', '-', '{', '}', '_']).filter(|word| !word.is_empty()) {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        id.push_str(&if id.is_empty() { first.to_lowercase() } else { first.to_uppercase() });
        id.push_str(rest);
    }
    if route.methods().first() != Some(method) {
        id.push_str(match *method {
            Method::POST => "Post",
            _ => "Get",
        });
    }
    id
}

/// The groups in which the page shows endpoints, in this order, and how their paths begin.
const GROUPS: &[(&str, &[&str])] = &[
    ("Signing up, in and out", &["/sign-", "/callback"]),
    ("Sessions", &["/get-session", "/list-sessions", "/revoke-", "/update-session"]),
    ("The user", &["/update-user", "/delete-user", "/change-email"]),
    ("Passwords", &["/change-password", "/verify-password", "/request-password-reset", "/reset-password"]),
    ("Proving addresses", &["/send-verification-email", "/verify-email"]),
    (
        "Accounts at other providers",
        &["/list-accounts", "/link-social", "/unlink-account", "/get-access-token", "/refresh-token", "/account-info"],
    ),
    ("The server", &["/ok", "/error", "/open-api", "/reference"]),
    ("Plugins", &[]),
];

/// Which of them an endpoint is in.
fn tag(path: &str) -> &'static str {
    let belongs = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    GROUPS.iter().find(|(_, prefixes)| belongs(prefixes)).map_or("Plugins", |(group, _)| group)
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn path_parameter(name: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
}

fn query_parameters(input: &Schema) -> Vec<Value> {
    let required = |name: &str| {
        let names = input.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|known| known == name))
    };
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter = json!({"name": name, "in": "query", "required": required(name), "schema": schema});
        if let (Some(description), Some(parameter)) = (description, parameter.as_object_mut()) {
            parameter.insert("description".into(), description);
        }
        parameter
    };
    let properties = input.get("properties").and_then(Value::as_object);
    properties.map(|properties| properties.iter().map(parameter).collect()).unwrap_or_default()
}

fn request_body(engine: &Engine, route: &Route, described: &Described) -> Value {
    let mut schema = described.input.clone().to_value();
    if let Value::Object(schema) = &mut schema {
        // The name of a Rust type says nothing to a client.
        schema.remove("title");
        add_fields(engine, route, schema);
    }
    let required = schema.get("required").and_then(Value::as_array).is_some_and(|required| !required.is_empty());
    let mut content = json!({"application/json": {"schema": schema}});
    if let (MediaTypes::FormOrJson, Some(content)) = (route.media_types, content.as_object_mut()) {
        content.insert("application/x-www-form-urlencoded".into(), json!({"schema": schema}));
    }
    json!({"required": required, "content": content})
}

/// Additional fields belong to whatever sets them.
fn add_fields(engine: &Engine, route: &Route, schema: &mut Map<String, Value>) {
    let fields = match route.path() {
        "/sign-up/email" | "/update-user" => &engine.user_fields,
        "/update-session" => &engine.session_fields,
        _ => return,
    };
    let open = fields.iter().filter(|(_, field)| field.input);
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        properties.extend(open.map(|(name, field)| (name.clone(), field_schema(field, false))));
    }
}

fn field_schema(field: &AdditionalField, may_be_null: bool) -> Value {
    let kind = match field.field_type {
        FieldType::String => "string",
        FieldType::Date => {
            return json!({"type": if may_be_null { json!(["string", "null"]) } else { json!("string") }, "format": "date-time"});
        }
        FieldType::Number => "number",
        FieldType::Boolean => "boolean",
        FieldType::Json => return json!({}),
        FieldType::StringList => return json!({"type": "array", "items": {"type": "string"}}),
        FieldType::NumberList => return json!({"type": "array", "items": {"type": "number"}}),
    };
    if may_be_null && field.required != Some(true) { json!({"type": [kind, "null"]}) } else { json!({"type": kind}) }
}

fn responses(route: &Route, described: &Described) -> Value {
    let mut responses = Map::new();
    if is_nothing(&described.output) {
        responses.insert("302".into(), redirect());
    } else {
        let content = json!({"application/json": {"schema": described.output}});
        responses.insert("200".into(), json!({"description": "Done", "content": content}));
        if route.checks_callback_url {
            responses.insert("302".into(), redirect());
        }
    }
    let mut refusals = Vec::from([("400", "The request is not as it should be")]);
    if route.requirement != Requirement::None || route.finds_session {
        refusals.push(("401", "There is no session"));
    }
    if route.requirement == Requirement::Fresh {
        refusals.push(("403", "The session began too long ago, or the origin is not trusted"));
    } else {
        refusals.push(("403", "The origin or a redirect target is not trusted"));
    }
    refusals.push(("429", "Too many requests; `x-retry-after` says how many seconds to wait"));
    refusals.push(("503", "The store is away, or too much is waiting; the request may be sent again"));
    refusals.push(("default", "Anything else"));
    for (status, description) in refusals {
        let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}});
        responses.insert(status.into(), json!({"description": description, "content": content}));
    }
    responses.into()
}

fn redirect() -> Value {
    json!({
        "description": "Sends the browser on",
        "headers": {"location": {"schema": {"type": "string"}}},
    })
}

fn error_schema(engine: &Engine) -> Value {
    let codes = crate::ErrorCode::ALL.iter().map(|code| code.code());
    let known: Vec<&str> = codes.chain(engine.error_codes.iter().map(|(code, _)| *code)).collect();
    json!({
        "type": "object",
        "description": "Why a request was refused. Some errors have no code, and a few have no body.",
        "properties": {
            "message": {"type": "string"},
            "code": {"type": "string", "examples": known},
        },
        "required": ["message"],
    })
}
