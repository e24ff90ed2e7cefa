//! Writing: one batch, one transaction.

use std::time::Duration;

use hallpass_store::{Outcome, StoreError, Table};
use mysql_async::{Conn, Error, Params, Row, Value, prelude::Queryable};
use tokio::time::timeout;

use super::{
    failure::{conflict_on, is_broken, is_deadlock, store_error, unknown_key},
    pool::{Pool, late},
    rows::{MysqlRow, parameter},
};
use crate::{batch, decode, dialect::mysql, statement::Statement};

/// How often a batch is tried that others are in the way of.
const ATTEMPTS: u32 = 10;

/// How statements are run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) timeout: Duration,
    /// Whether the server knows `RETURNING`.
    pub(super) returning: bool,
}

/// Why a batch was not written.
enum Failure {
    /// Others were in the way; nothing of it was written.
    Deadlock(Error),
    /// The connection was gone before anything was sent.
    Stale,
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(super) async fn write(pool: &Pool, manner: Manner, statements: &[Statement]) -> Result<Vec<Outcome>, StoreError> {
    let (mut attempt, mut stale) = (0, false);
    loop {
        match try_once(pool, manner, statements).await {
            Ok(outcomes) => return Ok(outcomes),
            Err(Failure::Store(error)) => return Err(error),
            Err(Failure::Stale) if stale => return Err(late("connections to the database server keep breaking")),
            Err(Failure::Stale) => {
                stale = true;
                pool.forget_idle();
            }
            Err(Failure::Deadlock(error)) => {
                attempt += 1;
                if attempt == ATTEMPTS {
                    return Err(StoreError::unavailable(error));
                }
                tracing::debug!(attempt, "a transaction was rolled back because of others, and is tried again");
                tokio::time::sleep(pause(attempt)).await;
            }
        }
    }
}

async fn try_once(pool: &Pool, manner: Manner, statements: &[Statement]) -> Result<Vec<Outcome>, Failure> {
    let mut lent = pool.take().await?;
    // Nothing has been asked for yet, so this one statement can be sent again to another connection.
    match timeout(manner.timeout, lent.conn.query_drop("START TRANSACTION")).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) if is_broken(&error) && !lent.fresh => return Err(Failure::Stale),
        Ok(Err(error)) => return Err(store_error(error, None).into()),
        Err(_) => return Err(timed_out(pool).into()),
    }
    let failure = match run_all(&mut lent.conn, pool, manner, statements).await {
        Ok(outcomes) => match timeout(manner.timeout, lent.conn.query_drop("COMMIT")).await {
            Ok(Ok(())) => {
                lent.give_back();
                return Ok(outcomes);
            }
            Ok(Err(error)) if is_deadlock(&error) => Failure::Deadlock(error),
            // Whether it was committed is not known, so it is not tried again.
            Ok(Err(error)) => return Err(StoreError::unavailable(error).into()),
            Err(_) => return Err(timed_out(pool).into()),
        },
        Err(failure) => failure,
    };
    // A connection that does not roll back is closed, which does.
    if !lent.conn.is_disconnected()
        && let Ok(Ok(())) = timeout(manner.timeout, lent.conn.query_drop("ROLLBACK")).await
    {
        lent.give_back();
    }
    Err(failure)
}

