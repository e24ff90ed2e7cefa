//! Why a database could not be connected to.

use std::{error::Error, io, path::PathBuf};

/// Why a database could not be connected to. Each says what to do about it; none holds the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL names a kind of database that is not supported.
    #[error(
        "databases of the scheme `{scheme}` are not supported; use `sqlite://<path>`, for example `sqlite://hallpass.db`"
    )]
    Scheme {
        /// What stands before the first colon.
        scheme: String,
    },
    /// The URL is none, or names no file.
    #[error("the database URL {problem}; write `sqlite://<path>`, for example `sqlite://hallpass.db`")]
    Url {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The folder of the database file does not exist.
    #[error("the folder of the database file `{}` does not exist; make it first, or name another path", path.display())]
    Folder {
        /// The database file.
        path: PathBuf,
    },
    /// The path names a folder.
    #[error("`{}` is a folder; name a file in it, for example `{}`", path.display(), path.join("hallpass.db").display())]
    NotAFile {
        /// The folder.
        path: PathBuf,
    },
    /// The file may not be read and written.
    #[error("the database file `{}` cannot be read and written by this user; change the owner or permissions of the file and its folder", path.display())]
    Permission {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The file is something else than a database.
    #[error("`{}` is not a SQLite database; name another file, or move this one away", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The database could not be opened for another reason.
    #[error("the database `{}` cannot be opened", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// What the driver said.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The system gave no thread.
    #[error("no thread could be started for the database")]
    Thread(#[source] io::Error),
}
