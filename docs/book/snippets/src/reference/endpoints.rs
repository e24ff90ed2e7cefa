//! Every endpoint, from the OpenAPI document of an engine that has them all.
#![expect(clippy::indexing_slicing, reason = "a JSON value has null in every place that is not there")]

use std::fmt::Write as _;

use hallpass::{Bearer, EmailAndPassword, Hallpass, OpenApi, store::MemoryStore};
use serde_json::{Map, Value};

use super::{Failure, cell};

const HEAD: &str = "\
# Every endpoint

<!-- Generated from the endpoints' types by `cargo run -p hallpass-book`; change their documentation instead. -->

Paths are below `/api/auth`, or below what `base_path` says. Bodies are JSON. Who calls is known by
`Authorization: Bearer …` or by the session cookie. Not in the tables, because it holds everywhere:

- 400 is a request that is not as it should be, 403 an origin or a redirect target that is not trusted, 429 too many
  requests (`x-retry-after` says how many seconds to wait), 503 a store that is away. The body of an error is
  `{\"code\", \"message\"}`.
- Where a session is required, 401 says that there is none.
- `set-auth-token` comes with every answer that sets a session cookie.

A running server describes itself, plugins and additional fields included, with [`plugins.open_api`](plugins.md#open_api).
";

/// What no document of methods and bodies can say.
const GATEWAYS: &str = "
## For gateways

### `/bearer/verify`

Whose a bearer token is. There with `plugins.bearer.verify_endpoint`, for any method, and on every path below as well. A session is
required.

Answers `200` with an empty body and the headers `x-auth-user-id`, `x-auth-session-id` and `x-auth-email`, or `401` with
`www-authenticate`. [Gateways](../../../docs/gateways.md) has the rest.
";

pub(super) fn page() -> Result<String, Failure> {
    let auth = Hallpass::builder()
        .secret("a secret of at least thirty-two characters")
        .store(MemoryStore::new())
        .email_and_password(EmailAndPassword::default())
        .plugin(Bearer::new())
        .plugin(OpenApi::new())
        .build()?;
    let document = auth.open_api();
    let mut page = HEAD.to_owned();
    for tag in document["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str()) {
        let operations: Vec<Operation<'_>> =
            operations(&document).filter(|operation| operation.says["tags"][0] == tag).collect();
        if operations.is_empty() {
            continue;
        }
        writeln!(page, "\n## {tag}")?;
        for operation in operations {
            operation.write(&mut page, &document)?;
        }
    }
    page.push_str(GATEWAYS);
    Ok(page)
}

struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    says: &'a Value,
}

fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.filter(|(_, says)| says["responses"].is_object()).map(move |(method, says)| Operation {
            method,
            path,
            says,
        })
    })
}

impl Operation<'_> {
    fn write(&self, page: &mut String, document: &Value) -> Result<(), Failure> {
        writeln!(page, "\n### `{} {}`\n", self.method.to_uppercase(), self.path)?;
        let session = if self.says["security"].is_null() { " A session is required." } else { "" };
        writeln!(page, "{}.{session}", self.says["summary"].as_str().unwrap_or_default())?;
        let fields: Vec<String> = self.parameters().chain(self.body()).collect();
        if !fields.is_empty() {
            writeln!(page, "\n| Field | In | Holds | |\n|---|---|---|---|\n{}", fields.join("\n"))?;
        }
        let answers: Vec<String> = self.answers(document);
        if !answers.is_empty() {
            writeln!(page, "\nAnswers {}.", answers.join(", or "))?;
        }
        Ok(())
    }

    fn parameters(&self) -> impl Iterator<Item = String> {
        self.says["parameters"].as_array().into_iter().flatten().map(|parameter| {
            let is_required = parameter["required"] == true;
            row(
                parameter["name"].as_str().unwrap_or_default(),
                parameter["in"].as_str().unwrap_or_default(),
                &parameter["schema"],
                is_required,
                parameter["description"].as_str().unwrap_or_default(),
            )
        })
    }

    fn body(&self) -> impl Iterator<Item = String> {
        let schema = &self.says["requestBody"]["content"]["application/json"]["schema"];
        let required = move |name: &str| {
            schema["required"].as_array().is_some_and(|required| required.iter().any(|required| required == name))
        };
        schema["properties"].as_object().into_iter().flatten().map(move |(name, field)| {
            row(name, "body", field, required(name), field["description"].as_str().unwrap_or_default())
        })
    }

    fn answers(&self, document: &Value) -> Vec<String> {
        let answers = self.says["responses"].as_object().into_iter().flatten();
        let usual = |status: &str| matches!(status, "200" | "302");
        answers
            .filter(|(status, _)| usual(status))
            .map(|(status, answer)| {
                let schema = &answer["content"]["application/json"]["schema"];
                let what = if status == "302" { "a redirect".to_owned() } else { shape(schema, document) };
                if what.is_empty() { format!("`{status}`") } else { format!("`{status}` with {what}") }
            })
            .collect()
    }
}

fn row(name: &str, place: &str, schema: &Value, is_required: bool, says: &str) -> String {
    let required = if is_required { ", required" } else { "" };
    format!("| `{name}` | {place} | {}{required} | {} |", kind(schema), cell(says))
}

fn kind(schema: &Value) -> String {
    match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "anything".into(),
    }
}

/// An answer in a few words: the names of its fields, `null` where that may come.
fn shape(schema: &Value, document: &Value) -> String {
    if let Some(at) = schema["$ref"].as_str().and_then(|at| at.strip_prefix('#')) {
        return document.pointer(at).map(|schema| shape(schema, document)).unwrap_or_default();
    }
    if let Some(ways) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        return ways
            .iter()
            .map(|way| shape(way, document))
            .filter(|way| !way.is_empty())
            .collect::<Vec<_>>()
            .join(" or ");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => match shape(&schema["items"], document) {
            items if items.is_empty() => "a list".into(),
            items => format!("a list of {items}"),
        },
        Value::String(kind) if kind == "object" => fields(&schema["properties"]),
        Value::Array(kinds) if kinds.iter().any(|kind| kind == "object") => {
            format!("{} or `null`", fields(&schema["properties"]))
        }
        Value::String(kind) if kind == "null" => "`null`".into(),
        Value::String(kind) => format!("a {kind}"),
        _ => String::new(),
    }
}

fn fields(properties: &Value) -> String {
    let names: Vec<&str> = properties.as_object().map(Map::keys).into_iter().flatten().map(String::as_str).collect();
    if names.is_empty() { "an object".into() } else { format!("`{{{}}}`", names.join(", ")) }
}
