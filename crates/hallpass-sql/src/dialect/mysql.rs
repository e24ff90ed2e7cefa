//! MySQL and MariaDB, as the npm package uses them through `mysql2` (CONTRACT §13).
//!
//! What is peculiar here:
//! - A plain comparison of texts goes by a collation, for which `A` is `a` and `a ` is `a`. Texts are therefore compared twice:
//!   once so that an index can be used, and once byte for byte.
//! - Moments are texts in UTC without a zone; the connection says that they are UTC.
//! - InnoDB keeps rows in the order of their keys. What was inserted first is known only where rows have a number or a moment.

use hallpass_store::{Column, ColumnKind, StoreError, Table, Timestamp, Value, json};
use sea_query::{Expr, ExprTrait, Order, SelectStatement};
use serde_json::Value as Json;

use super::{Cell, Comparison};

pub(crate) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// `None` for a text that cannot stand in a statement.
pub(super) fn literal(value: &Cell) -> Option<String> {
    match value {
        Cell::Boolean(flag) => Some(flag.to_string()),
        Cell::Integer(number) => Some(number.to_string()),
        Cell::Real(number) => Some(number.to_string()),
        Cell::Text(text) if !text.contains('\0') => {
            Some(format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")))
        }
        _ => None,
    }
}

/// An index holds no unbounded text, so a text that is looked up has a bound.
pub(super) fn column_type(column: &Column) -> &'static str {
    match column.kind {
        ColumnKind::Integer | ColumnKind::RowNumber => "integer",
        ColumnKind::BigInteger => "bigint",
        ColumnKind::Boolean => "boolean",
        ColumnKind::Date => "timestamp(3)",
        ColumnKind::Json | ColumnKind::TextList | ColumnKind::NumberList => "json",
        _ if is_id(column) => "varchar(36)",
        _ if column.unique => "varchar(255)",
        _ if column.references.is_some() => "varchar(36)",
        _ if column.sortable || column.indexed => "varchar(255)",
        _ => "text",
    }
}

/// By the names in `information_schema`. MariaDB keeps documents in a `longtext` with a check.
pub(super) fn accepted_types(column: &Column) -> &'static [&'static str] {
    match column.kind {
        ColumnKind::Text | ColumnKind::Uuid if is_id(column) => {
            &["varchar", "text", "uuid", "char", "int", "integer", "bigint"]
        }
        ColumnKind::RowNumber => &["int", "integer", "bigint", "smallint", "mediumint"],
        ColumnKind::Integer | ColumnKind::BigInteger => {
            &["int", "integer", "bigint", "smallint", "mediumint", "decimal", "float", "double"]
        }
        ColumnKind::Boolean => &["tinyint", "boolean"],
        ColumnKind::Date => &["timestamp", "datetime", "date"],
        ColumnKind::Json | ColumnKind::TextList | ColumnKind::NumberList => &["json", "longtext", "mediumtext", "text"],
        _ => &["varchar", "text", "uuid", "char", "mediumtext", "longtext"],
    }
}

fn is_id(column: &Column) -> bool {
    &*column.name == "id" || column.references.as_ref().is_some_and(|reference| &*reference.column == "id")
}

/// The value as it is sent to be stored. The server refuses what its column cannot hold, as it does with the npm package.
pub(super) fn encode(table: &Table, column: &Column, value: &Value) -> Result<Cell, StoreError> {
    Ok(match value {
        Value::Null => Cell::Null,
        Value::Date(moment) => Cell::Text(moment_text(*moment)),
        Value::Text(content) if column.kind == ColumnKind::Date => match content.parse::<Timestamp>() {
            Ok(moment) => Cell::Text(moment_text(moment)),
            Err(_) => return Err(unfit(table, column, "a text that is no date")),
        },
        Value::Text(content) => match content.parse() {
            Ok(number) if column.kind == ColumnKind::RowNumber => Cell::Integer(number),
            _ => Cell::Text(content.clone()),
        },
        Value::Integer(number) if counts(column.kind) => Cell::Integer(*number),
        Value::Integer(number) => as_literal(&(*number).into()),
        Value::Number(number) => as_literal(&(*number).into()),
        Value::Boolean(flag) if column.kind == ColumnKind::Boolean => Cell::Boolean(*flag),
        Value::Boolean(flag) if counts(column.kind) => Cell::Integer(i64::from(*flag)),
        Value::Boolean(flag) => Cell::Text(u8::from(*flag).to_string()),
        Value::Json(json) if holds_json(column.kind) => Cell::Text(json.to_string()),
        Value::Json(json) => match alone(json) {
            Some(Json::Object(_)) => Cell::Text("[object Object]".to_owned()),
            Some(only) => return encode(table, column, &Value::from(only.clone())),
            None => return Err(unfit(table, column, "a list")),
        },
    })
}

/// Likewise in the statement that makes the column, where a number stands as such.
pub(super) fn encode_default(table: &Table, column: &Column, value: &Value) -> Result<Cell, StoreError> {
    match value {
        Value::Number(number) if counts(column.kind) => Ok(Cell::Real(*number)),
        other => encode(table, column, other),
    }
}

