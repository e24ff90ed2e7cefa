//! Writing: one batch, one transaction, on a connection that it has to itself.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use deadpool::{
    Runtime,
    managed::{Manager, Metrics, Object, Pool, PoolConfig, QueueMode, RecycleError, RecycleResult, Timeouts},
};
use hallpass_store::{Conflict, Outcome, StoreError};
use tokio::time::timeout;

use super::{
    cells::PostgresRow,
    connection::Connection,
    failure::{Failure, is_gone, is_stale, may_pass},
    options::PostgresOptions,
};
use crate::{ConnectError, batch, decode, dialect::Cell, statement::Statement};

/// How often a batch is tried again that another one stood in the way of.
const RETRIES: u32 = 6;
/// A connection that was idle for longer may have been cut off without a word; it is asked before it is used.
const TRUSTED: Duration = Duration::from_secs(1);
/// How long it may take to answer then.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Writer {
    pool: Pool<Opener>,
    queue: usize,
    limit: Duration,
}

#[derive(Debug)]
struct Opener {
    options: PostgresOptions,
    /// When a connection was last found to be cut off. Those that have not been used since then are not asked, one after the other.
    cut: Mutex<Option<Instant>>,
}

impl Manager for Opener {
    type Type = Connection;
    type Error = ConnectError;

    async fn create(&self) -> Result<Connection, ConnectError> {
        let (connection, driver) = Connection::open(&self.options).await?;
        tokio::spawn(driver);
        Ok(connection)
    }

    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<ConnectError> {
        if connection.is_closed() {
            return Err(RecycleError::message("closed"));
        }
        let idle = metrics.last_used();
        if idle < TRUSTED {
            return Ok(());
        }
        let cut = *self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        let is_older = cut.is_some_and(|cut| cut.elapsed() < idle);
        if !is_older && matches!(timeout(PATIENCE, connection.batch("")).await, Ok(Ok(()))) {
            return Ok(());
        }
        if !is_older {
            *self.cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        connection.condemn();
        Err(RecycleError::message("silent"))
    }
}

/// A connection in use. Unless it is known to be idle again it is closed, and the server rolls back what was begun on it.
struct Checkout {
    object: Option<Object<Opener>>,
    idle: bool,
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if !self.idle
            && let Some(object) = self.object.take()
        {
            Object::take(object).condemn();
        }
    }
}

/// Why an attempt failed.
enum Failed {
    /// Nothing was written, and the next attempt may succeed.
    Again(StoreError),
    Finally(Failure),
}

impl Writer {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, ConnectError> {
        let config = PoolConfig {
            max_size: options.writers(),
            timeouts: Timeouts {
                wait: Some(options.wait_timeout),
                create: Some(options.connect_timeout),
                recycle: Some(options.connect_timeout),
            },
            queue_mode: QueueMode::Lifo,
        };
        let pool = Pool::builder(Opener { options: options.clone(), cut: Mutex::default() })
            .config(config)
            .runtime(Runtime::Tokio1)
            .build();
        let pool = pool.map_err(|error| ConnectError::Server {
            database: "Postgres",
            server: options.server.name(),
            problem: error.to_string(),
        })?;
        Ok(Self { pool, queue: options.queue, limit: options.write_timeout })
    }

