//! Postgres: which connection does what.
//!
//! | Work | Where |
//! |---|---|
//! | reads, session look-ups above all | a few connections that all tasks share ([`shared`]) |
//! | writes | connections of a pool, one batch at a time ([`writer`]) |
//! | migrations | a connection of their own ([`migrate`]) |
//! | hearing of changes, if anybody wants to | a connection of its own ([`feed`]) |
//!
//! With a statement cache, statements are prepared once for each connection. Without one, each travels with its parameters in one
//! round trip, so that behind pgbouncer every statement may meet another connection of the server.

mod cells;
mod connection;
mod failure;
mod feed;
mod fit;
mod migrate;
mod options;
mod shared;
mod tls;
mod triggers;
mod writer;

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
};

use hallpass_store::{
    Batch, ChangeFeed, Mode, Outcome, Plan, Query, Row, Schema, SessionAndUser, SessionToken, StoreError,
};

pub use options::PostgresOptions;

use crate::{
    ConnectError, decode,
    dialect::{Cell, Dialect},
    lookup::Lookup,
    statement,
};
use cells::PostgresRow;
use connection::Connection;
use failure::Failure;
use feed::{Ear, Feed};
use fit::Types;
use shared::Shared;
use triggers::Tables;
use writer::Writer;

/// A Postgres database that is connected to.
#[derive(Debug)]
pub(crate) struct Postgres {
    options: PostgresOptions,
    shared: Shared,
    writer: Writer,
    feed: Arc<Feed>,
    /// The look-up for the schema that was asked for last.
    lookup: RwLock<Option<Arc<Lookup>>>,
}

impl Postgres {
    pub(crate) async fn connect(options: PostgresOptions) -> Result<Self, ConnectError> {
        let first = Connection::open(&options).await?;
        let (shared, writer) = (Shared::start(&options, first), Writer::new(&options)?);
        let feed = Arc::new(Feed::new(options.clone()));
        Ok(Self { options, shared, writer, feed, lookup: RwLock::new(None) })
    }

    pub(crate) async fn session_with_user(
        &self,
        schema: &Schema,
        token: &SessionToken,
    ) -> Result<Option<SessionAndUser>, StoreError> {
        // No text in Postgres has a NUL in it.
        if token.expose().contains('\0') {
            return Ok(None);
        }
        let lookup = self.lookup(schema)?;
        let rows = self.shared.rows(&lookup.sql, &[&Cell::Text(token.expose().to_owned())], None).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (session, user) = decode::session_and_user(&PostgresRow::new(row), &lookup)?;
        // A database with a collation of its own on this column finds more than the token that was asked for.
        Ok((session.token == *token).then(|| SessionAndUser::new(session, user)))
    }

    fn lookup(&self, schema: &Schema) -> Result<Arc<Lookup>, StoreError> {
        let known = self.lookup.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookup) = known.as_ref().filter(|lookup| lookup.revision == schema.revision()) {
            return Ok(Arc::clone(lookup));
        }
        drop(known);
        let lookup = Arc::new(Lookup::new(Dialect::Postgres, schema)?);
        self.feed.watch(Tables::of(schema)?);
        *self.lookup.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&lookup));
        Ok(lookup)
    }

    pub(crate) async fn find(&self, schema: &Schema, query: Query) -> Result<Vec<Row>, StoreError> {
        let failure = match self.find_as_it_is(schema, &query).await {
            Err(failure) if failure.misfit => failure,
            done => return Ok(done?),
        };
        let fitting = Types::of(&self.shared, schema, [&*query.table]).await?.query(&query);
        if fitting == query { Err(failure.error) } else { Ok(self.find_as_it_is(schema, &fitting).await?) }
    }

    async fn find_as_it_is(&self, schema: &Schema, query: &Query) -> Result<Vec<Row>, Failure> {
        let statement = statement::select(Dialect::Postgres, schema, query)?;
        let cells: Vec<&Cell> = statement.values.iter().collect();
        let rows = self.shared.rows(&statement.sql, &cells, Some(&statement)).await?;
        let rows = rows.iter().map(|row| decode::row(&PostgresRow::new(row), &statement.table));
        Ok(rows.collect::<Result<_, StoreError>>()?)
    }

    pub(crate) async fn write(&self, schema: &Schema, batch: Batch) -> Result<Vec<Outcome>, StoreError> {
        let failure = match self.write_as_it_is(schema, &batch).await {
            Err(failure) if failure.misfit => failure,
            done => return Ok(done?),
        };
        let tables: BTreeSet<&str> = batch.operations().iter().map(|operation| &*operation.table).collect();
        let fitting = Types::of(&self.shared, schema, tables).await?.batch(&batch);
        if fitting == batch { Err(failure.error) } else { Ok(self.write_as_it_is(schema, &fitting).await?) }
    }

    async fn write_as_it_is(&self, schema: &Schema, batch: &Batch) -> Result<Vec<Outcome>, Failure> {
        let statements = statement::batch(Dialect::Postgres, schema, batch)?;
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        self.writer.write(&statements).await
    }

    pub(crate) async fn migrate(&self, schema: &Schema, mode: Mode) -> Result<Plan, StoreError> {
        let (connection, driver) = Connection::open(&self.options).await.map_err(StoreError::unavailable)?;
        let driver = tokio::spawn(driver);
        let plan = migrate::run(&connection, schema, mode).await;
        // Closing the connection rolls back what a failure left open.
        drop(connection);
        drop(driver.await);
        plan
    }

    /// None where nothing could be heard: behind a pooler that gives every statement another connection.
    pub(crate) fn changes(&self) -> Option<Arc<dyn ChangeFeed>> {
        self.options.can_listen().then(|| Arc::new(Ear(Arc::clone(&self.feed))) as _)
    }

    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.shared.rows("SELECT 1", &[], None).await.map(drop)?)
    }

    #[expect(clippy::unused_async, reason = "every database closes so")]
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        self.feed.stop();
        self.writer.close();
        self.shared.close();
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.feed.stop();
    }
}
