//! Migrations.
//!
//! The server commits after every statement that changes a table, so a migration can stop half way. That is why every run begins by
//! looking at what is there: the next one does what is left.

use hallpass_store::{Mode, Plan, Schema, StoreError};
use mysql_async::{Conn, Error, prelude::Queryable};

use super::{
    failure::store_error,
    introspect,
    pool::{Pool, late},
};
use crate::{dialect::Dialect, migrate};

/// How long a node waits for another one that migrates.
const PATIENCE: u32 = 60;

pub(super) async fn migrate(pool: &Pool, schema: &Schema, mode: Mode) -> Result<Plan, StoreError> {
    let mut lent = pool.take().await?;
    if !lent.fresh {
        // One that works: a migration is not tried again.
        pool.forget_idle();
        drop(lent);
        lent = pool.take().await?;
    }
    match missing(&mut lent.conn, schema).await {
        Ok(plan) if mode == Mode::Plan || plan.is_empty() => {
            lent.give_back();
            return Ok(plan);
        }
        Err(error) if error.is_unavailable() => return Err(error),
        // What makes no sense may be what another node is making: half of it was looked at before a statement of that one, and half after.
        Ok(_) | Err(_) => {}
    }
    // The lock is the connection's, so it goes when the process dies.
    let sql = format!("SELECT GET_LOCK(CONCAT('hallpass:', LEFT(DATABASE(), 40)), {PATIENCE})");
    let locked: Option<Option<i64>> = lent.conn.query_first(sql).await.map_err(|error| store_error(error, None))?;
    if locked.flatten() != Some(1) {
        return Err(late("another node migrates the database and does not come to an end"));
    }
    let done = match mode {
        Mode::Plan => missing(&mut lent.conn, schema).await,
        Mode::Apply => apply(&mut lent.conn, schema).await,
    };
    let released = lent.conn.query_drop("DO RELEASE_LOCK(CONCAT('hallpass:', LEFT(DATABASE(), 40)))").await;
    if released.is_ok() {
        lent.give_back();
    }
    done
}

/// Looks again: whoever had the lock before has done it all, or a part.
async fn apply(conn: &mut Conn, schema: &Schema) -> Result<Plan, StoreError> {
    let plan = missing(conn, schema).await?;
    for step in &plan.steps {
        conn.query_drop(step).await.map_err(|error| step_failed(step, error))?;
    }
    Ok(plan)
}

async fn missing(conn: &mut Conn, schema: &Schema) -> Result<Plan, StoreError> {
    let existing = introspect::existing(conn, schema).await.map_err(|error| store_error(error, None))?;
    migrate::plan(Dialect::Mysql, schema, &existing)
}

fn step_failed(step: &str, error: Error) -> StoreError {
    match error {
        Error::Server(error) if error.code == 1062 => StoreError::misuse(format!(
            "the rows already there do not allow `{step}`, because values would not be unique; steps before it are done"
        )),
        Error::Server(error) if !matches!(error.code, 1205 | 1213 | 1021 | 1114 | 1290 | 1836 | 1053 | 1927) => {
            StoreError::misuse(format!(
                "the server refused `{step}` (error {}: {}); steps before it are done, and the next run goes on from there",
                error.code, error.message
            ))
        }
        other => store_error(other, None),
    }
}