    pub(super) async fn write(&self, statements: &[Statement]) -> Result<Vec<Outcome>, Failure> {
        let mut attempt = 0;
        loop {
            match self.attempt(statements).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(Failed::Again(_)) if attempt < RETRIES => {
                    tokio::time::sleep(jitter(attempt)).await;
                    attempt += 1;
                }
                Err(Failed::Again(error)) => return Err(error.into()),
                Err(Failed::Finally(failure)) => return Err(failure),
            }
        }
    }

    async fn attempt(&self, statements: &[Statement]) -> Result<Vec<Outcome>, Failed> {
        if self.pool.status().waiting >= self.queue {
            return Err(finally(StoreError::unavailable("too many operations are waiting for the database")));
        }
        let object = self.pool.get().await.map_err(|error| finally(StoreError::unavailable(error.to_string())))?;
        let mut checkout = Checkout { object: Some(object), idle: false };
        let Some(connection) = checkout.object.as_deref() else {
            return Err(finally(StoreError::unavailable("no connection")));
        };
        let result = match timeout(self.limit, run(connection, statements)).await {
            Ok(result) => result,
            Err(late) => {
                // Whether it was committed is not known, so it is not tried again.
                connection.cancel();
                return Err(finally(StoreError::unavailable(late)));
            }
        };
        checkout.idle = result.idle;
        result.outcomes
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }
}

/// What became of a batch, and whether the connection is free for the next.
struct Ran {
    outcomes: Result<Vec<Outcome>, Failed>,
    idle: bool,
}

async fn run(connection: &Connection, statements: &[Statement]) -> Ran {
    // One statement is a transaction by itself, and a guard that matched nothing has written nothing.
    if let [statement] = statements {
        let outcomes = all(connection, std::slice::from_ref(statement), true).await;
        return Ran { idle: !connection.is_closed(), outcomes };
    }
    if let Err(error) = connection.batch("BEGIN").await {
        return Ran { outcomes: Err(failed(error, None, false)), idle: false };
    }
    match all(connection, statements, false).await {
        Ok(outcomes) => match connection.batch("COMMIT").await {
            Ok(()) => Ran { outcomes: Ok(outcomes), idle: true },
            // The server refused, or it is not known what it did; only a refusal may be tried again.
            Err(error) => Ran { outcomes: Err(failed(error, None, true)), idle: false },
        },
        Err(error) => Ran { outcomes: Err(error), idle: connection.batch("ROLLBACK").await.is_ok() },
    }
}

async fn all(connection: &Connection, statements: &[Statement], commits: bool) -> Result<Vec<Outcome>, Failed> {
    let mut outcomes = Vec::with_capacity(statements.len());
    for (index, statement) in statements.iter().enumerate() {
        let parameters = batch::parameters(statement, &outcomes).map_err(finally)?;
        let cells: Vec<&Cell> = parameters.iter().map(AsRef::as_ref).collect();
        let (rows, affected) = match connection.run(&statement.sql, &cells).await {
            Ok(ran) => ran,
            Err(error) => {
                if is_stale(&error) {
                    connection.forget();
                }
                return Err(failed(error, Some(statement), commits));
            }
        };
        let rows: Result<Vec<_>, _> = if statement.returns {
            rows.iter().map(|row| decode::row(&PostgresRow::new(row), &statement.table)).collect()
        } else {
            Ok(Vec::new())
        };
        let outcome = Outcome { affected, rows: rows.map_err(finally)? };
        batch::check_guard(index, statement, &outcome).map_err(finally)?;
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// `committing`: whether the server may have committed when the connection broke.
fn failed(error: tokio_postgres::Error, statement: Option<&Statement>, committing: bool) -> Failed {
    let again = may_pass(&error) || (is_gone(&error) && !committing);
    let failure = Failure::new(error, statement.map(|statement| &statement.table));
    let taken = statement.is_some_and(|statement| number_taken(&failure.error, statement));
    if again || taken { Failed::Again(failure.error) } else { Failed::Finally(failure) }
}

fn finally(error: StoreError) -> Failed {
    Failed::Finally(error.into())
}

/// Somebody chose a number himself that the server would have given to this row. It goes on counting, so the next is another one.
fn number_taken(error: &StoreError, statement: &Statement) -> bool {
    matches!(error.conflict(), Some(Conflict::Unique { table, column })
        if statement.decides_id && column == "id" && **table == *statement.table.name)
}

fn jitter(attempt: u32) -> Duration {
    let most = 5_u64 << attempt.min(5);
    Duration::from_millis(1 + RandomState::new().hash_one(attempt) % most)
}
