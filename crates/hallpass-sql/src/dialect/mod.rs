//! What differs between databases. One file each; this one only passes the question on.

#[cfg(feature = "mysql")]
pub(crate) mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use hallpass_store::{Column, StoreError, Table, Timestamp, Value};
#[cfg(feature = "mysql")]
use sea_query::MysqlQueryBuilder;
#[cfg(feature = "postgres")]
use sea_query::PostgresQueryBuilder;
#[cfg(feature = "sqlite")]
use sea_query::SqliteQueryBuilder;
use sea_query::{Expr, ExprTrait, Order, QueryStatementWriter, SelectStatement, Values};

/// A value as a database stores it. Unlike the query builder's values it can be sent to another thread.
#[derive(Clone)]
pub(crate) enum Cell {
    Null,
    /// Also what a database reads from a text: dates and documents of Postgres, say.
    Text(String),
    Boolean(bool),
    Integer(i64),
    Real(f64),
}

impl From<Cell> for sea_query::Value {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Null => Self::String(None),
            Cell::Text(text) => Self::String(Some(text)),
            Cell::Boolean(flag) => Self::Bool(Some(flag)),
            Cell::Integer(number) => Self::BigInt(Some(number)),
            Cell::Real(number) => Self::Double(Some(number)),
        }
    }
}

impl TryFrom<sea_query::Value> for Cell {
    type Error = StoreError;
    fn try_from(value: sea_query::Value) -> Result<Self, StoreError> {
        use sea_query::Value::{BigInt, BigUnsigned, Bool, Double, Int, String};
        Ok(match value {
            String(None) => Self::Null,
            String(Some(text)) => Self::Text(text),
            Bool(Some(flag)) => Self::Boolean(flag),
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
    #[cfg(feature = "mysql")]
    Mysql,
    #[cfg(feature = "postgres")]
    Postgres,
    #[cfg(feature = "sqlite")]
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
            #[cfg(feature = "mysql")]
            Self::Mysql => mysql::quote(name),
            #[cfg(feature = "postgres")]
            Self::Postgres => postgres::quote(name),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => sqlite::quote(name),
        }
    }

    /// A text as it stands in a statement. Only for DDL, which takes no parameters.
    pub(crate) fn literal(self, value: &Cell) -> Option<String> {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => mysql::literal(value),
            #[cfg(feature = "postgres")]
            Self::Postgres => postgres::literal(value),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => sqlite::literal(value),
        }
    }

