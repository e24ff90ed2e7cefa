//! Writing: one batch, one transaction.

use std::borrow::Cow;

use hallpass_store::{Mode, Outcome, Plan, Schema, StoreError};
use rusqlite::{
    Connection, ErrorCode, ToSql, Transaction, TransactionBehavior, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::{
    failure::{Failure, store_error},
    introspect, reader,
};
use crate::{
    batch,
    dialect::{Cell, Dialect},
    migrate,
    statement::Statement,
};

pub(super) fn write(connection: &mut Connection, statements: &[Statement]) -> Result<Vec<Outcome>, StoreError> {
    // Takes the write lock at once: a transaction that begins by reading could be refused it half way.
    let transaction = begin(connection, TransactionBehavior::Immediate)?;
    let mut outcomes = Vec::with_capacity(statements.len());
    for (index, statement) in statements.iter().enumerate() {
        let parameters = batch::parameters(statement, &outcomes)?;
        let outcome = execute(&transaction, statement, &parameters)
            .map_err(|failure| failure.into_store_error(Some(&statement.table)))?;
        batch::check_guard(index, statement, &outcome)?;
        outcomes.push(outcome);
    }
    commit(transaction)?;
    Ok(outcomes)
}

fn execute(connection: &Connection, statement: &Statement, values: &[Cow<'_, Cell>]) -> Result<Outcome, Failure> {
    let values = params_from_iter(values.iter().map(AsRef::as_ref));
    if statement.returns {
        let rows = reader::rows(connection, statement, values)?;
        return Ok(Outcome { affected: rows.len() as u64, rows });
    }
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let affected = prepared.execute(values)?;
    Ok(Outcome { affected: affected as u64, rows: Vec::new() })
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Boolean(flag) => ValueRef::Integer(i64::from(*flag)),
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
        }))
    }
}

/// Brings the database up to the schema, or says how. Safe to run in several processes at once: the second one waits, looks again
/// and finds nothing left to do.
pub(super) fn migrate(connection: &mut Connection, schema: &Schema, mode: Mode) -> Result<Plan, StoreError> {
    let plan = {
        let reading = begin(connection, TransactionBehavior::Deferred)?;
        missing(&reading, schema)?
    };
    if mode == Mode::Plan || plan.is_empty() {
        return Ok(plan);
    }
    let transaction = begin(connection, TransactionBehavior::Immediate)?;
    let plan = missing(&transaction, schema)?;
    for step in &plan.steps {
        transaction.execute(step, []).map_err(|error| step_failed(step, error))?;
    }
    commit(transaction)?;
    Ok(plan)
}

fn missing(connection: &Connection, schema: &Schema) -> Result<Plan, StoreError> {
    let existing = introspect::existing(connection, schema).map_err(|error| store_error(error, None))?;
    migrate::plan(Dialect::Sqlite, schema, &existing)
}

fn step_failed(step: &str, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => StoreError::misuse(format!(
            "the rows already there do not allow `{step}`, because values would not be unique; nothing was changed"
        )),
        Some(ErrorCode::Unknown) => {
            StoreError::misuse(format!("SQLite refused `{step}` ({error}); nothing was changed"))
        }
        _ => store_error(error, None),
    }
}

/// Puts what the write-ahead log holds into the file itself, and empties the log.
pub(super) fn checkpoint(connection: &Connection) -> Result<(), StoreError> {
    let held_up: bool = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(|error| store_error(error, None))?;
    if held_up {
        tracing::debug!("another process reads the database; its log stays for the next start");
    }
    Ok(())
}

fn begin(connection: &mut Connection, behavior: TransactionBehavior) -> Result<Transaction<'_>, StoreError> {
    connection.transaction_with_behavior(behavior).map_err(|error| store_error(error, None))
}

fn commit(transaction: Transaction<'_>) -> Result<(), StoreError> {
    transaction.commit().map_err(|error| store_error(error, None))
}
