//! `[database]`

use hallpass::options::Span;
use hallpass_sql::SqlStore;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Hidden;

/// `[database]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSection {
    /// Which database: `sqlite://hallpass.db`, `postgres://user:password@host/name`, `mysql://user:password@host/name`.
    pub url: String,
    /// Whether `serve` creates what is missing; for SQLite yes.
    pub auto_migrate: Option<bool>,
    /// How many connections this server makes at most; 10 to Postgres, of which it needs 3; 16 to MySQL and MariaDB. On Postgres two more serve to hear of changes.
    pub max_connections: Option<usize>,
    /// How long a connection may take to be made; 3 seconds to Postgres, 5 to MySQL and MariaDB.
    pub connect_timeout: Option<Span>,
    /// How long a request waits for a connection when all are taken; 3 seconds for Postgres, 5 for MySQL and MariaDB.
    pub wait_timeout: Option<Span>,
    /// How long the database may take for a statement, or Postgres for one transaction, before the request is answered with 503; 5 seconds,
    /// and 3 for what only reads from Postgres.
    pub statement_timeout: Option<Span>,
    /// Whether the server keeps prepared statements for each connection. Switch it off behind pgbouncer in transaction mode.
    pub statement_cache: bool,
    /// Where to hear of changes when `url` leads through pgbouncer: the way straight to Postgres. Without it, and without a statement cache,
    /// sessions are not kept in memory.
    pub listen_url: Option<Hidden>,
}

impl Default for DatabaseSection {
    fn default() -> Self {
        Self {
            url: "sqlite://hallpass.db".into(),
            auto_migrate: None,
            max_connections: None,
            connect_timeout: None,
            wait_timeout: None,
            statement_timeout: None,
            statement_cache: true,
            listen_url: None,
        }
    }
}

impl DatabaseSection {
    pub(crate) fn listen_url(&self) -> Option<&str> {
        self.listen_url.as_ref().map(|url| &*url.0)
    }

    /// Whether `serve` creates what is missing.
    pub(crate) fn migrates_at_start(&self) -> bool {
        self.auto_migrate.unwrap_or_else(|| SqlStore::is_embedded(&self.url))
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(&*self.scheme(), "postgres" | "postgresql")
    }

    pub(crate) fn is_mysql(&self) -> bool {
        matches!(&*self.scheme(), "mysql" | "mariadb")
    }

    fn scheme(&self) -> String {
        self.url.split(':').next().unwrap_or_default().to_ascii_lowercase()
    }

    /// Whether nothing could be heard of changes although Postgres tells of them.
    pub(crate) fn is_deaf(&self) -> bool {
        self.is_postgres() && !self.statement_cache && self.listen_url.is_none()
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let spans = [
            ("connect_timeout", self.connect_timeout),
            ("wait_timeout", self.wait_timeout),
            ("statement_timeout", self.statement_timeout),
        ];
        let zero =
            spans.into_iter().filter(|(_, span)| span.is_some_and(|span| std::time::Duration::from(span).is_zero()));
        let mut problems: Vec<String> = zero
            .map(|(key, _)| format!("database.{key}: nothing is done in no time; leave it out, or say \"3s\""))
            .collect();
        if self.max_connections == Some(0) {
            problems.push(
                "database.max_connections: with none the database is out of reach; leave it out, or say 10".into(),
            );
        }
        if self.is_postgres() && matches!(self.max_connections, Some(1 | 2)) {
            problems.push("database.max_connections: a server needs at least 3 to Postgres".into());
        }
        problems
    }

    /// Keys that are set and do nothing for this database.
    pub(super) fn warnings(&self) -> Vec<String> {
        let embedded = SqlStore::is_embedded(&self.url);
        let set = [
            ("max_connections", self.max_connections.is_some() && embedded),
            ("connect_timeout", self.connect_timeout.is_some() && embedded),
            ("wait_timeout", self.wait_timeout.is_some() && embedded),
            ("statement_timeout", self.statement_timeout.is_some() && embedded),
            ("statement_cache", !self.statement_cache && embedded),
            ("listen_url", self.listen_url.is_some() && !self.is_postgres()),
        ];
        let idle = set.into_iter().filter(|(_, idle)| *idle);
        idle.map(|(key, _)| format!("database.{key} does nothing for this kind of database; leave it out")).collect()
    }
}
