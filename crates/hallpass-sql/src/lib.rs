//! hallpass stores in SQL databases.
//!
//! [`SqlStore`] keeps users, sessions, accounts and verifications where the npm package `better-auth` keeps them: same
//! tables, same columns, same encodings (CONTRACT §13). A database that one of the two made serves the other, at the same
//! time if need be.
//!
//! ```
//! use hallpass_sql::SqlStore;
//! use hallpass_store::{Mode, Schema, Store};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # let folder = tempfile::tempdir().unwrap();
//! # let url = format!("sqlite://{}", folder.path().join("hallpass.db").display());
//! let store = SqlStore::connect(&url).await?; // "sqlite://hallpass.db"
//! let plan = store.migrate(&Schema::core(), Mode::Apply).await?;
//! assert!(plan.to_string().contains("create table \"user\""));
//! store.close().await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # SQLite
//!
//! The look-up that every request makes runs on the thread that asks, on a statement that is held ready: a hop to another
//! thread would cost more than the look-up. Everything else runs on threads of its own, a few for reading and one for
//! writing, behind queues that are bounded: a full queue is [`StoreError::Unavailable`](hallpass_store::StoreError), not
//! growing memory. See [`SqliteOptions`] for the numbers.
//!
//! The file is in WAL mode with `synchronous=FULL`: what was answered is on disk. A revocation that a power cut could take back
//! would be none.
//!
//! # Adding a database
//!
//! `statement` writes every statement once; what differs between databases (types, encodings, quoting) is asked of
//! `dialect`. A new database is one file there and one module beside `sqlite` that runs statements and reads rows. The suite of
//! `hallpass-store` is its test.

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
compile_error!("hallpass-sql needs at least one of the features `sqlite`, `postgres` and `mysql`");

mod batch;
mod decode;
mod dialect;
mod error;
mod lookup;
mod migrate;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statement;
mod url;

use std::sync::Arc;

use hallpass_store::{
    Batch, ChangeFeed, Fut, Mode, Outcome, Plan, Query, Row, Schema, SessionAndUser, SessionToken, Store,
};

pub use error::ConnectError;
#[cfg(feature = "mysql")]
pub use mysql::MysqlOptions;
#[cfg(feature = "postgres")]
pub use postgres::PostgresOptions;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteOptions;

use url::Target;

/// A store in a SQL database.
#[derive(Debug)]
pub struct SqlStore {
    database: Database,
}

#[derive(Debug)]
enum Database {
    #[cfg(feature = "mysql")]
    Mysql(mysql::Mysql),
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::Postgres>),
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Sqlite),
}

impl SqlStore {
    /// Connects to the database a URL names, with default options.
    ///
    /// | URL | Database |
    /// |---|---|
    /// | `sqlite://hallpass.db` | SQLite, this file in the current folder; made if it does not exist |
    /// | `sqlite:///var/lib/hallpass.db` | SQLite, this file |
    /// | `sqlite::memory:` | SQLite, gone with the store |
    /// | `mysql://user:password@host/database` | MySQL or MariaDB, with the feature `mysql`; also as `mariadb:` |
    ///
    /// The path is taken as it is written, without percent-decoding. A new file is readable by its owner only.
    ///
    /// # Errors
    ///
    /// Says what to do about it: a folder that does not exist, a file that is no database, a scheme that is not supported.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let error = hallpass_sql::SqlStore::connect("mongodb://localhost").await.unwrap_err();
    /// assert!(error.to_string().contains("`mongodb`") && error.to_string().contains("sqlite://"));
    /// # });
    /// ```
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        match Target::parse(url)? {
            #[cfg(feature = "sqlite")]
            Target::SqliteFile(path) => Self::sqlite(SqliteOptions::new(path)).await,
            #[cfg(feature = "sqlite")]
            Target::SqliteMemory => Self::sqlite(SqliteOptions::in_memory()).await,
            #[cfg(not(feature = "sqlite"))]
            Target::SqliteFile(_) | Target::SqliteMemory => {
                Err(ConnectError::NotBuiltIn { database: "SQLite", feature: "sqlite" })
            }
            #[cfg(feature = "postgres")]
            Target::Postgres => Self::postgres(PostgresOptions::new(url)?).await,
            #[cfg(not(feature = "postgres"))]
            Target::Postgres => Err(ConnectError::NotBuiltIn { database: "Postgres", feature: "postgres" }),
            #[cfg(feature = "mysql")]
            Target::MySql => Self::mysql(MysqlOptions::new(url)?).await,
            #[cfg(not(feature = "mysql"))]
            Target::MySql => Err(ConnectError::NotBuiltIn { database: "MySQL and MariaDB", feature: "mysql" }),
        }
    }

    /// The file a URL names; `None` for a database that is no file: one in memory, or a server.
    ///
    /// # Errors
    /// When the URL names no database this crate can open.
    ///
    /// ```
    /// use hallpass_sql::SqlStore;
    /// assert_eq!(SqlStore::file_of("sqlite://a.db").unwrap().unwrap().to_str(), Some("a.db"));
    /// assert!(SqlStore::file_of("oracle://a").is_err());
    /// ```
    pub fn file_of(url: &str) -> Result<Option<std::path::PathBuf>, ConnectError> {
        Ok(match url::Target::parse(url)? {
            url::Target::SqliteFile(path) => Some(path),
            url::Target::SqliteMemory | url::Target::Postgres | url::Target::MySql => None,
        })
    }

    /// Whether a URL names a database that lives in this process (SQLite), so that nobody else has a say in its tables.
    ///
    /// ```
    /// use hallpass_sql::SqlStore;
    /// assert!(SqlStore::is_embedded("sqlite://a.db") && !SqlStore::is_embedded("postgres://db/app"));
    /// ```
    pub fn is_embedded(url: &str) -> bool {
        matches!(Target::parse(url), Ok(Target::SqliteFile(_) | Target::SqliteMemory))
    }

    /// Connects to a Postgres server with options.
    #[cfg(feature = "postgres")]
    pub async fn postgres(options: PostgresOptions) -> Result<Self, ConnectError> {
        Ok(Self { database: Database::Postgres(Box::new(postgres::Postgres::connect(options).await?)) })
    }

    /// Connects to a MySQL or MariaDB server with options.
    #[cfg(feature = "mysql")]
    pub async fn mysql(options: MysqlOptions) -> Result<Self, ConnectError> {
        Ok(Self { database: Database::Mysql(mysql::Mysql::connect(options).await?) })
    }

    /// Opens a SQLite database with options.
    #[cfg(feature = "sqlite")]
    pub async fn sqlite(options: SqliteOptions) -> Result<Self, ConnectError> {
        Ok(Self { database: Database::Sqlite(sqlite::Sqlite::open(options).await?) })
    }
}

