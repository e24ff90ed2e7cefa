//! Migrations: what is there, and what is added, in one transaction. A lock that only migrations take keeps two nodes apart.

use hallpass_store::{Lack, Mode, Plan, Schema, StoreError};
use tokio_postgres::{Error, Row, types::FromSqlOwned};

use super::{
    connection::Connection,
    failure::store_error,
    triggers::{self, ARMED, CHANNEL, COUNT, PERMITTED, Tables},
};
use crate::{
    dialect::{Cell, Dialect},
    migrate::{self, Existing, ExistingColumn, ExistingIndex, ExistingTable},
};

/// The letters of "hallpass" as a number. Locks of this kind belong to one database.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7521984963817599859)";

pub(super) async fn run(connection: &Connection, schema: &Schema, mode: Mode) -> Result<Plan, StoreError> {
    let plan = {
        begin(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let plan = missing(connection, schema).await;
        begin(connection, "ROLLBACK").await?;
        plan?
    };
    if mode == Mode::Plan || plan.is_empty() {
        return Ok(plan);
    }
    begin(connection, "BEGIN").await?;
    begin(connection, LOCK).await?;
    // Somebody else may have been faster.
    let plan = missing(connection, schema).await?;
    for step in &plan.steps {
        connection.batch(step).await.map_err(|error| step_failed(step, error))?;
    }
    begin(connection, "COMMIT").await?;
    Ok(plan)
}

async fn begin(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection.batch(sql).await.map_err(|error| store_error(error, None))
}

fn step_failed(step: &str, error: Error) -> StoreError {
    match error.as_db_error() {
        Some(told) if told.code().code().starts_with("23") => StoreError::misuse(format!(
            "the rows already there do not allow `{step}`, because values would not be unique; nothing was changed"
        )),
        Some(told) if told.code().code().starts_with("42") => {
            let hint = if told.code().code() == "42501" { "; migrate as a role that may" } else { "" };
            StoreError::misuse(format!(
                "Postgres says: {}{hint}; nothing was changed. It refused `{step}`",
                told.message()
            ))
        }
        _ => store_error(error, None),
    }
}

async fn missing(connection: &Connection, schema: &Schema) -> Result<Plan, StoreError> {
    let rows = ask(connection, "SELECT current_schema()::text", &[]).await?;
    let Some(place) = rows.first().and_then(|row| row.try_get::<_, Option<String>>(0).ok()).flatten() else {
        return Err(StoreError::misuse(
            "the `search_path` of this user names no schema that exists and that it may use; create one, or GRANT USAGE on it",
        ));
    };
    let existing = existing(connection, schema, &Cell::Text(place)).await?;
    let mut plan = migrate::plan(Dialect::Postgres, schema, &existing)?;
    arm(connection, schema, &mut plan).await?;
    Ok(plan)
}

/// Adds the triggers that are missing, if they may be made. Without them everything works; sessions are then not cached.
async fn arm(connection: &Connection, schema: &Schema, plan: &mut Plan) -> Result<(), StoreError> {
    if schema.table("session").is_none() {
        return Ok(());
    }
    let tables = Tables::of(schema)?;
    let [session, user] = [tables.session, tables.user].map(Cell::Text);
    let first = |rows: Vec<Row>| rows.into_iter().next().ok_or_else(|| StoreError::misuse("Postgres answered nothing"));
    if get::<i64>(&first(ask(connection, ARMED, &[&session, &user]).await?)?, 0)? >= COUNT {
        return Ok(());
    }
    let permitted: bool = get(&first(ask(connection, PERMITTED, &[&session, &user]).await?)?, 0)?;
    plan.lacks.push(Lack::Changes { permitted });
    if !permitted {
        return Ok(());
    }
    let channel: String = get(&first(ask(connection, CHANNEL, &[]).await?)?, 0)?;
    plan.steps.extend(triggers::statements(schema, &channel)?);
    Ok(())
}

async fn existing(connection: &Connection, schema: &Schema, place: &Cell) -> Result<Existing, StoreError> {
    const NAMES: &str = "SELECT index.relname::text, owner.relname::text FROM pg_catalog.pg_index AS described \
                         JOIN pg_catalog.pg_class AS index ON index.oid = described.indexrelid \
                         JOIN pg_catalog.pg_class AS owner ON owner.oid = described.indrelid \
                         JOIN pg_catalog.pg_namespace AS place ON place.oid = index.relnamespace WHERE place.nspname = $1";
    let mut existing = Existing::default();
    for table in schema.tables() {
        existing.tables.extend(table_named(connection, place, &table.physical).await?);
    }
    for row in ask(connection, NAMES, &[place]).await? {
        existing.index_names.push((get(&row, 0)?, get(&row, 1)?));
    }
    Ok(existing)
}

async fn table_named(connection: &Connection, place: &Cell, name: &str) -> Result<Option<ExistingTable>, StoreError> {
    const FIND: &str = "SELECT found.relkind NOT IN ('r', 'p') FROM pg_catalog.pg_class AS found \
                        JOIN pg_catalog.pg_namespace AS place ON place.oid = found.relnamespace \
                        WHERE place.nspname = $1 AND found.relname = $2 AND found.relkind IN ('r', 'p', 'v', 'm', 'f')";
    const COLUMNS: &str = "SELECT one.attname::text, format_type(coalesce(nullif(kind.typbasetype, 0), kind.oid), NULL), \
                           one.attnotnull AND NOT one.atthasdef AND one.attidentity = '' \
                           FROM pg_catalog.pg_attribute AS one \
                           JOIN pg_catalog.pg_class AS found ON found.oid = one.attrelid \
                           JOIN pg_catalog.pg_namespace AS place ON place.oid = found.relnamespace \
                           JOIN pg_catalog.pg_type AS kind ON kind.oid = one.atttypid \
                           WHERE place.nspname = $1 AND found.relname = $2 AND one.attnum > 0 AND NOT one.attisdropped \
                           ORDER BY one.attnum";
    let cell = Cell::Text(name.to_owned());
    let found = ask(connection, FIND, &[place, &cell]).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let is_view: bool = get(row, 0)?;
    let mut columns = Vec::new();
    for row in ask(connection, COLUMNS, &[place, &cell]).await? {
        columns.push(ExistingColumn { name: get(&row, 0)?, declared: get(&row, 1)?, insists: get(&row, 2)? });
    }
    let probe = match place {
        Cell::Text(place) => format!(
            "SELECT EXISTS (SELECT 1 FROM {}.{})",
            Dialect::Postgres.quote(place),
            Dialect::Postgres.quote(name)
        ),
        _ => return Ok(None),
    };
    let has_rows = match ask(connection, &probe, &[]).await?.first() {
        Some(row) if !is_view => get(row, 0)?,
        _ => false,
    };
    let indexes = indexes(connection, place, &cell).await?;
    Ok(Some(ExistingTable { name: name.to_owned(), is_view, has_rows, columns, indexes }))
}

/// Complete indexes: one on part of the rows or on an expression answers no look-up by the column alone.
async fn indexes(connection: &Connection, place: &Cell, table: &Cell) -> Result<Vec<ExistingIndex>, StoreError> {
    const INDEXES: &str = "SELECT described.indisunique, array_to_json(array_agg(coalesce(one.attname::text, '') ORDER BY key.at))::text \
                           FROM pg_catalog.pg_index AS described \
                           JOIN pg_catalog.pg_class AS found ON found.oid = described.indrelid \
                           JOIN pg_catalog.pg_namespace AS place ON place.oid = found.relnamespace \
                           JOIN LATERAL unnest(described.indkey) WITH ORDINALITY AS key (number, at) ON key.at <= described.indnkeyatts \
                           LEFT JOIN pg_catalog.pg_attribute AS one ON one.attrelid = found.oid AND one.attnum = key.number \
                           WHERE place.nspname = $1 AND found.relname = $2 AND described.indisvalid AND described.indpred IS NULL \
                           GROUP BY described.indexrelid, described.indisunique";
    let mut indexes = Vec::new();
    for row in ask(connection, INDEXES, &[place, table]).await? {
        let columns: String = get(&row, 1)?;
        let columns = serde_json::from_str(&columns).map_err(StoreError::unavailable)?;
        indexes.push(ExistingIndex { unique: get(&row, 0)?, columns });
    }
    Ok(indexes)
}

async fn ask(connection: &Connection, sql: &str, cells: &[&Cell]) -> Result<Vec<Row>, StoreError> {
    let (rows, _) = connection.run(sql, cells).await.map_err(|error| store_error(error, None))?;
    Ok(rows)
}

fn get<T: FromSqlOwned>(row: &Row, index: usize) -> Result<T, StoreError> {
    row.try_get(index).map_err(StoreError::unavailable)
}
