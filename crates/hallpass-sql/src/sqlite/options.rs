//! How a SQLite database is opened.

use std::{num::NonZero, path::PathBuf, thread, time::Duration};

/// How a SQLite database is opened.
///
/// ```
/// use std::time::Duration;
/// use hallpass_sql::{SqlStore, SqliteOptions};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("hallpass.db");
/// let options = SqliteOptions::new(path).readers(2).busy_timeout(Duration::from_secs(1));
/// let store = SqlStore::sqlite(options).await?;
/// # Ok::<(), hallpass_sql::ConnectError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SqliteOptions {
    /// `None` for a database in memory.
    pub(super) path: Option<PathBuf>,
    pub(super) readers: usize,
    pub(super) queue: usize,
    pub(super) busy_timeout: Duration,
}

impl SqliteOptions {
    /// Opens this file; makes it, for its owner only, if it does not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self { path: Some(path.into()), readers: cores.clamp(2, 8), queue: 1024, busy_timeout: Duration::from_secs(5) }
    }

    /// Opens a new database in memory, gone with the store. It has one connection and thus one thread, so it is slower
    /// under load than a file.
    pub fn in_memory() -> Self {
        Self { path: None, ..Self::new("") }
    }

    /// How many connections look up sessions on the calling thread, and as many again on reader threads. By default one
    /// for each core, between 2 and 8: more than cores cannot read at the same time, and each holds a file open.
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How many operations wait for a thread before the next is refused as unavailable; 1024 by default. A queue that
    /// grows without end would answer nobody.
    pub fn queue(mut self, queue: usize) -> Self {
        self.queue = queue.max(1);
        self
    }

    /// How long an operation waits for another process that holds the database locked; 5 seconds by default. Session
    /// look-ups on the calling thread do not wait.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }
}
