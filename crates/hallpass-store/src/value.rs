//! What a table cell can hold, and rows of such cells.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::timestamp::Timestamp;

/// The content of one cell. Texts and documents do not print: any of them may be a token or a password's hash.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// A moment in time.
    Date(Timestamp),
    /// A JSON document, list or object (column kinds json, list of text, list of numbers).
    Json(serde_json::Value),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Integer(number) => write!(f, "Integer({number})"),
            Self::Number(number) => write!(f, "Number({number})"),
            Self::Boolean(flag) => write!(f, "Boolean({flag})"),
            Self::Date(moment) => write!(f, "Date({moment})"),
            Self::Json(_) => f.write_str("Json(…)"),
        }
    }
}

impl Value {
    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, when it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Boolean(flag) => serializer.serialize_bool(*flag),
            Self::Date(moment) => moment.serialize(serializer),
            Self::Json(json) => json.serialize(serializer),
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(flag) => Self::Boolean(flag),
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => Self::Integer(whole),
                None => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            },
            other => Self::Json(other),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Boolean(flag)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}
impl From<Timestamp> for Value {
    fn from(moment: Timestamp) -> Self {
        Self::Date(moment)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The cells of a row, or part of one, by logical column name, in the order they were given.
///
/// ```
/// use hallpass_store::{Row, Value};
/// let row = Row::new().with("name", "Ann").with("emailVerified", false);
/// assert_eq!(row.get("name"), Some(&Value::from("Ann")));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row(Vec<(Arc<str>, Value)>);

/// The configured additional fields of a record, in schema order.
pub type Fields = Row;

impl Row {
    /// An empty row.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds or replaces a cell.
    pub fn with(mut self, column: impl Into<Arc<str>>, value: impl Into<Value>) -> Self {
        self.set(column, value);
        self
    }

    /// Adds or replaces a cell.
    pub fn set(&mut self, column: impl Into<Arc<str>>, value: impl Into<Value>) {
        let (column, value) = (column.into(), value.into());
        match self.0.iter_mut().find(|(name, _)| *name == column) {
            Some(cell) => cell.1 = value,
            None => self.0.push((column, value)),
        }
    }

    /// Appends a cell without looking for one of the same name; for stores that build rows column by column.
    pub fn push(&mut self, column: Arc<str>, value: Value) {
        self.0.push((column, value));
    }

    /// The cell's content; `None` where the row has no such cell.
    pub fn get(&self, column: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| &**name == column).map(|(_, value)| value)
    }

    /// Takes a cell out.
    pub fn take(&mut self, column: &str) -> Option<Value> {
        let at = self.0.iter().position(|(name, _)| &**name == column)?;
        Some(self.0.remove(at).1)
    }

    /// Adds every cell of `other`, replacing those of the same name.
    pub fn merge(&mut self, other: Self) {
        for (column, value) in other.0 {
            self.set(column, value);
        }
    }

    /// Keeps the cells for which `keep` answers true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    /// The cells in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Row {
    type Item = (Arc<str>, Value);
    type IntoIter = std::vec::IntoIter<Self::Item>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(Arc<str>, Value)> for Row {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Value)>>(cells: I) -> Self {
        Self(cells.into_iter().collect())
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(&**name, value)?;
        }
        map.end()
    }
}
