//! Cells as a driver has them, turned into values (CONTRACT §13.2). Every driver brings its cells as [`Cells`].
//!
//! SQLite lets any column hold anything, and the npm package does not check the types of additional fields, so more is read
//! than is written: dates as milliseconds or in any ISO form; numbers and truth values that are texts, as those texts (typed
//! records refuse them); JSON that is none as no value, as that package does. What no reader could use is
//! [`StoreError::Corrupt`].

use std::sync::Arc;

use hallpass_store::{
    ColumnKind, Row, Session, SessionId, SessionToken, StoreError, Table, Timestamp, User, UserId, Value,
};

use crate::lookup::{Extra, Lookup, SESSION, USER};

/// A cell as a driver reads it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CellRef<'c> {
    Null,
    /// A text or a JSON document, which should be UTF-8.
    Text(&'c [u8]),
    Integer(i64),
    Real(f64),
    /// Only from databases that have a type for it.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "no other database has such a type"))]
    Boolean(bool),
    /// Only from databases that have a type for it.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "mysql")),
        expect(dead_code, reason = "SQLite has no such type")
    )]
    Date(Timestamp),
    /// What nothing can be made of, and why.
    Unreadable(&'static str),
}

/// A row as a driver has it.
pub(crate) trait Cells {
    type Error: From<StoreError>;

    fn cell(&self, index: usize) -> Result<CellRef<'_>, Self::Error>;
}

/// What is wrong with bytes where a value belongs.
pub(crate) const BYTES: &str = "bytes instead of a value";

/// A row of a statement that asked for every column of its table.
pub(crate) fn row<C: Cells>(cells: &C, table: &Table) -> Result<Row, C::Error> {
    let mut row = Row::new();
    for (index, column) in table.columns.iter().enumerate() {
        let value = match value(cells.cell(index)?, column.kind) {
            Ok(value) => value,
            Err(reason) if table.is_extra(&column.name) => unreadable(&table.name, &column.name, reason),
            Err(reason) => return Err(corrupt(&table.name, &column.name, cells, 0, reason)),
        };
        row.push(Arc::clone(&column.name), value);
    }
    Ok(row)
}

/// Session and user, straight from the row.
pub(crate) fn session_and_user<C: Cells>(cells: &C, lookup: &Lookup) -> Result<(Session, User), C::Error> {
    let cells = Typed(cells);
    let mut session = Session::new(
        SessionId::new(cells.text(0)?),
        SessionToken::new(cells.text(2)?),
        UserId::new(cells.text(7)?),
        cells.date(3)?,
        cells.date(1)?,
    );
    session.updated_at = cells.date(4)?;
    session.ip_address = cells.optional_text(5)?;
    session.user_agent = cells.optional_text(6)?;
    let at = SESSION.len();
    let mut user =
        User::new(UserId::new(cells.text(at)?), cells.text(at + 1)?, cells.text(at + 2)?, cells.date(at + 5)?);
    user.email_verified = cells.boolean(at + 3)?;
    user.image = cells.optional_text(at + 4)?;
    user.updated_at = cells.date(at + 6)?;
    let at = at + USER.len();
    session.extra = cells.extra("session", &lookup.session_extra, at)?;
    user.extra = cells.extra("user", &lookup.user_extra, at + lookup.session_extra.len())?;
    Ok((session, user))
}

/// The typed columns of the hot statement.
struct Typed<'r, C>(&'r C);

