//! Why a database could not be connected to.

use std::{error::Error, io, path::PathBuf};

/// Why a database could not be connected to. Each says what to do about it; none holds the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL names a kind of database that is not supported.
    #[error(
        "databases of the scheme `{scheme}` are not supported; use `sqlite://<path>`, for example `sqlite://hallpass.db`, \
         `postgres://<user>@<host>/<database>` or `mysql://<user>@<host>/<database>`"
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
    /// This program was built without what the database needs.
    #[error("this build has no support for {database}; build hallpass-sql with the feature `{feature}`")]
    NotBuiltIn {
        /// The kind of database.
        database: &'static str,
        /// The cargo feature that brings it.
        feature: &'static str,
    },
    /// The URL of a server is written wrongly.
    #[error("the database URL cannot be read: {problem}; write `{example}`")]
    ServerUrl {
        /// What is wrong with it, without the URL.
        problem: String,
        /// How one looks.
        example: &'static str,
    },
    /// The server does not answer.
    #[error("the {database} server at `{server}` cannot be reached; is it running, and are host and port right?")]
    Unreachable {
        /// The kind of database.
        database: &'static str,
        /// Host and port, or the socket.
        server: String,
        /// What the driver said.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The server lets this user not in.
    #[error(
        "the {database} server at `{server}` refuses the user `{user}`; check name, password and what the server allows"
    )]
    Refused {
        /// The kind of database.
        database: &'static str,
        /// Host and port, or the socket.
        server: String,
        /// The user of the URL.
        user: String,
        /// What the server said.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The server has no such database.
    #[error("there is no database `{name}` at `{server}`; make it with `{command}`, or name another one")]
    NoDatabase {
        /// The database.
        name: String,
        /// Host and port, or the socket.
        server: String,
        /// What makes one.
        command: String,
    },
    /// The connection could not be encrypted as the URL demands.
    #[error("no encrypted connection to the {database} server at `{server}`: {problem}")]
    Tls {
        /// The kind of database.
        database: &'static str,
        /// Host and port, or the socket.
        server: String,
        /// What is wrong.
        problem: String,
        /// What the driver said.
        #[source]
        cause: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The server answered, but cannot be used.
    #[error("the {database} server at `{server}` cannot be used: {problem}")]
    Server {
        /// The kind of database.
        database: &'static str,
        /// Host and port, or the socket.
        server: String,
        /// What is wrong.
        problem: String,
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
