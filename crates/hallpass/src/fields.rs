//! Additional fields of users and sessions (CONTRACT §11.3).

use hallpass_store::{Row, Timestamp, Value};
use http::StatusCode;
use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use crate::{
    error::ApiError,
    gate::origin::is_truthy,
    options::{AdditionalField, FieldType},
};

/// What input is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Update,
}

/// Takes the configured fields out of what a client sent. Everything else is ignored, whatever it is called: this is what keeps
/// a client from setting columns that are not its to set.
pub(crate) fn read(
    fields: &IndexMap<String, AdditionalField>,
    input: &Map<String, Json>,
    action: Action,
) -> Result<Row, ApiError> {
    let mut row = Row::new();
    for (name, field) in fields {
        let default = field.default_value.as_ref().filter(|_| action == Action::Create);
        match (input.get(name), default) {
            (Some(_), Some(default)) if !field.input => row.set(&**name, typed(field, default.clone())),
            (Some(given), _) if !field.input => {
                if is_truthy(given) {
                    return Err(refused("FIELD_NOT_ALLOWED", format!("{name} is not allowed to be set")));
                }
            }
            (Some(given), _) if !is_possible(field, given) => {
                let message = format!("[body.{name}] Invalid input: expected date, received number");
                return Err(refused("VALIDATION_ERROR", message));
            }
            (Some(given), _) => row.set(&**name, typed(field, given.clone())),
            (None, Some(default)) => row.set(&**name, typed(field, default.clone())),
            (None, None) if field.required == Some(true) && action == Action::Create => {
                return Err(refused("MISSING_FIELD", format!("{name} is required")));
            }
            (None, None) => {}
        }
    }
    Ok(row)
}

/// Whether a number given for a date is a moment that ECMAScript has. Stored, another one could not be read again.
fn is_possible(field: &AdditionalField, given: &Json) -> bool {
    const FURTHEST: f64 = 8.64e15;
    let is_far = given.as_f64().is_some_and(|millis| millis.abs() > FURTHEST);
    field.field_type != FieldType::Date || !is_far
}

/// Adds the fields that were not given as empty, in schema order, as the store will have them.
pub(crate) fn completed(fields: &IndexMap<String, AdditionalField>, mut given: Row) -> Row {
    let mut row = Row::new();
    for name in fields.keys() {
        row.set(&**name, given.take(name).unwrap_or(Value::Null));
    }
    row
}

/// A JSON value as the field's column holds it.
pub(crate) fn typed(field: &AdditionalField, json: Json) -> Value {
    let parse = |text: &str| text.parse::<Timestamp>().ok().map(Value::Date);
    match (field.field_type, json) {
        (FieldType::Json | FieldType::StringList | FieldType::NumberList, json) if !json.is_null() => Value::Json(json),
        (FieldType::Date, Json::String(text)) => parse(&text).unwrap_or(Value::Text(text)),
        (_, json) => Value::from(json),
    }
}

fn refused(code: &'static str, message: String) -> ApiError {
    ApiError::coded(StatusCode::BAD_REQUEST, code, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(field: AdditionalField) -> IndexMap<String, AdditionalField> {
        IndexMap::from([("role".to_owned(), field)])
    }

    fn attempt(field: AdditionalField, input: &Json, action: Action) -> Result<Option<Value>, String> {
        let input = input.as_object().cloned().unwrap();
        read(&fields(field), &input, action).map(|mut row| row.take("role")).map_err(|error| error.to_string())
    }

    #[test]
    fn fields_clients_may_not_set() {
        let field = |default_value| AdditionalField { input: false, default_value, ..AdditionalField::default() };
        let with_default = field(Some(json!("member")));
        assert_eq!(attempt(with_default.clone(), &json!({"role": "admin"}), Action::Create), Ok(Some("member".into())));
        assert!(attempt(with_default, &json!({"role": "admin"}), Action::Update).is_err());
        let refusal = attempt(field(None), &json!({"role": "admin"}), Action::Create);
        assert_eq!(refusal, Err("role is not allowed to be set".into()));
        assert_eq!(attempt(field(None), &json!({"role": ""}), Action::Create), Ok(None));
    }

    #[test]
    fn a_number_that_is_no_moment_is_refused_for_a_date() {
        let field = AdditionalField { field_type: FieldType::Date, ..AdditionalField::default() };
        assert!(attempt(field.clone(), &json!({"role": 1e300}), Action::Create).is_err());
        assert!(attempt(field.clone(), &json!({"role": 0}), Action::Create).is_ok());
        assert!(attempt(field, &json!({"role": "2026-11-23"}), Action::Create).is_ok());
    }

    #[test]
    fn required_fields_are_required_at_the_start_only() {
        let field = AdditionalField { required: Some(true), ..AdditionalField::default() };
        assert_eq!(attempt(field.clone(), &json!({}), Action::Create), Err("role is required".into()));
        assert_eq!(attempt(field, &json!({}), Action::Update), Ok(None));
        assert_eq!(attempt(AdditionalField::default(), &json!({"other": 1}), Action::Create), Ok(None));
    }
}
