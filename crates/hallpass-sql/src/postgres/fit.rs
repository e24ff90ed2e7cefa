//! Filters with a value that a column cannot hold: a word where ids are numbers or UUIDs.
//!
//! The server refuses to compare the two, and the whole statement with it. But no cell equals such a value, which is an answer. What type
//! a column has here, whoever made it, the server alone knows; it is asked when it has refused, so nothing else pays for it.

use std::collections::HashMap;

use hallpass_store::{Action, Batch, Filter, Operation, Query, Schema, StoreError, Value};
use tokio_postgres::types::FromSqlOwned;

use super::shared::Shared;
use crate::{
    dialect::{Cell, Dialect},
    statement::table_of,
};

const TYPES: &str = "SELECT one.attname::text, format_type(coalesce(nullif(kind.typbasetype, 0), kind.oid), NULL) \
                     FROM pg_catalog.pg_attribute AS one JOIN pg_catalog.pg_type AS kind ON kind.oid = one.atttypid \
                     WHERE one.attrelid = to_regclass($1) AND one.attnum > 0 AND NOT one.attisdropped";

/// The types that columns have, by the logical names of table and column.
pub(super) struct Types(HashMap<(String, String), String>);

impl Types {
    pub(super) async fn of<'t>(
        shared: &Shared,
        schema: &Schema,
        tables: impl IntoIterator<Item = &'t str>,
    ) -> Result<Self, StoreError> {
        let mut types = HashMap::new();
        for name in tables {
            let table = table_of(schema, name)?;
            let place = Cell::Text(Dialect::Postgres.quote(&table.physical));
            for row in shared.rows(TYPES, &[&place], None).await? {
                let (physical, kind): (String, String) = (get(&row, 0)?, get(&row, 1)?);
                if let Some(column) = table.columns.iter().find(|column| *column.physical == *physical) {
                    types.insert((name.to_owned(), column.name.to_string()), kind);
                }
            }
        }
        Ok(Self(types))
    }

    /// The query without what nothing can equal.
    pub(super) fn query(&self, query: &Query) -> Query {
        query.clone().filter(self.filter(&query.table, &query.filter))
    }

    /// The batch, likewise. What is to be stored stays as it is, and is refused if it does not fit.
    pub(super) fn batch(&self, batch: &Batch) -> Batch {
        let fitting = |operation: &Operation| {
            let mut fitting = operation.clone();
            match &mut fitting.action {
                Action::Update { filter, .. }
                | Action::Increment { filter, .. }
                | Action::Delete(filter)
                | Action::Take(filter) => *filter = self.filter(&operation.table, filter),
                _ => {}
            }
            fitting
        };
        batch.operations().iter().map(fitting).collect()
    }

    fn filter(&self, table: &str, filter: &Filter) -> Filter {
        let fits = |column: &str, value: &Value| match (self.0.get(&(table.to_owned(), column.to_owned())), value) {
            (Some(kind), Value::Text(text)) => can_hold(kind, text),
            _ => true,
        };
        match filter {
            // What is less or more than such a value is another question; the server's refusal stands.
            Filter::Eq(column, value) if !fits(column, value) => Filter::In(column.clone(), Vec::new()),
            Filter::In(column, values) => {
                Filter::In(column.clone(), values.iter().filter(|value| fits(column, value)).cloned().collect())
            }
            Filter::And(parts) => Filter::And(parts.iter().map(|part| self.filter(table, part)).collect()),
            other => other.clone(),
        }
    }
}

/// Whether a column of this type can hold what the text says. In doubt it can, and the server decides.
fn can_hold(kind: &str, text: &str) -> bool {
    match kind {
        // In any of the spellings that the server reads: capitals, braces, hyphens or none.
        "uuid" => {
            let mut digits = 0;
            text.chars().all(|letter| match letter {
                '-' | '{' | '}' => true,
                letter => {
                    digits += 1;
                    letter.is_ascii_hexdigit()
                }
            }) && digits == 32
        }
        "smallint" => text.trim().parse::<i16>().is_ok(),
        "integer" => text.trim().parse::<i32>().is_ok(),
        "bigint" => text.trim().parse::<i64>().is_ok(),
        _ => true,
    }
}

fn get<T: FromSqlOwned>(row: &tokio_postgres::Row, index: usize) -> Result<T, StoreError> {
    row.try_get(index).map_err(StoreError::unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_can_equal_is_left_out() {
        let column = |name: &str, kind: &str| (("user".to_owned(), name.to_owned()), kind.to_owned());
        let types = Types(HashMap::from([column("id", "uuid"), column("number", "integer"), column("name", "text")]));
        let uuid = "0b7a1c5e-6d0f-4c1b-9a53-3f1d1f0c2a11";
        let none = |name: &str| Filter::In(name.into(), Vec::new());
        for (given, left) in [
            (Filter::eq("id", uuid), Filter::eq("id", uuid)),
            (Filter::eq("id", uuid.to_uppercase()), Filter::eq("id", uuid.to_uppercase())),
            (Filter::eq("id", "x"), none("id")),
            (Filter::eq("id", &uuid[1..]), none("id")),
            (Filter::eq("number", "12"), Filter::eq("number", "12")),
            (Filter::lt("number", "99999999999"), Filter::lt("number", "99999999999")),
            (Filter::eq("number", "99999999999"), none("number")),
            (Filter::eq("name", "x"), Filter::eq("name", "x")),
            (Filter::In("id".into(), vec!["x".into(), uuid.into()]), Filter::In("id".into(), vec![uuid.into()])),
            (
                Filter::eq("name", "x").and(Filter::eq("id", "x")),
                Filter::And(vec![Filter::eq("name", "x"), none("id")]),
            ),
        ] {
            assert_eq!(types.filter("user", &given), left);
        }
    }
}