impl<C: Cells> Typed<'_, C> {
    fn text(&self, index: usize) -> Result<String, C::Error> {
        self.optional_text(index)?.ok_or_else(|| self.wrong(index, "no value"))
    }

    fn optional_text(&self, index: usize) -> Result<Option<String>, C::Error> {
        match self.0.cell(index)? {
            CellRef::Text(bytes) => match str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text.to_owned())),
                Err(_) => Err(self.wrong(index, NOT_UTF8)),
            },
            CellRef::Null => Ok(None),
            // An id column of numbers.
            CellRef::Integer(number) => Ok(Some(number.to_string())),
            _ => Err(self.wrong(index, "not a text")),
        }
    }

    fn date(&self, index: usize) -> Result<Timestamp, C::Error> {
        date(self.0.cell(index)?).map_err(|reason| self.wrong(index, reason))
    }

    fn boolean(&self, index: usize) -> Result<bool, C::Error> {
        match value(self.0.cell(index)?, ColumnKind::Boolean) {
            Ok(Value::Boolean(flag)) => Ok(flag),
            _ => Err(self.wrong(index, "not true or false")),
        }
    }

    fn extra(&self, table: &str, columns: &[Extra], from: usize) -> Result<Row, C::Error> {
        let mut row = Row::new();
        for (index, column) in columns.iter().enumerate() {
            let value = value(self.0.cell(from + index)?, column.kind)
                .unwrap_or_else(|reason| unreadable(table, &column.name, reason));
            row.push(Arc::clone(&column.name), value);
        }
        Ok(row)
    }

    fn wrong(&self, index: usize, reason: &str) -> C::Error {
        if let Some(column) = SESSION.get(index) {
            return corrupt("session", column, self.0, 0, reason);
        }
        let column = USER.get(index.saturating_sub(SESSION.len())).copied().unwrap_or_default();
        corrupt("user", column, self.0, SESSION.len(), reason)
    }
}

/// An additional field that nothing can be made of. A whole account must not be out of reach for its sake: sessions could then
/// not even be revoked.
fn unreadable(table: &str, column: &str, reason: &str) -> Value {
    tracing::warn!(table, column, reason, "a field cannot be read and is left out");
    Value::Null
}

const NOT_UTF8: &str = "not UTF-8";

/// A cell of a column of this kind, or what is wrong with it.
fn value(cell: CellRef<'_>, kind: ColumnKind) -> Result<Value, &'static str> {
    let text = |bytes| str::from_utf8(bytes).map_err(|_| NOT_UTF8);
    Ok(match (kind, cell) {
        (_, CellRef::Null) => Value::Null,
        (_, CellRef::Unreadable(reason)) => return Err(reason),
        (ColumnKind::Date, cell) => Value::Date(date(cell)?),
        (ColumnKind::Json | ColumnKind::TextList | ColumnKind::NumberList, CellRef::Text(bytes)) => json(text(bytes)?),
        (_, CellRef::Text(bytes)) => Value::Text(text(bytes)?.to_owned()),
        (_, CellRef::Boolean(flag)) => Value::Boolean(flag),
        (_, CellRef::Date(moment)) => Value::Date(moment),
        (ColumnKind::Boolean, CellRef::Integer(number)) => Value::Boolean(number == 1),
        #[expect(clippy::float_cmp, reason = "one is stored exactly")]
        (ColumnKind::Boolean, CellRef::Real(number)) => Value::Boolean(number == 1.0),
        (ColumnKind::Text | ColumnKind::RowNumber | ColumnKind::Uuid, CellRef::Integer(number)) => {
            Value::Text(number.to_string())
        }
        (ColumnKind::Text, CellRef::Real(number)) => Value::Text(number.to_string()),
        (_, CellRef::Integer(number)) => Value::Integer(number),
        (_, CellRef::Real(number)) => simplest(number),
    })
}

fn date(cell: CellRef<'_>) -> Result<Timestamp, &'static str> {
    match cell {
        CellRef::Text(bytes) => str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).ok_or("not a date"),
        CellRef::Integer(millis) => Ok(Timestamp::from_millis(millis)),
        CellRef::Real(millis) => whole(millis.trunc()).map(Timestamp::from_millis).ok_or("not a date"),
        CellRef::Null => Err("no value"),
        CellRef::Boolean(_) => Err("not a date"),
        CellRef::Date(moment) => Ok(moment),
        CellRef::Unreadable(reason) => Err(reason),
    }
}

fn json(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Number(number)) => {
            number.as_i64().map_or_else(|| simplest(number.as_f64().unwrap_or(f64::NAN)), Value::Integer)
        }
        Ok(json) => Value::from(json),
        // The npm package stores a text it is given for such a field as it is, and reads it back as no value.
        Err(_) => Value::Null,
    }
}

