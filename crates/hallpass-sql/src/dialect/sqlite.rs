//! SQLite, as the npm package uses it through `better-sqlite3` (CONTRACT §13).

use hallpass_store::{Column, ColumnKind, StoreError, Table, Timestamp, Value};
use sea_query::{Expr, ExprTrait, Func};

use super::{Cell, Comparison};

pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `None` for a text that cannot stand in a statement.
pub(super) fn literal(value: &Cell) -> Option<String> {
    match value {
        Cell::Boolean(flag) => Some(i64::from(*flag).to_string()),
        Cell::Integer(number) => Some(number.to_string()),
        Cell::Real(number) => Some(number.to_string()),
        Cell::Text(text) if !text.contains('\0') => Some(format!("'{}'", text.replace('\'', "''"))),
        _ => None,
    }
}

pub(super) fn column_type(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Integer | ColumnKind::Boolean | ColumnKind::RowNumber => "integer",
        ColumnKind::BigInteger => "bigint",
        ColumnKind::Date => "date",
        _ => "text",
    }
}

pub(super) fn accepted_types(column: &Column) -> &'static [&'static str] {
    // The npm package's option for numeric ids makes these columns integers; texts compare with them all the same.
    let is_id = &*column.name == "id" || column.references.as_ref().is_some_and(|reference| &*reference.column == "id");
    match column.kind {
        ColumnKind::Text | ColumnKind::Uuid if is_id => &["text", "integer"],
        // SQLite numbers rows in a column of exactly this type.
        ColumnKind::RowNumber if &*column.name == "id" => &["integer"],
        ColumnKind::RowNumber => &["integer", "bigint", "text"],
        ColumnKind::Integer | ColumnKind::BigInteger => &["integer", "real", "bigint"],
        ColumnKind::Boolean => &["integer", "boolean"],
        ColumnKind::Date => &["date", "integer"],
        ColumnKind::TextList | ColumnKind::NumberList => &["text", "json", "jsonb"],
        _ => &["text"],
    }
}

/// Stores what the npm package stores, also where value and column do not go together: that package does not check the
/// types of additional fields, so a client can put a number into a text column and reads it back as `5.0`. The driver it uses
/// binds every number as a floating-point one; SQLite makes of it what the column's type says.
pub(super) fn encode(table: &Table, column: &Column, value: &Value) -> Result<Cell, StoreError> {
    let textual = column_type(column.kind) == "text";
    Ok(match value {
        Value::Null => Cell::Null,
        Value::Date(moment) => Cell::Text(moment.to_string()),
        Value::Text(date) if column.kind == ColumnKind::Date => match date.parse::<Timestamp>() {
            Ok(moment) => Cell::Text(moment.to_string()),
            Err(_) => return Err(unfit(table, column, "a text that is no date")),
        },
        Value::Text(content) => Cell::Text(content.clone()),
        Value::Integer(number) if textual => Cell::Real(as_real(*number)),
        Value::Integer(number) => Cell::Integer(*number),
        Value::Number(number) => Cell::Real(*number),
        Value::Boolean(flag) if textual => Cell::Real(f64::from(u8::from(*flag))),
        Value::Boolean(flag) => Cell::Integer(i64::from(*flag)),
        Value::Json(json) if holds_json(column.kind) => Cell::Text(json.to_string()),
        Value::Json(_) => return Err(unfit(table, column, "a JSON document")),
    })
}

/// Dates are texts, unless another program stored milliseconds: a number is less than any text, so a plain comparison would
/// take the youngest row for the oldest.
pub(super) fn compare_date(column: &Column, comparison: Comparison, date: Timestamp) -> Expr {
    let cell = || Expr::col(column.physical.to_string());
    let stored = || Expr::expr(Func::cust("typeof").arg(cell()));
    let compared = |value: Cell| match comparison {
        Comparison::Equal => cell().eq(value),
        Comparison::Less => cell().lt(value),
        Comparison::Greater => cell().gt(value),
    };
    let as_text = stored().eq("text").and(compared(Cell::Text(date.to_string())));
    let as_number = stored().is_in(["integer", "real"]).and(compared(Cell::Integer(date.as_millis())));
    as_text.or(as_number)
}

fn holds_json(kind: ColumnKind) -> bool {
    matches!(kind, ColumnKind::Json | ColumnKind::TextList | ColumnKind::NumberList)
}

#[expect(clippy::cast_precision_loss, reason = "a number in a text column is a JavaScript number")]
fn as_real(number: i64) -> f64 {
    number as f64
}

fn unfit(table: &Table, column: &Column, what: &str) -> StoreError {
    StoreError::misuse(format!("column `{}` of table `{}` cannot hold {what}", column.name, table.name))
}