async fn run_all(
    conn: &mut Conn,
    pool: &Pool,
    manner: Manner,
    statements: &[Statement],
) -> Result<Vec<Outcome>, Failure> {
    let mut outcomes = Vec::with_capacity(statements.len());
    for (index, statement) in statements.iter().enumerate() {
        let values = batch::parameters(statement, &outcomes)?;
        let values: Vec<Value> = values.iter().map(|cell| parameter(cell)).collect();
        let outcome = match timeout(manner.timeout, run(conn, manner.returning, statement, values)).await {
            Ok(Ok(outcome)) => outcome?,
            Ok(Err(error)) if is_deadlock(&error) => return Err(Failure::Deadlock(error)),
            Ok(Err(error)) => {
                let table = &statement.table;
                let asked = timeout(manner.timeout, conflict(conn, &error, table)).await;
                return Err(asked.ok().flatten().unwrap_or_else(|| store_error(error, Some(table))).into());
            }
            Err(_) => return Err(timed_out(pool).into()),
        };
        batch::check_guard(index, statement, &outcome)?;
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// The conflict with a unique index that bears a name of its owner's choice: the server knows which column it is on.
async fn conflict(conn: &mut Conn, error: &Error, table: &Table) -> Option<StoreError> {
    const COLUMN: &str = "SELECT column_name FROM information_schema.statistics WHERE table_schema = DATABASE() \
                          AND table_name = ? AND index_name = ? AND seq_in_index = 1 AND column_name IS NOT NULL";
    let key = unknown_key(error, table)?;
    let found: Option<String> = conn.exec_first(COLUMN, (&*table.physical, key)).await.ok()?;
    Some(conflict_on(table, &found?))
}

type Ran = Result<Result<Outcome, StoreError>, Error>;

async fn run(conn: &mut Conn, returning: bool, statement: &Statement, values: Vec<Value>) -> Ran {
    let table = &statement.table;
    if !statement.returns {
        conn.exec_drop(&statement.sql, params(values)).await?;
        return Ok(Ok(Outcome { affected: conn.affected_rows(), rows: Vec::new() }));
    }
    if returning {
        let rows = conn.exec(&statement.sql, params(values)).await?;
        return Ok(outcome(rows, table));
    }
    let sql = statement.sql.strip_suffix(&mysql::returning(table)).unwrap_or(&statement.sql);
    match sql.strip_prefix("DELETE ") {
        Some(rest) => take(conn, rest, table, values).await,
        None => insert(conn, sql, table, values).await,
    }
}

/// Locks the rows, so that whoever comes second finds none, and removes them by their ids.
async fn take(conn: &mut Conn, rest: &str, table: &Table, values: Vec<Value>) -> Ran {
    let select = format!("SELECT {} {rest} FOR UPDATE", mysql::columns(table));
    let rows: Vec<Row> = conn.exec(select, params(values)).await?;
    let delete = format!("DELETE FROM {} WHERE {}", mysql::quote(&table.physical), id_is(table));
    let mut taken = Vec::with_capacity(rows.len());
    for row in rows {
        // The id is every table's first column.
        let id = row.as_ref(0).cloned().unwrap_or(Value::NULL);
        conn.exec_drop(&delete, params(vec![id])).await?;
        if conn.affected_rows() == 1 {
            taken.push(row);
        }
    }
    Ok(outcome(taken, table))
}

/// Inserts a row and reads what the server made of it.
async fn insert(conn: &mut Conn, sql: &str, table: &Table, values: Vec<Value>) -> Ran {
    conn.exec_drop(sql, params(values)).await?;
    let Some(id) = conn.last_insert_id() else {
        return Ok(Err(StoreError::misuse(format!("table `{}` does not number its rows", table.name))));
    };
    let select =
        format!("SELECT {} FROM {} WHERE {}", mysql::columns(table), mysql::quote(&table.physical), id_is(table));
    Ok(outcome(conn.exec(select, params(vec![Value::UInt(id)])).await?, table))
}

fn id_is(table: &Table) -> String {
    let id = table.get("id").map_or("id", |column| &column.physical);
    format!("{} = ?", mysql::quote(id))
}

fn outcome(rows: Vec<Row>, table: &Table) -> Result<Outcome, StoreError> {
    let rows: Result<Vec<_>, StoreError> = rows.into_iter().map(|row| decode::row(&MysqlRow(row), table)).collect();
    let rows = rows?;
    Ok(Outcome { affected: rows.len() as u64, rows })
}

pub(super) fn params(values: Vec<Value>) -> Params {
    if values.is_empty() { Params::Empty } else { Params::Positional(values) }
}

/// What is in between may swallow everything, on all connections.
pub(super) fn timed_out(pool: &Pool) -> StoreError {
    pool.forget_idle();
    late("the database server takes too long to answer")
}

/// Longer with each attempt, and never the same for two that were in each other's way.
fn pause(attempt: u32) -> Duration {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let most = 4_000_u64 << attempt.min(5);
    Duration::from_micros(RandomState::new().build_hasher().finish() % most)
}
