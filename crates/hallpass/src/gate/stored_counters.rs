//! Counting calls in the database, for all servers at it together.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use hallpass_store::{
    Batch, Column, ColumnKind, Conflict, Filter, Query, Row, Schema, Store, StoreError, Table, Timestamp, Value,
};

use super::rate_limit::Limit;
use crate::{clock::Clock, crypto::ids::Ids};

/// The table, by logical name.
pub(crate) const TABLE: &str = "rateLimit";

/// The table as the npm package makes it (CONTRACT §13.1).
pub(crate) fn table() -> Table {
    Table::new(TABLE)
        .column(Column::new("key", ColumnKind::Text).unique())
        .column(Column::new("count", ColumnKind::Integer))
        .column(Column::new("lastRequest", ColumnKind::BigInteger))
}

/// Counters in the database.
///
/// Every step is one statement that does nothing unless the row is as it was read, so of any number of servers none counts a
/// call that another has counted, and never more are let in than the limit allows.
pub(crate) struct StoredCounters {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) schema: Schema,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Ids,
    kept_for: Duration,
    next_sweep: AtomicI64,
}

/// A counter as it was read.
struct Counter {
    count: i64,
    last: Timestamp,
}

/// Each further one means that another call was counted in between, which soon ends in a refusal.
const ATTEMPTS: usize = 16;

/// Rows that are over are looked for no more often than this: each search reads the whole table.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(1);

impl fmt::Debug for StoredCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredCounters").field("kept_for", &self.kept_for).finish_non_exhaustive()
    }
}

impl StoredCounters {
    pub(crate) fn new(store: Arc<dyn Store>, schema: Schema, clock: Arc<dyn Clock>, ids: Ids) -> Self {
        let next_sweep = AtomicI64::new(i64::MIN);
        Self { store, schema, clock, ids, kept_for: Duration::ZERO, next_sweep }
    }

    /// Keeps rows for the longest window there is.
    pub(super) fn keeping_for(self, longest: Duration) -> Self {
        Self { kept_for: longest, ..self }
    }

    /// Counts a call. When it is one too many, how many seconds to wait.
    pub(super) async fn count(&self, key: &str, limit: Limit) -> Result<Result<(), u64>, StoreError> {
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let is_counted = match self.read(key).await? {
                None => self.write(self.first(key, now)).await?,
                Some(counter) if limit.is_over(counter.last, now) => {
                    self.write(self.anew(key, counter.last, now)).await?
                }
                Some(counter) if counter.count >= most(limit) => return Ok(Err(limit.seconds_left(counter.last, now))),
                Some(_) => self.write(one_more(key, limit, now)).await?,
            };
            if is_counted {
                return Ok(Ok(()));
            }
        }
        Err(StoreError::unavailable("a rate-limit counter changed each time it was to be written"))
    }

    async fn read(&self, key: &str) -> Result<Option<Counter>, StoreError> {
        let query = Query::table(TABLE).filter(Filter::eq("key", key)).limit(1);
        let Some(row) = self.store.find(&self.schema, query).await?.into_iter().next() else { return Ok(None) };
        let (count, last) = (number(&row, "count")?, number(&row, "lastRequest")?);
        Ok(Some(Counter { count, last: Timestamp::from_millis(last) }))
    }

    /// Whether the batch was written; not so when the row is no longer as it was read.
    async fn write(&self, batch: Batch) -> Result<bool, StoreError> {
        match self.store.write(&self.schema, batch).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict(Conflict::Guard(_) | Conflict::Unique { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn first(&self, key: &str, now: Timestamp) -> Batch {
        let row = Row::new().with("id", self.ids.make(TABLE)).with("key", key).with("count", 1_i64);
        self.sweeping(Batch::new().insert(TABLE, row.with("lastRequest", now.as_millis())), now)
    }

    /// A new window.
    fn anew(&self, key: &str, last: Timestamp, now: Timestamp) -> Batch {
        let unchanged = Filter::eq("key", key).and(Filter::lt("lastRequest", last.as_millis().saturating_add(1)));
        let set = Row::new().with("count", 1_i64).with("lastRequest", now.as_millis());
        self.sweeping(Batch::new().update(TABLE, unchanged, set).guarded(), now)
    }

    /// Now and then a write also ends rows that nobody asks for any more.
    fn sweeping(&self, batch: Batch, now: Timestamp) -> Batch {
        if now.as_millis() < self.next_sweep.load(Ordering::Relaxed) {
            return batch;
        }
        self.next_sweep.store((now + BETWEEN_SWEEPS).as_millis(), Ordering::Relaxed);
        batch.delete(TABLE, Filter::lt("lastRequest", (now - self.kept_for).as_millis()))
    }
}

fn one_more(key: &str, limit: Limit, now: Timestamp) -> Batch {
    let begun = (now - limit.window).as_millis();
    let has_room = Filter::eq("key", key).and(Filter::gt("lastRequest", begun)).and(Filter::lt("count", most(limit)));
    Batch::new().update(TABLE, has_room, Row::new().with("lastRequest", now.as_millis())).guarded().increment(
        TABLE,
        Filter::eq("key", key),
        "count",
        1,
    )
}

fn most(limit: Limit) -> i64 {
    i64::try_from(limit.max).unwrap_or(i64::MAX)
}

/// A number, whichever way the database has written it.
fn number(row: &Row, column: &str) -> Result<i64, StoreError> {
    match row.get(column) {
        Some(Value::Integer(number)) => Ok(*number),
        #[expect(clippy::cast_possible_truncation, reason = "a count, or milliseconds")]
        Some(Value::Number(number)) => Ok(*number as i64),
        _ => Err(StoreError::corrupt(TABLE, column, "", "not a number")),
    }
}
