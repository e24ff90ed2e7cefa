//! MySQL and MariaDB.
//!
//! Every operation has a connection to itself, since the wire carries one statement at a time. A read is one statement on its own; a
//! batch is a transaction, which is tried again as a whole where the server calls it off because of others.
//!
//! MySQL has no `RETURNING`: there rows are taken by `SELECT … FOR UPDATE` and deletes that are counted, and a row that the
//! server numbers is read after it was inserted. That way is tested on MariaDB, not on MySQL itself.

mod failure;
mod introspect;
mod migrator;
mod open;
mod options;
mod pool;
mod rows;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};

use hallpass_store::{Batch, Mode, Outcome, Plan, Query, Schema, SessionAndUser, SessionToken, StoreError, Table};
use mysql_async::{Row, Value, prelude::Queryable};
use tokio::time::timeout;

pub use options::MysqlOptions;

use crate::{ConnectError, decode, dialect::Dialect, lookup::Lookup, statement};
use failure::{is_broken, store_error};
use pool::Pool;
use rows::{MysqlRow, parameter};
use writer::{Manner, params, timed_out};

/// A MySQL or MariaDB database that is connected to.
#[derive(Debug)]
pub(crate) struct Mysql {
    pool: Pool,
    manner: Manner,
    /// The look-up for the schema that was asked for last.
    lookup: Mutex<Option<Arc<Lookup>>>,
}

impl Mysql {
    pub(crate) async fn connect(options: MysqlOptions) -> Result<Self, ConnectError> {
        let (opts, conn, returning) = open::open(&options).await?;
        drop(conn);
        let pool = Pool::new(opts, options.max_connections, options.connect_timeout, options.wait_timeout);
        let manner = Manner { timeout: options.statement_timeout, returning };
        Ok(Self { pool, manner, lookup: Mutex::default() })
    }

    pub(crate) async fn session_with_user(
        &self,
        schema: &Schema,
        token: &SessionToken,
    ) -> Result<Option<SessionAndUser>, StoreError> {
        let lookup = self.lookup(schema)?;
        let rows = self.read(&lookup.sql, &[Value::from(token.expose())], None).await?;
        for row in rows {
            let (session, user) = decode::session_and_user(&MysqlRow(row), &lookup)?;
            // The collation of the column finds more than the token that was asked for.
            if session.token == *token {
                return Ok(Some(SessionAndUser::new(session, user)));
            }
        }
        Ok(None)
    }

    fn lookup(&self, schema: &Schema) -> Result<Arc<Lookup>, StoreError> {
        let mut kept = self.lookup.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(lookup) if lookup.revision == schema.revision() => Ok(Arc::clone(lookup)),
            _ => Ok(Arc::clone(kept.insert(Arc::new(Lookup::new(Dialect::Mysql, schema)?)))),
        }
    }

    pub(crate) async fn find(&self, schema: &Schema, query: Query) -> Result<Vec<hallpass_store::Row>, StoreError> {
        let statement = statement::select(Dialect::Mysql, schema, &query)?;
        let values: Vec<Value> = statement.values.iter().map(parameter).collect();
        let rows = self.read(&statement.sql, &values, Some(&statement.table)).await?;
        rows.into_iter().map(|row| decode::row(&MysqlRow(row), &statement.table)).collect()
    }

    /// Asks once, and once more on a new connection if the old one turns out to be gone.
    async fn read(&self, sql: &str, values: &[Value], table: Option<&Table>) -> Result<Vec<Row>, StoreError> {
        let mut again = true;
        loop {
            let mut lent = self.pool.take().await?;
            match timeout(self.manner.timeout, lent.conn.exec(sql, params(values.to_vec()))).await {
                Ok(Ok(rows)) => {
                    lent.give_back();
                    return Ok(rows);
                }
                Ok(Err(error)) if is_broken(&error) => {
                    self.pool.forget_idle();
                    if lent.fresh || !std::mem::take(&mut again) {
                        return Err(store_error(error, table));
                    }
                }
                Ok(Err(error)) => {
                    lent.give_back();
                    return Err(store_error(error, table));
                }
                Err(_) => return Err(timed_out(&self.pool)),
            }
        }
    }

    pub(crate) async fn write(&self, schema: &Schema, batch: Batch) -> Result<Vec<Outcome>, StoreError> {
        let statements = statement::batch(Dialect::Mysql, schema, &batch)?;
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        writer::write(&self.pool, self.manner, &statements).await
    }

    pub(crate) async fn migrate(&self, schema: &Schema, mode: Mode) -> Result<Plan, StoreError> {
        migrator::migrate(&self.pool, schema, mode).await
    }

    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.read("SELECT 1", &[], None).await.map(drop)
    }

    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        self.pool.close().await;
        Ok(())
    }
}
