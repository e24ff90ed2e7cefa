use std::time::Duration;

use hallpass_store::{Column, ColumnKind, Value};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// The user record (`user` in the npm package).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UserOptions {
    /// The table's name in the database; `user`. Nothing that is there is renamed: rename the table of a database in use yourself first.
    pub model_name: Option<String>,
    /// Names of columns in the database, by the names they have here: `email = "mail"`.
    pub fields: IndexMap<String, String>,
    /// Columns of your own on the user, by name.
    pub additional_fields: IndexMap<String, AdditionalField>,
    /// Changing one's own address.
    pub change_email: ChangeEmailOptions,
    /// Deleting one's own account.
    pub delete_user: DeleteUserOptions,
}

/// Changing one's own address (`user.changeEmail` in the npm package; CONTRACT §11.6).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeEmailOptions {
    /// Whether users may change their address.
    pub enabled: bool,
    /// Lets users whose address is not verified change it at once.
    pub update_email_without_verification: bool,
    /// Asks at the old address first, if it is verified. Without this only the new one is asked. When not said: only if a mailer was
    /// given for this kind of mail alone.
    pub send_change_email_confirmation: Option<bool>,
}

/// Deleting one's own account (`user.deleteUser` in the npm package; CONTRACT §11.6).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeleteUserOptions {
    /// Whether users may delete their account.
    pub enabled: bool,
    /// Asks by mail first. When not said: only if a mailer was given for this kind of mail alone.
    pub send_delete_account_verification: Option<bool>,
    /// How long the link in that mail is good for; 1 day, also when 0.
    pub delete_token_expires_in: Option<Span>,
}

impl DeleteUserOptions {
    pub(crate) fn delete_token_expires_in(&self) -> Duration {
        Span::or_hours(self.delete_token_expires_in, 24)
    }
}

/// What an additional field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the npm package's")]
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
    /// Whether rows are looked up by it, so that the column gets an index.
    pub index: bool,
    /// Whether rows are ordered by it. On MySQL and MariaDB a text is then at most 255 characters long.
    pub sortable: bool,
    /// Whether a number may need more than 32 bits.
    pub bigint: bool,
    /// The column's name in the database; the field's own when not said.
    pub field_name: Option<String>,
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
            index: false,
            sortable: false,
            bigint: false,
            field_name: None,
        }
    }
}

impl AdditionalField {
    pub(crate) fn column(&self, name: &str) -> Column {
        let kind = match self.field_type {
            FieldType::String => ColumnKind::Text,
            FieldType::Number if self.bigint => ColumnKind::BigInteger,
            FieldType::Number => ColumnKind::Integer,
            FieldType::Boolean => ColumnKind::Boolean,
            FieldType::Date => ColumnKind::Date,
            FieldType::Json => ColumnKind::Json,
            FieldType::StringList => ColumnKind::TextList,
            FieldType::NumberList => ColumnKind::NumberList,
        };
        let mut column = Column::new(name, kind);
        if let Some(physical) = self.field_name.as_deref().filter(|physical| !physical.is_empty()) {
            column = column.named(physical);
        }
        column.required = self.required != Some(false);
        column.unique = self.unique;
        column.indexed = self.index;
        column.sortable = self.sortable;
        column.default = self.default_value.clone().map(Value::from);
        column
    }
}
