//! Postgres.

use hallpass_store::{Batch, Mode, Outcome, Plan, Query, Row, Schema, Session, SessionToken, StoreError, User};

use crate::ConnectError;

/// How a Postgres server is connected to.
#[derive(Debug, Clone)]
#[must_use]
pub struct PostgresOptions {}

impl PostgresOptions {
    /// The server and database that a URL names.
    pub fn new(_url: &str) -> Result<Self, ConnectError> {
        Ok(Self {})
    }
}

/// A Postgres database that is connected to.
#[derive(Debug)]
pub(crate) enum Postgres {}

impl Postgres {
    #[expect(clippy::unused_async, reason = "not written yet")]
    pub(crate) async fn connect(_options: PostgresOptions) -> Result<Self, ConnectError> {
        Err(ConnectError::NotBuiltIn { database: "Postgres", feature: "postgres" })
    }

    pub(crate) async fn session_with_user(
        &self,
        _schema: &Schema,
        _token: &SessionToken,
    ) -> Result<Option<(Session, User)>, StoreError> {
        match *self {}
    }

    pub(crate) async fn find(&self, _schema: &Schema, _query: Query) -> Result<Vec<Row>, StoreError> {
        match *self {}
    }

    pub(crate) async fn write(&self, _schema: &Schema, _batch: Batch) -> Result<Vec<Outcome>, StoreError> {
        match *self {}
    }

    pub(crate) async fn migrate(&self, _schema: &Schema, _mode: Mode) -> Result<Plan, StoreError> {
        match *self {}
    }

    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        match *self {}
    }

    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        match *self {}
    }
}