    /// The mark for the nth parameter, counted from 1.
    pub(crate) fn placeholder(self, number: usize) -> String {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => "?".to_owned(),
            #[cfg(feature = "postgres")]
            Self::Postgres => format!("${number}"),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => format!("?{number}"),
        }
    }

    /// Whether two names are one to the database.
    pub(crate) fn same_name(self, a: &str, b: &str) -> bool {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => a.eq_ignore_ascii_case(b),
            #[cfg(feature = "postgres")]
            Self::Postgres => a == b,
            #[cfg(feature = "sqlite")]
            Self::Sqlite => a.eq_ignore_ascii_case(b),
        }
    }

    /// The type a new column gets.
    pub(crate) fn column_type(self, column: &Column) -> &'static str {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => mysql::column_type(column),
            #[cfg(feature = "postgres")]
            Self::Postgres => postgres::column_type(column),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => sqlite::column_type(column.kind),
        }
    }

    /// The types, in lower case, that a column may have that is already there.
    pub(crate) fn accepted_types(self, column: &Column) -> &'static [&'static str] {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => mysql::accepted_types(column),
            #[cfg(feature = "postgres")]
            Self::Postgres => postgres::accepted_types(column),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => sqlite::accepted_types(column),
        }
    }

    /// The value as a column of the table stores it.
    pub(crate) fn encode(self, table: &Table, column: &Column, value: &Value) -> Result<Cell, StoreError> {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => mysql::encode(table, column, value),
            #[cfg(feature = "postgres")]
            Self::Postgres => postgres::encode(table, column, value),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => sqlite::encode(table, column, value),
        }
    }

    /// The value as it stands in a table's own statement, for rows that come without one.
    pub(crate) fn encode_default(self, table: &Table, column: &Column, value: &Value) -> Result<Cell, StoreError> {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => mysql::encode_default(table, column, value),
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            _ => self.encode(table, column, value),
        }
    }

    /// The value as a column of the table is compared with it; `None` for one that no cell of the column can equal, be less or be
    /// greater than.
    pub(crate) fn compared(self, table: &Table, column: &Column, value: &Value) -> Result<Option<Cell>, StoreError> {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => mysql::compared(table, column, value),
            #[cfg(feature = "postgres")]
            Self::Postgres => postgres::compared(table, column, value),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => sqlite::encode(table, column, value).map(Some),
        }
    }

    /// What the database is to give rows that come without a moment in time, where it can.
    pub(crate) fn default_now(self) -> Option<&'static str> {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => Some("CURRENT_TIMESTAMP(3)"),
            #[cfg(feature = "postgres")]
            Self::Postgres => Some("CURRENT_TIMESTAMP"),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => None,
        }
    }

    /// What the database is to give rows that come without their UUID, where the npm package says so.
    pub(crate) fn default_uuid(self) -> Option<&'static str> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres => Some("pg_catalog.gen_random_uuid()"),
            #[cfg(any(feature = "mysql", feature = "sqlite"))]
            _ => None,
        }
    }

    /// A condition on a date, in whichever form it is stored.
    pub(crate) fn compare_date(self, column: &Column, comparison: Comparison, date: Timestamp) -> Expr {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => mysql::compare_date(column, comparison, date),
            #[cfg(feature = "postgres")]
            Self::Postgres => postgres::compare_date(column, comparison, date),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => sqlite::compare_date(column, comparison, date),
        }
    }

    /// Rows whose cell equals a value, to the last byte.
    pub(crate) fn equals(self, column: &Column, value: Cell) -> Expr {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => mysql::equals(column, value),
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            _ => Expr::col(column.physical.to_string()).eq(value),
        }
    }

    /// Rows whose cell equals one of the values, to the last byte.
    pub(crate) fn one_of(self, column: &Column, values: Vec<Cell>) -> Expr {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => mysql::one_of(column, values),
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            _ => Expr::col(column.physical.to_string()).is_in(values),
        }
    }

    /// What makes a statement that writes answer with the rows it worked on, where the query builder does not write it.
    pub(crate) fn returning(self, table: &Table) -> String {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => mysql::returning(table),
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            _ => {
                let _ = table;
                String::new()
            }
        }
    }

    /// What follows the key of a table whose rows the database numbers.
    pub(crate) fn numbering(self) -> &'static str {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => " auto_increment",
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            _ => "",
        }
    }

    /// Whether indexes of two tables can have one name.
    pub(crate) fn names_indexes_by_table(self) -> bool {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => true,
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            _ => false,
        }
    }

    /// Orders rows that are otherwise equal as they were inserted, or as near to that as the database comes. `all` where every row of
    /// the table is asked for in no order of its own.
    pub(crate) fn order_as_inserted(self, select: &mut SelectStatement, table: &Table, all: bool) {
        let _ = table;
        match self {
            // InnoDB keeps rows in the order of their keys, and reads a whole table in it.
            #[cfg(feature = "mysql")]
            Self::Mysql if all => select,
            #[cfg(feature = "mysql")]
            Self::Mysql => {
                mysql::order_as_inserted(select, table);
                select
            }
            // Where the rows lie, which is all that Postgres remembers. A whole table is read in this order anyway, and sorting it
            // would cost what a limit is there to save.
            #[cfg(feature = "postgres")]
            Self::Postgres if all => select,
            #[cfg(feature = "postgres")]
            Self::Postgres => select.order_by_expr(Expr::cust("ctid"), Order::Asc),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => {
                let _ = all;
                select.order_by_expr(Expr::cust("rowid"), Order::Asc)
            }
        };
    }

    /// How many parameters a statement can have at most.
    pub(crate) fn max_parameters(self) -> usize {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => 65_535,
            #[cfg(feature = "postgres")]
            Self::Postgres => 65_535,
            #[cfg(feature = "sqlite")]
            Self::Sqlite => 32_766,
        }
    }

    /// The statement's text and its parameters.
    pub(crate) fn build(self, statement: &impl QueryStatementWriter) -> (String, Values) {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql => statement.build_any(&MysqlQueryBuilder),
            #[cfg(feature = "postgres")]
            Self::Postgres => statement.build_any(&PostgresQueryBuilder),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => statement.build_any(&SqliteQueryBuilder),
        }
    }
}