/// A number as the npm package's driver puts it into a statement, where it is a decimal number unless it has an exponent.
fn as_literal(number: &Json) -> Cell {
    let text = json::stringify(number);
    match number.as_f64() {
        Some(number) if text.contains('e') => Cell::Real(number),
        _ => Cell::Text(text),
    }
}

/// That driver puts the entries of a list into a statement one after the other, so a list of one is that one, and of others no statement comes. Objects
/// become what JavaScript makes of any object.
fn alone(json: &Json) -> Option<&Json> {
    match json {
        Json::Array(items) => match &**items {
            [only] => alone(only),
            _ => None,
        },
        other => Some(other),
    }
}

/// The value as a cell is compared with it: no row has a number that is none, although MySQL would take it for zero.
pub(super) fn compared(table: &Table, column: &Column, value: &Value) -> Result<Option<Cell>, StoreError> {
    Ok(match value {
        Value::Text(content) if column.kind == ColumnKind::RowNumber => content.parse().ok().map(Cell::Integer),
        Value::Number(number) if counts(column.kind) => Some(Cell::Real(*number)),
        other => Some(encode(table, column, other)?),
    })
}

pub(super) fn equals(column: &Column, value: Cell) -> Expr {
    let cell = Expr::col(column.physical.to_string());
    match value {
        Cell::Text(_) => cell.eq(value.clone()).and(bytes_of(column).eq(value)),
        other => cell.eq(other),
    }
}

pub(super) fn one_of(column: &Column, values: Vec<Cell>) -> Expr {
    let cell = Expr::col(column.physical.to_string());
    if values.iter().any(|value| matches!(value, Cell::Text(_))) {
        return cell.is_in(values.clone()).and(bytes_of(column).is_in(values));
    }
    cell.is_in(values)
}

/// The text of a cell as bytes, in the encoding in which parameters come, whichever the table has.
fn bytes_of(column: &Column) -> Expr {
    Expr::cust(format!("CAST(CONVERT({} USING utf8mb4) AS BINARY)", quote(&column.physical)))
}

pub(super) fn compare_date(column: &Column, comparison: Comparison, date: Timestamp) -> Expr {
    let cell = Expr::col(column.physical.to_string());
    let date = Cell::Text(moment_text(date));
    match comparison {
        Comparison::Equal => cell.eq(date),
        Comparison::Less => cell.lt(date),
        Comparison::Greater => cell.gt(date),
    }
}

pub(super) fn order_as_inserted(select: &mut SelectStatement, table: &Table) {
    let numbered = table.get("id").is_some_and(|id| id.kind == ColumnKind::RowNumber);
    let created = table.get("createdAt").filter(|column| column.kind == ColumnKind::Date && !numbered);
    for column in created.into_iter().chain(table.get("id")) {
        select.order_by(column.physical.to_string(), Order::Asc);
    }
}

/// What makes a statement answer with the rows it worked on; the query builder knows it for other databases only.
pub(crate) fn returning(table: &Table) -> String {
    format!(" RETURNING {}", columns(table))
}

/// Every column of a table, for a statement to name.
pub(crate) fn columns(table: &Table) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| quote(&column.physical)).collect();
    columns.join(", ")
}

/// As `2026-11-23 08:40:13.336`.
fn moment_text(moment: Timestamp) -> String {
    moment.to_string().replace('T', " ").replace('Z', "")
}

fn counts(kind: ColumnKind) -> bool {
    matches!(kind, ColumnKind::Integer | ColumnKind::BigInteger | ColumnKind::RowNumber | ColumnKind::Boolean)
}

fn holds_json(kind: ColumnKind) -> bool {
    matches!(kind, ColumnKind::Json | ColumnKind::TextList | ColumnKind::NumberList)
}

fn unfit(table: &Table, column: &Column, what: &str) -> StoreError {
    StoreError::misuse(format!("column `{}` of table `{}` cannot hold {what}", column.name, table.name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_another_kind_are_stored_as_the_driver_would() {
        let column = Column::new("note", ColumnKind::Text).optional();
        let table = Table::new("user").column(column.clone());
        let stored = |given: serde_json::Value| match encode(&table, &column, &Value::from(given)) {
            Ok(Cell::Text(text)) => Ok(text),
            Ok(Cell::Real(number)) => Ok(format!("real {number:e}")),
            Ok(Cell::Null) => Ok("null".to_owned()),
            Ok(_) => Ok("another".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        for (given, cell) in [
            (json!(1.5), "1.5"),
            (json!(-0.0), "0"),
            (json!(9_007_199_254_740_993_i64), "9007199254740992"),
            (json!(123_456_789_012_345_680_000.0), "123456789012345680000"),
            (json!(1e21), "real 1e21"),
            (json!(1e-7), "real 1e-7"),
            (json!(["x"]), "x"),
            (json!([["x"]]), "x"),
            (json!([true]), "1"),
            (json!([null]), "null"),
            (json!({}), "[object Object]"),
            (json!([{"a": 1}]), "[object Object]"),
        ] {
            assert_eq!(stored(given.clone()).as_deref(), Ok(cell), "{given}");
        }
        for given in [json!([]), json!([[]]), json!(["x", "y"])] {
            assert!(stored(given.clone()).is_err(), "{given}");
        }
    }
}
