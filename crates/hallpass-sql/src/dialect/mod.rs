//! What differs between databases. One file each; this one only passes the question on.

mod sqlite;

use hallpass_store::{Column, StoreError, Table, Timestamp, Value};
use sea_query::{Expr, Order, QueryStatementWriter, SelectStatement, SqliteQueryBuilder, Values};

/// A value as a database stores it. Unlike the query builder's values it can be sent to another thread.
#[derive(Clone)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Integer(i64),
    Real(f64),
}

impl From<Cell> for sea_query::Value {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Null => Self::String(None),
            Cell::Text(text) => Self::String(Some(text)),
            Cell::Integer(number) => Self::BigInt(Some(number)),
            Cell::Real(number) => Self::Double(Some(number)),
        }
    }
}

impl TryFrom<sea_query::Value> for Cell {
    type Error = StoreError;
    fn try_from(value: sea_query::Value) -> Result<Self, StoreError> {
        use sea_query::Value::{BigInt, BigUnsigned, Double, Int, String};
        Ok(match value {
            String(None) => Self::Null,
            String(Some(text)) => Self::Text(text),
            BigInt(Some(number)) => Self::Integer(number),
            Int(Some(number)) => Self::Integer(number.into()),
            BigUnsigned(Some(number)) => Self::Integer(i64::try_from(number).unwrap_or(i64::MAX)),
            Double(Some(number)) => Self::Real(number),
            _ => return Err(StoreError::misuse("a statement has a parameter of a kind that is not stored")),
        })
    }
}

/// A database's way of writing SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
}

/// How a cell is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Less,
    Greater,
}

impl Dialect {
    /// A name as it stands in a statement.
    pub(crate) fn quote(self, name: &str) -> String {
        match self {
            Self::Sqlite => sqlite::quote(name),
        }
    }

    /// A text as it stands in a statement. Only for DDL, which takes no parameters.
    pub(crate) fn literal(self, value: &Cell) -> Option<String> {
        match self {
            Self::Sqlite => sqlite::literal(value),
        }
    }

    /// The mark for the nth parameter, counted from 1.
    pub(crate) fn placeholder(self, number: usize) -> String {
        match self {
            Self::Sqlite => format!("?{number}"),
        }
    }

    /// Whether two names are one to the database.
    pub(crate) fn same_name(self, a: &str, b: &str) -> bool {
        match self {
            Self::Sqlite => a.eq_ignore_ascii_case(b),
        }
    }

    /// The type a new column gets.
    pub(crate) fn column_type(self, column: &Column) -> &'static str {
        match self {
            Self::Sqlite => sqlite::column_type(column.kind),
        }
    }

    /// The types, in lower case, that a column may have that is already there.
    pub(crate) fn accepted_types(self, column: &Column) -> &'static [&'static str] {
        match self {
            Self::Sqlite => sqlite::accepted_types(column),
        }
    }

    /// The value as a column of the table stores it.
    pub(crate) fn encode(self, table: &Table, column: &Column, value: &Value) -> Result<Cell, StoreError> {
        match self {
            Self::Sqlite => sqlite::encode(table, column, value),
        }
    }

    /// A condition on a date, in whichever form it is stored.
    pub(crate) fn compare_date(self, column: &Column, comparison: Comparison, date: Timestamp) -> Expr {
        match self {
            Self::Sqlite => sqlite::compare_date(column, comparison, date),
        }
    }

    /// Orders rows that are otherwise equal as they were inserted.
    pub(crate) fn order_as_inserted(self, select: &mut SelectStatement) {
        match self {
            Self::Sqlite => select.order_by_expr(Expr::cust("rowid"), Order::Asc),
        };
    }

    /// The limit that stands before an offset where no rows are to be left out at the end.
    pub(crate) fn no_limit(self) -> u64 {
        match self {
            Self::Sqlite => i64::MAX.unsigned_abs(),
        }
    }

    /// How many parameters a statement can have at most.
    pub(crate) fn max_parameters(self) -> usize {
        match self {
            Self::Sqlite => 32_766,
        }
    }

    /// The statement's text and its parameters.
    pub(crate) fn build(self, statement: &impl QueryStatementWriter) -> (String, Values) {
        match self {
            Self::Sqlite => statement.build_any(&SqliteQueryBuilder),
        }
    }
}
