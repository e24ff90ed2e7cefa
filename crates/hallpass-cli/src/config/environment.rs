//! Configuration from environment variables.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{
    Config, Hidden,
    keys::{self, Kind},
};

const PREFIX: &str = "HALLPASS__";

/// Sets every `HALLPASS__SECTION__KEY` in the table. Returns what is wrong with them.
pub(super) fn overlay(table: &mut Table, variables: &BTreeMap<String, String>) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, text) in variables {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            problems.extend(one_underscore_short(name));
            continue;
        };
        let path: Vec<&str> = rest.split("__").collect();
        match keys::find_folding_case(&path) {
            None => problems.push(keys::unknown(&rest.replace("__", ".").to_lowercase(), name)),
            Some((path, kind)) => match parse(kind, text) {
                Some(value) => set(table, &path, value),
                None => problems.push(format!("{name}: expected {}", kind.describe())),
            },
        }
    }
    problems
}

/// `HALLPASS_SECRET` and `HALLPASS_DATABASE_URL` do nothing, and whoever wrote them should know. Other variables that begin so are
/// somebody else's: orchestrators set some for a service of this name.
fn one_underscore_short(name: &str) -> Option<String> {
    // The variable of the commands that sign in. There is a key of that name, which is about something else.
    if name == "HALLPASS_PROFILE" {
        return None;
    }
    let path = name.strip_prefix("HALLPASS_")?;
    let meant = keys::with_single_underscores(path)?;
    Some(format!("{name}: write {PREFIX}{meant}, with two underscores between the parts"))
}

fn parse(kind: Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::Text | Kind::Span => Some(Value::String(text.into())),
        Kind::Flag => text.parse().ok().map(Value::Boolean),
        Kind::Number => text.parse().ok().map(Value::Integer),
        Kind::List => Some(Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.into()))
                .collect(),
        )),
        Kind::Any => Some(
            text.parse()
                .map(Value::Boolean)
                .or_else(|_| text.parse().map(Value::Integer))
                .unwrap_or_else(|_: std::num::ParseIntError| Value::String(text.into())),
        ),
    }
}

fn set(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => drop(table.insert(key.clone(), value)),
        [section, rest @ ..] => {
            let entry = table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
            // A section in a list goes by its number.
            if let (Value::Array(items), [index, rest @ ..]) = (&mut *entry, rest)
                && let Some(Value::Table(section)) = index.parse().ok().and_then(|index: usize| items.get_mut(index))
            {
                return set(section, rest, value);
            }
            if !entry.is_table() {
                *entry = Value::Table(Table::new());
            }
            if let Value::Table(section) = entry {
                set(section, rest, value);
            }
        }
    }
}

/// The npm package's own variables, for what nothing else has said (CONTRACT §15).
pub(super) fn honour_npm_variables(config: &mut Config, variables: &BTreeMap<String, String>) {
    let get = |name: &str| variables.get(name).filter(|text| !text.is_empty()).cloned();
    if let Some(secrets) = get("BETTER_AUTH_SECRETS").filter(|_| config.secrets.is_empty()) {
        // An empty entry is a mistake, which the check of the secrets tells.
        config.secrets = secrets.split(',').map(|entry| Hidden(entry.into())).collect();
    }
    if config.secret.as_ref().is_none_or(|secret| secret.0.is_empty()) {
        config.secret = get("BETTER_AUTH_SECRET").or_else(|| get("AUTH_SECRET")).map(Hidden);
    }
    if config.base_url.is_none() {
        config.base_url = get("BETTER_AUTH_URL").map(Into::into);
    }
    // Added to the list rather than in place of it, and not trimmed: both as in the npm package.
    let origins = get("BETTER_AUTH_TRUSTED_ORIGINS").unwrap_or_default();
    config.trusted_origins.extend(origins.split(',').filter(|it| !it.is_empty()).map(Into::into));
}