impl Store for SqlStore {
    fn migrate<'a>(&'a self, schema: &'a Schema, mode: Mode) -> Fut<'a, Plan> {
        match &self.database {
            #[cfg(feature = "mysql")]
            Database::Mysql(mysql) => Box::pin(mysql.migrate(schema, mode)),
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => Box::pin(postgres.migrate(schema, mode)),
            #[cfg(feature = "sqlite")]
            Database::Sqlite(sqlite) => Box::pin(sqlite.migrate(schema, mode)),
        }
    }

    fn session_with_user<'a>(&'a self, schema: &'a Schema, token: &'a SessionToken) -> Fut<'a, Option<SessionAndUser>> {
        match &self.database {
            #[cfg(feature = "mysql")]
            Database::Mysql(mysql) => Box::pin(mysql.session_with_user(schema, token)),
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => Box::pin(postgres.session_with_user(schema, token)),
            #[cfg(feature = "sqlite")]
            Database::Sqlite(sqlite) => Box::pin(sqlite.session_with_user(schema, token)),
        }
    }

    fn find<'a>(&'a self, schema: &'a Schema, query: Query) -> Fut<'a, Vec<Row>> {
        match &self.database {
            #[cfg(feature = "mysql")]
            Database::Mysql(mysql) => Box::pin(mysql.find(schema, query)),
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => Box::pin(postgres.find(schema, query)),
            #[cfg(feature = "sqlite")]
            Database::Sqlite(sqlite) => Box::pin(sqlite.find(schema, query)),
        }
    }

    fn write<'a>(&'a self, schema: &'a Schema, batch: Batch) -> Fut<'a, Vec<Outcome>> {
        match &self.database {
            #[cfg(feature = "mysql")]
            Database::Mysql(mysql) => Box::pin(mysql.write(schema, batch)),
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => Box::pin(postgres.write(schema, batch)),
            #[cfg(feature = "sqlite")]
            Database::Sqlite(sqlite) => Box::pin(sqlite.write(schema, batch)),
        }
    }

    fn changes(&self) -> Option<Arc<dyn ChangeFeed>> {
        match &self.database {
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => postgres.changes(),
            #[cfg(feature = "mysql")]
            Database::Mysql(_) => None,
            #[cfg(feature = "sqlite")]
            Database::Sqlite(_) => None,
        }
    }

    fn ping(&self) -> Fut<'_, ()> {
        match &self.database {
            #[cfg(feature = "mysql")]
            Database::Mysql(mysql) => Box::pin(mysql.ping()),
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => Box::pin(postgres.ping()),
            #[cfg(feature = "sqlite")]
            Database::Sqlite(sqlite) => Box::pin(sqlite.ping()),
        }
    }

    fn close(&self) -> Fut<'_, ()> {
        match &self.database {
            #[cfg(feature = "mysql")]
            Database::Mysql(mysql) => Box::pin(mysql.close()),
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => Box::pin(postgres.close()),
            #[cfg(feature = "sqlite")]
            Database::Sqlite(sqlite) => Box::pin(sqlite.close()),
        }
    }
}
