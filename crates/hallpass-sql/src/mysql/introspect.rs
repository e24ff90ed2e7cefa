//! What the current database has, as far as a schema is concerned.

use hallpass_store::Schema;
use mysql_async::{Conn, Result, prelude::Queryable};

use crate::{
    dialect::mysql,
    migrate::{Existing, ExistingColumn, ExistingIndex, ExistingTable},
};

/// Every index of the database.
const NAMES: &str = "SELECT DISTINCT index_name, table_name FROM information_schema.statistics \
                     WHERE table_schema = DATABASE()";
/// A table. Whether `User` is `user` depends on the server and the file system below it.
const FIND: &str = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE() \
                    AND (CAST(table_name AS BINARY) = ? \
                         OR @@lower_case_table_names <> 0 AND LOWER(table_name) = LOWER(?))";
/// Its columns, and whether an insert has to name them.
const COLUMNS: &str = "SELECT column_name, data_type, is_nullable = 'NO' AND column_default IS NULL \
                       AND extra NOT LIKE '%auto_increment%' AND extra NOT LIKE '%GENERATED%' \
                       FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? \
                       ORDER BY ordinal_position";
/// Its indexes, column by column. One on the beginning of a column, or on an expression, answers no look-up by the column alone.
const INDEXES: &str = "SELECT index_name, non_unique = 0, IF(sub_part IS NULL, COALESCE(column_name, ''), '') \
                       FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = ? \
                       ORDER BY index_name, seq_in_index";

pub(super) async fn existing(conn: &mut Conn, schema: &Schema) -> Result<Existing> {
    let mut existing = Existing::default();
    for table in schema.tables() {
        existing.tables.extend(table_named(conn, &table.physical).await?);
    }
    existing.index_names = conn.query(NAMES).await?;
    Ok(existing)
}

async fn table_named(conn: &mut Conn, name: &str) -> Result<Option<ExistingTable>> {
    let found: Option<(String, String)> = conn.exec_first(FIND, (name, name)).await?;
    let Some((name, kind)) = found else { return Ok(None) };
    let columns: Vec<(String, String, bool)> = conn.exec(COLUMNS, (&name,)).await?;
    let columns =
        columns.into_iter().map(|(name, declared, insists)| ExistingColumn { name, declared, insists }).collect();
    let has_rows: Option<bool> =
        conn.query_first(format!("SELECT EXISTS (SELECT 1 FROM {})", mysql::quote(&name))).await?;
    let indexes = indexes(conn, &name).await?;
    let is_view = kind.contains("VIEW");
    Ok(Some(ExistingTable { name, is_view, has_rows: has_rows.unwrap_or(false), columns, indexes }))
}

async fn indexes(conn: &mut Conn, table: &str) -> Result<Vec<ExistingIndex>> {
    let parts: Vec<(String, bool, String)> = conn.exec(INDEXES, (table,)).await?;
    let mut indexes: Vec<(String, ExistingIndex)> = Vec::new();
    for (name, unique, column) in parts {
        match indexes.last_mut() {
            Some((last, index)) if *last == name => index.columns.push(column),
            _ => indexes.push((name, ExistingIndex { unique, columns: vec![column] })),
        }
    }
    Ok(indexes.into_iter().map(|(_, index)| index).collect())
}
