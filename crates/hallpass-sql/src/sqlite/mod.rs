//! SQLite: which thread does what.
//!
//! | Work | Where |
//! |---|---|
//! | session and user of a token | the calling thread, on one of a few connections held ready ([`reader`]) |
//! | the same, when all of those are taken or locked out | a reader thread |
//! | every other read | a reader thread |
//! | writes and migrations | the one writer thread ([`writer`]) |
//!
//! A database in memory has one connection, so there the writer thread does everything.

mod failure;
mod introspect;
mod open;
mod options;
mod reader;
mod worker;
mod writer;

use std::sync::Arc;

use hallpass_store::{Batch, Mode, Outcome, Plan, Query, Row, Schema, SessionAndUser, SessionToken, StoreError};

pub use options::SqliteOptions;

use crate::{ConnectError, dialect::Dialect, lookup::Lookup, statement};
use reader::Inline;
use worker::Workers;

/// A SQLite database that is open.
#[derive(Debug)]
pub(crate) struct Sqlite {
    inline: Inline,
    readers: Arc<Workers>,
    writer: Arc<Workers>,
}

impl Sqlite {
    pub(crate) async fn open(options: SqliteOptions) -> Result<Self, ConnectError> {
        let queue = options.queue;
        let opened = worker::run_once("hallpass-open", move || open::open(&options)).await?;
        let writer = Arc::new(Workers::start("hallpass-write", vec![opened.writer], queue)?);
        let readers = match opened.readers {
            connections if connections.is_empty() => Arc::clone(&writer),
            connections => Arc::new(Workers::start("hallpass-read", connections, queue)?),
        };
        Ok(Self { inline: Inline::new(opened.inline), readers, writer })
    }

    pub(crate) async fn session_with_user(
        &self,
        schema: &Schema,
        token: &SessionToken,
    ) -> Result<Option<SessionAndUser>, StoreError> {
        if let Some(answer) = self.inline.session_with_user(schema, token) {
            return answer;
        }
        let (lookup, token) = (Lookup::new(Dialect::Sqlite, schema)?, token.clone());
        self.readers
            .run(move |connection| {
                reader::session_with_user(connection, &lookup, &token).map_err(|failure| failure.into_store_error(None))
            })
            .await
    }

    pub(crate) async fn find(&self, schema: &Schema, query: Query) -> Result<Vec<Row>, StoreError> {
        let statement = statement::select(Dialect::Sqlite, schema, &query)?;
        self.readers.run(move |connection| reader::find(connection, &statement)).await
    }

    pub(crate) async fn write(&self, schema: &Schema, batch: Batch) -> Result<Vec<Outcome>, StoreError> {
        let statements = statement::batch(Dialect::Sqlite, schema, &batch)?;
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        self.writer.run(move |connection| writer::write(connection, &statements)).await
    }

    pub(crate) async fn migrate(&self, schema: &Schema, mode: Mode) -> Result<Plan, StoreError> {
        let schema = schema.clone();
        self.writer.run(move |connection| writer::migrate(connection, &schema, mode)).await
    }

    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.readers.run(|connection| reader::ping(connection)).await
    }

    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        self.writer.run(|connection| writer::checkpoint(connection)).await
    }
}
