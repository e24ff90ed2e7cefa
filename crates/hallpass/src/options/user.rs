use hallpass_store::{Column, ColumnKind, Value};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The user record (`user` in the npm package).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserOptions {
    /// Columns of your own on the user, by name.
    pub additional_fields: IndexMap<String, AdditionalField>,
}

/// What an additional field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum FieldType {
    /// Text.
    #[default]
    #[serde(rename = "string")]
    String,
    /// A number.
    #[serde(rename = "number")]
    Number,
    /// True or false.
    #[serde(rename = "boolean")]
    Boolean,
    /// A moment in time.
    #[serde(rename = "date")]
    Date,
    /// A JSON document.
    #[serde(rename = "json")]
    Json,
    /// A list of texts.
    #[serde(rename = "string[]")]
    StringList,
    /// A list of numbers.
    #[serde(rename = "number[]")]
    NumberList,
}

/// A column of your own on the user or the session (`additionalFields` in the npm package; CONTRACT §11.3).
///
/// ```
/// use hallpass::options::{AdditionalField, FieldType};
/// let role = AdditionalField {
///     field_type: FieldType::String,
///     input: false,
///     default_value: Some("member".into()),
///     ..AdditionalField::default()
/// };
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdditionalField {
    /// What it holds.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Whether it must be given; when not said, the column is required but input need not have it.
    pub required: Option<bool>,
    /// The value when none is given.
    pub default_value: Option<serde_json::Value>,
    /// Whether clients may set it.
    pub input: bool,
    /// Whether clients see it.
    pub returned: bool,
    /// Whether no two rows may have the same value.
    pub unique: bool,
}

impl Default for AdditionalField {
    fn default() -> Self {
        Self {
            field_type: FieldType::String,
            required: None,
            default_value: None,
            input: true,
            returned: true,
            unique: false,
        }
    }
}

impl AdditionalField {
    pub(crate) fn column(&self, name: &str) -> Column {
        let kind = match self.field_type {
            FieldType::String => ColumnKind::Text,
            FieldType::Number => ColumnKind::Integer,
            FieldType::Boolean => ColumnKind::Boolean,
            FieldType::Date => ColumnKind::Date,
            FieldType::Json => ColumnKind::Json,
            FieldType::StringList => ColumnKind::TextList,
            FieldType::NumberList => ColumnKind::NumberList,
        };
        let mut column = Column::new(name, kind);
        column.required = self.required != Some(false);
        column.unique = self.unique;
        column.default = self.default_value.clone().map(Value::from);
        column
    }
}
