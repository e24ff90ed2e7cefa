//! Every configuration key: the table of keys says which there are, the options' own documentation what they do.

use std::fmt::Write as _;

use hallpass_cli::config::{
    Config,
    keys::{KEYS, Key, Kind},
};
use serde_json::Value;

use super::{Failure, cell};

const HEAD: &str = "\
# Configuration keys

<!-- Generated from the option types by `cargo run -p hallpass-book`; change their documentation instead. -->

Every key there is, in the order of the sections. How files and environment variables are written is in
[Configuration](configuration.md). `*` stands for a name of your own, or for a number in a list. A default that is not
shown is none, or is said in the text. \"CONTRACT\" is [the wire, fact by fact](../../../docs/CONTRACT.md).
";

pub(super) fn page() -> Result<String, Failure> {
    let schema = schemars::schema_for!(Config).to_value();
    let mut page = HEAD.to_owned();
    let mut sections: Vec<&str> = vec![""];
    for section in available().map(section_of) {
        if !sections.contains(&section) {
            sections.push(section);
        }
    }
    for section in sections {
        write_head(&mut page, &schema, section)?;
        for key in available().filter(|key| section_of(key) == section) {
            let found = find(&schema, key.path).ok_or_else(|| format!("{} is no option", key.path))?;
            let default = default_of(found).map(|default| format!("`{default}`")).unwrap_or_default();
            let says = match description(&schema, found) {
                // Names of the reader's own say nothing; the section does.
                says if says.is_empty() => {
                    key.path.strip_suffix(".*").and_then(|of| find(&schema, of)).map(|of| description(&schema, of))
                }
                says => Some(says),
            };
            let says = says.ok_or_else(|| format!("{} has no documentation", key.path))?;
            writeln!(page, "| `{}` | {} | {default} | {} |", key.path, kind(key), cell(&says))?;
        }
    }
    Ok(page)
}

fn available() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(|key| key.available)
}

fn section_of(key: &Key) -> &'static str {
    key.path.split_once('.').map_or("", |(section, _)| section)
}

fn write_head(page: &mut String, schema: &Value, section: &str) -> Result<(), Failure> {
    if section.is_empty() {
        writeln!(page, "\n## Without a section\n")?;
    } else {
        writeln!(page, "\n## `[{section}]`\n")?;
        let says = find(schema, section).map(|found| description(schema, found)).unwrap_or_default();
        writeln!(page, "{}\n", cell(&says))?;
    }
    writeln!(page, "| Key | Holds | Default | What it does |\n|---|---|---|---|")?;
    Ok(())
}

fn kind(key: &Key) -> &'static str {
    match key.kind {
        Kind::Text => "text",
        Kind::Flag => "`true` or `false`",
        Kind::Number => "number",
        Kind::Span => "span",
        Kind::List => "list",
        Kind::Any => "as said",
    }
}

/// The schema of a key: properties by name, `*` as any name or number, and references and alternatives looked through.
fn find<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(root, |schema, part| step(root, schema, part))
}

fn step<'a>(root: &'a Value, schema: &'a Value, part: &str) -> Option<&'a Value> {
    if let Some(found) = schema.get("properties").and_then(|properties| properties.get(part)) {
        return Some(found);
    }
    if part == "*"
        && let Some(found) =
            schema.get("additionalProperties").or_else(|| schema.get("items")).filter(|it| it.is_object())
    {
        return Some(found);
    }
    let referred = schema.get("$ref").and_then(Value::as_str).and_then(|at| root.pointer(at.strip_prefix('#')?));
    let ways = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|way| schema.get(way)?.as_array()).flatten();
    referred.into_iter().chain(ways).find_map(|schema| step(root, schema, part))
}

/// What the field says of itself, and else what its type does; for a choice of words, the words as well.
fn description(root: &Value, schema: &Value) -> String {
    let own = text_of(schema).unwrap_or_default();
    let words = words(root, schema);
    let own = if own.is_empty() { referred(root, schema).and_then(text_of).unwrap_or_default() } else { own };
    if words.is_empty() { own } else { format!("{own} {}", words.join(" ")) }
}

/// The first paragraph.
fn text_of(schema: &Value) -> Option<String> {
    let text = schema.get("description")?.as_str()?;
    Some(text.split("\n\n").next().unwrap_or_default().to_owned())
}

fn referred<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    if let Some(at) = schema.get("$ref").and_then(Value::as_str) {
        return root.pointer(at.strip_prefix('#')?);
    }
    let ways = ["anyOf", "allOf"].into_iter().find_map(|way| schema.get(way)?.as_array())?;
    ways.iter().find_map(|way| referred(root, way))
}

/// `"word"`: what it means, for each word that may be said.
fn words(root: &Value, schema: &Value) -> Vec<String> {
    let Some(choices) = referred(root, schema).and_then(|found| found.get("oneOf")?.as_array()) else {
        return Vec::new();
    };
    let word = |choice: &Value| {
        let word = choice.get("const")?.as_str()?;
        let says = text_of(choice)?;
        Some(format!("`\"{word}\"`: {}", says.trim()))
    };
    choices.iter().filter_map(word).collect()
}

/// The default, where the type has one that says more than "nothing".
fn default_of(schema: &Value) -> Option<String> {
    match schema.get("default")? {
        Value::Array(items) if items.is_empty() => None,
        Value::Null | Value::Object(_) => None,
        Value::String(text) if text.is_empty() => None,
        value => Some(value.to_string()),
    }
}
