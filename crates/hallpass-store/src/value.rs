//! What a table cell can hold, and rows of such cells.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use jiff::fmt::{StdFmtWrite, temporal::DateTimePrinter};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap};

/// A moment in time, in whole milliseconds since 1970-01-01 UTC, as JavaScript's `Date` has it.
///
/// Written as ISO 8601 with milliseconds and `Z` (CONTRACT §3, §13.2), so that text order is time order.
///
/// ```
/// use std::time::Duration;
/// use hallpass_store::Timestamp;
/// let t: Timestamp = "2026-11-23T08:40:13.336Z".parse().unwrap();
/// assert_eq!((t + Duration::from_secs(1)).to_string(), "2026-11-23T08:40:14.336Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970-01-01 UTC.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to this moment in milliseconds; negative when `earlier` lies after it.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::ops::Add<std::time::Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<std::time::Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: std::time::Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => PRINTER.print_timestamp(&moment, StdFmtWrite(f)).map_err(|_| fmt::Error),
            // Beyond the year 9999, where no text form orders like time; the number at least is not a lie.
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

/// A text that is no moment in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a date")]
pub struct NotADate;

impl FromStr for Timestamp {
    type Err = NotADate;
    /// Reads ISO 8601, with an offset or (as databases write it) without one, then taken as UTC.
    fn from_str(text: &str) -> Result<Self, NotADate> {
        if let Some(millis) = canonical_millis(text.as_bytes()) {
            return Ok(Self(millis));
        }
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(moment.as_millisecond()));
        }
        let civil: jiff::civil::DateTime = text.parse().map_err(|_| NotADate)?;
        let moment = jiff::tz::Offset::UTC.to_timestamp(civil).map_err(|_| NotADate)?;
        Ok(Self(moment.as_millisecond()))
    }
}

/// Reads exactly the form that is written, `2026-11-23T08:40:13.336Z`. Every session look-up reads five of them, and the general
/// reader would make it a twentieth slower.
fn canonical_millis(text: &[u8]) -> Option<i64> {
    #[rustfmt::skip]
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', i0, i1, b':', s0, s1, b'.', f0, f1, f2, b'Z'] =
        text
    else {
        return None;
    };
    let number = |digits: &[&u8]| {
        digits
            .iter()
            .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(**digit - b'0')))
    };
    let (year, month, day) = (number(&[y0, y1, y2, y3])?, number(&[m0, m1])?, number(&[d0, d1])?);
    let (hour, minute, second, milli) =
        (number(&[h0, h1])?, number(&[i0, i1])?, number(&[s0, s1])?, number(&[f0, f1, f2])?);
    let plain = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    if !plain || (day > 28 && day > days_in(year, month)) {
        return None;
    }
    Some((((days_before(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milli)
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, counting years from March so that the leap day comes last.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let days_of_months = (153 * ((month + 9) % 12) + 2) / 5;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + days_of_months + day - 1 - 719_468
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_with_milliseconds_and_read_in_the_forms_databases_use() {
        let written = Timestamp::from_millis(1_893_456_000_000).to_string();
        assert_eq!(written, "2030-01-01T00:00:00.000Z");
        for text in ["2030-01-01T00:00:00.000Z", "2030-01-01 00:00:00", "2030-01-01T01:00:00+01:00"] {
            assert_eq!(text.parse(), Ok(Timestamp::from_millis(1_893_456_000_000)), "{text}");
        }
        assert_eq!("yesterday".parse::<Timestamp>(), Err(NotADate));
    }

    #[test]
    fn the_short_way_to_read_a_date_agrees_with_the_long_one() {
        let day = 86_400_000;
        for days in (-719_528_i64..2_932_896).step_by(7) {
            let moment = jiff::Timestamp::from_millisecond(days * day + (days * 7919).rem_euclid(day)).unwrap();
            let text = Timestamp(moment.as_millisecond()).to_string();
            assert_eq!(canonical_millis(text.as_bytes()), Some(moment.as_millisecond()), "{text}");
        }
        for text in ["2026-02-29", "2100-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-01-00", "202a-01-01"] {
            let text = format!("{text}T00:00:00.000Z");
            assert_eq!(canonical_millis(text.as_bytes()), None, "{text}");
            assert_eq!(text.parse::<Timestamp>(), Err(NotADate), "{text}");
        }
        assert_eq!(canonical_millis(b"2024-02-29T24:00:00.000Z"), None);
    }

    #[test]
    fn text_order_is_time_order() {
        let [earlier, later] = [999, 1000].map(|ms| Timestamp::from_millis(ms).to_string());
        assert!(earlier < later, "{earlier} {later}");
    }
}