/// A whole number as one: JavaScript knows no difference.
fn simplest(number: f64) -> Value {
    whole(number).map_or(Value::Number(number), Value::Integer)
}

#[expect(clippy::cast_possible_truncation, reason = "only numbers that an i64 holds exactly are cast")]
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

fn corrupt<C: Cells>(table: &str, column: &str, cells: &C, id: usize, reason: &str) -> C::Error {
    let row = match cells.cell(id) {
        Ok(CellRef::Text(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        Ok(CellRef::Integer(number)) => number.to_string(),
        _ => String::new(),
    };
    StoreError::corrupt(table, column, &row, reason).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_the_npm_package_reads_them() {
        use ColumnKind::{Boolean, Date, Integer, Json, NumberList, Text, TextList};
        let at = |millis| Value::Date(Timestamp::from_millis(millis));
        let list = |text: &str| Value::Json(serde_json::from_str(text).unwrap());
        let cases: [(ColumnKind, CellRef<'_>, Value); 24] = [
            (Text, CellRef::Text(b"5.0"), "5.0".into()),
            (Text, CellRef::Integer(12), "12".into()),
            (Integer, CellRef::Integer(5), Value::Integer(5)),
            (Integer, CellRef::Real(5.0), Value::Integer(5)),
            (Integer, CellRef::Real(5.5), Value::Number(5.5)),
            (Integer, CellRef::Real(1e300), Value::Number(1e300)),
            (Integer, CellRef::Text(b"x"), "x".into()),
            (Boolean, CellRef::Integer(1), true.into()),
            (Boolean, CellRef::Integer(0), false.into()),
            (Boolean, CellRef::Integer(2), false.into()),
            (Boolean, CellRef::Real(1.0), true.into()),
            (Boolean, CellRef::Text(b"true"), "true".into()),
            (Date, CellRef::Text(b"2023-11-14T22:13:20.123Z"), at(1_700_000_000_123)),
            (Date, CellRef::Text(b"2023-11-14 22:13:20"), at(1_700_000_000_000)),
            (Date, CellRef::Integer(1_700_000_000_123), at(1_700_000_000_123)),
            (Date, CellRef::Real(1_700_000_000_123.5), at(1_700_000_000_123)),
            (Json, CellRef::Text(b"{\"a\":1}"), list("{\"a\":1}")),
            (Json, CellRef::Text(b"\"abc\""), "abc".into()),
            (Json, CellRef::Text(b"5.0"), Value::Integer(5)),
            (Json, CellRef::Text(b"null"), Value::Null),
            (Json, CellRef::Text(b"{bad"), Value::Null),
            (TextList, CellRef::Text(b"[\"a\"]"), list("[\"a\"]")),
            (NumberList, CellRef::Text(b"[1,2.5]"), list("[1,2.5]")),
            (Text, CellRef::Null, Value::Null),
        ];
        for (kind, cell, expected) in cases {
            assert_eq!(value(cell, kind), Ok(expected), "{kind:?} {cell:?}");
        }
        for (kind, cell) in [
            (Text, CellRef::Unreadable(BYTES)),
            (Text, CellRef::Text(b"\xff")),
            (Date, CellRef::Text(b"soon")),
            (Date, CellRef::Text(b"")),
            (Date, CellRef::Real(f64::NAN)),
            (Json, CellRef::Unreadable(BYTES)),
        ] {
            assert!(value(cell, kind).is_err(), "{kind:?} {cell:?}");
        }
    }
}
