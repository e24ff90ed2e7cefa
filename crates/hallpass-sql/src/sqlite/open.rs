//! Opening a database file, and saying what is wrong when that fails.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{self, Path},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use super::{failure::is_locked, options::SqliteOptions};
use crate::ConnectError;

/// The connections of one database.
pub(super) struct Opened {
    pub(super) writer: Connection,
    pub(super) readers: Vec<Connection>,
    /// For the look-ups on the calling thread.
    pub(super) inline: Vec<Connection>,
}

/// How much of the file may be mapped; only address space until it is read. Mapped pages are read without a system call and
/// without a copy.
const MAPPED: i64 = 1 << 30;

/// How long to wait before trying again to open a file that others hold locked.
const PAUSE: Duration = Duration::from_millis(10);

/// How many prepared statements a connection keeps. The engine has a few dozen shapes of query.
const STATEMENTS: usize = 64;

pub(super) fn open(options: &SqliteOptions) -> Result<Opened, ConnectError> {
    let Some(path) = &options.path else {
        let connect = || configure(Connection::open_in_memory()?, options.busy_timeout);
        let writer = connect().map_err(|cause| explain(Path::new(":memory:"), cause))?;
        return Ok(Opened { writer, readers: Vec::new(), inline: Vec::new() });
    };
    // SQLite would take a path that begins with `file:` for a URL of its own.
    let path = &path::absolute(path).map_err(|cause| permission(path, cause))?;
    make_file(path)?;
    let connections = || -> rusqlite::Result<Opened> {
        let writer = connect(path, options.busy_timeout)?;
        // Fails on what is no database, and on a file that cannot be written.
        let mode: String = writer.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            tracing::warn!(mode, "the database file cannot be in WAL mode; writes will hold up reads");
        }
        let reader = |timeout| {
            let connection = connect(path, timeout)?;
            connection.pragma_update(None, "query_only", true)?;
            Ok(connection)
        };
        let many = |timeout| (0..options.readers).map(|_| reader(timeout)).collect::<rusqlite::Result<Vec<_>>>();
        Ok(Opened { writer, readers: many(options.busy_timeout)?, inline: many(Duration::ZERO)? })
    };
    let opened = patiently(options.busy_timeout, connections).map_err(|cause| explain(path, cause))?;
    if opened.writer.is_readonly("main").map_err(|cause| explain(path, cause))? {
        return Err(permission(path, io::Error::from(io::ErrorKind::ReadOnlyFilesystem)));
    }
    Ok(opened)
}

/// SQLite itself does not wait for some of the locks that opening needs, such as those for turning a new file to WAL mode while
/// another process does the same, or of the last process that leaves it.
fn patiently<T>(timeout: Duration, attempt: impl Fn() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let since = Instant::now();
    loop {
        match attempt() {
            Err(error) if is_locked(&error) && since.elapsed() < timeout => thread::sleep(PAUSE),
            answer => return answer,
        }
    }
}

/// Makes the file if it is not there: for its owner only, since it holds sessions and password hashes. The files SQLite puts beside
/// it get the same permissions.
fn make_file(path: &Path) -> Result<(), ConnectError> {
    if path.is_dir() {
        return Err(ConnectError::NotAFile { path: path.into() });
    }
    if path.parent().is_some_and(|folder| matches!(fs::exists(folder), Ok(false))) {
        return Err(ConnectError::Folder { path: path.into() });
    }
    let mut file = OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    match file.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(permission(path, error)),
    }
}

fn connect(path: &Path, timeout: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    configure(Connection::open_with_flags(path, flags)?, timeout)
}

fn configure(connection: Connection, timeout: Duration) -> rusqlite::Result<Connection> {
    connection.busy_timeout(timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.query_row(&format!("PRAGMA mmap_size={MAPPED}"), [], |_| Ok(())).or_else(no_rows)?;
    // With statistics in the file a statement would be planned anew at each binding, at twice the cost.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// A database in memory cannot be mapped, and answers that pragma with nothing.
fn no_rows(error: rusqlite::Error) -> rusqlite::Result<()> {
    if error == rusqlite::Error::QueryReturnedNoRows { Ok(()) } else { Err(error) }
}

fn permission(path: &Path, cause: io::Error) -> ConnectError {
    ConnectError::Permission { path: path.into(), cause: cause.into() }
}

fn explain(path: &Path, cause: rusqlite::Error) -> ConnectError {
    let path = path.to_owned();
    match cause.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => ConnectError::NotADatabase { path },
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            ConnectError::Permission { path, cause: cause.into() }
        }
        _ => ConnectError::Open { path, cause: cause.into() },
    }
}
