//! What a SQLite file has, as far as a schema is concerned.

use hallpass_store::Schema;
use rusqlite::{Connection, OptionalExtension, Result};

use crate::{
    dialect::Dialect,
    migrate::{Existing, ExistingColumn, ExistingIndex, ExistingTable},
};

pub(crate) fn existing(connection: &Connection, schema: &Schema) -> Result<Existing> {
    let mut existing = Existing::default();
    for table in schema.tables() {
        existing.tables.extend(table_named(connection, &table.physical)?);
    }
    let mut names = connection.prepare("SELECT name, tbl_name FROM sqlite_master WHERE type = 'index'")?;
    let names = names.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    existing.index_names = names.collect::<Result<_>>()?;
    Ok(existing)
}

fn table_named(connection: &Connection, name: &str) -> Result<Option<ExistingTable>> {
    const FIND: &str =
        "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND lower(name) = lower(?1)";
    let found: Option<(String, String)> =
        connection.query_row(FIND, [name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((name, kind)) = found else { return Ok(None) };
    let (columns, mut indexes) = columns(connection, &name)?;
    let has_rows = format!("SELECT EXISTS (SELECT 1 FROM {})", Dialect::Sqlite.quote(&name));
    let has_rows = connection.query_row(&has_rows, [], |row| row.get(0))?;
    indexes.append(&mut listed_indexes(connection, &name)?);
    Ok(Some(ExistingTable { name, is_view: kind == "view", has_rows, columns, indexes }))
}

/// The columns, and the primary key as an index: an integer key has no other.
fn columns(connection: &Connection, table: &str) -> Result<(Vec<ExistingColumn>, Vec<ExistingIndex>)> {
    const COLUMNS: &str = "SELECT name, type, \"notnull\" AND dflt_value IS NULL, pk FROM pragma_table_xinfo(?1)";
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    let mut statement = connection.prepare(COLUMNS)?;
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if row.get::<_, i64>(3)? > 0 {
            key.push(name.clone());
        }
        columns.push(ExistingColumn { name, declared: row.get(1)?, insists: row.get(2)? });
    }
    Ok((columns, vec![ExistingIndex { unique: true, columns: key }]))
}

fn listed_indexes(connection: &Connection, table: &str) -> Result<Vec<ExistingIndex>> {
    // A partial index or one on an expression answers no look-up by the column alone.
    const INDEXES: &str = "SELECT list.name, list.\"unique\", info.name FROM pragma_index_list(?1) AS list \
                           JOIN pragma_index_info(list.name) AS info WHERE NOT list.partial \
                           ORDER BY list.seq, info.seqno";
    let mut indexes: Vec<(String, ExistingIndex)> = Vec::new();
    let mut statement = connection.prepare(INDEXES)?;
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        // No column of the table, but an expression; matches no name.
        let column: String = row.get::<_, Option<String>>(2)?.unwrap_or_default();
        match indexes.last_mut() {
            Some((last, index)) if *last == name => index.columns.push(column),
            _ => indexes.push((name, ExistingIndex { unique: row.get(1)?, columns: vec![column] })),
        }
    }
    Ok(indexes.into_iter().map(|(_, index)| index).collect())
}
