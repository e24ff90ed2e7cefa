//! A database, for those that take a pool of sqlx 0.8.

use std::str::FromStr;

use sqlx::{
    PgPool, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::Result;

#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Database {
    /// A Postgres URL or the name of a file.
    pub(crate) async fn open(place: &str) -> Result<Self> {
        if is_postgres(place) {
            return Ok(Self::Postgres(PgPool::connect(place).await?));
        }
        // Only the seeding writes, and it may be lost.
        let options = SqliteConnectOptions::from_str(&format!("sqlite://{place}"))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Off);
        Ok(Self::Sqlite(SqlitePool::connect_with(options).await?))
    }

    pub(crate) async fn execute(&self, statement: &str) -> Result<()> {
        match self {
            Self::Sqlite(pool) => sqlx::query(statement).execute(pool).await.map(|_| ())?,
            Self::Postgres(pool) => sqlx::query(statement).execute(pool).await.map(|_| ())?,
        }
        Ok(())
    }
}

pub(crate) fn is_postgres(place: &str) -> bool {
    place.starts_with("postgres")
}
