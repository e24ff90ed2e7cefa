//! What the three servers have in common, and where each says how it differs.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use rustix::process::Signal;

use crate::{Settings, account::Account, mariadb, postgres, programs, redis, watched::WatchedFolder};

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Postgres,
    MariaDb,
    Redis,
}

/// Where a server keeps its data and where it listens.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Holds `data`, `log` and the socket.
    pub(crate) folder: PathBuf,
    pub(crate) address: SocketAddr,
}

impl Place {
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Service {
    /// The programs that it takes.
    pub(crate) fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["postgres", "initdb", "psql", "pg_isready"],
            Self::MariaDb => &["mariadbd", "mariadb-install-db", "mariadb"],
            Self::Redis => &["redis-server", "redis-cli"],
        }
    }

    /// The variable that names a server to use instead of a private one.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "HALLPASS_TEST_POSTGRES",
            Self::MariaDb => "HALLPASS_TEST_MYSQL",
            Self::Redis => "HALLPASS_TEST_REDIS",
        }
    }

    pub(crate) fn account(self) -> Account {
        Account::among(match self {
            Self::Postgres => &["postgres", "nobody"],
            Self::MariaDb => &["mysql", "nobody"],
            Self::Redis => &["redis", "nobody"],
        })
    }

    /// A command that runs one of its programs as its user.
    pub(crate) fn command(self, program: &str) -> Result<Command, String> {
        let found = programs::find(program).ok_or_else(|| format!("`{program}` is not installed"))?;
        Ok(self.account().command(&found))
    }

    /// Makes the data of an empty server in this folder, which is there already.
    fn initialise(self, data: &Path) -> Result<(), String> {
        match self {
            Self::Postgres => postgres::initialise(data),
            Self::MariaDb => mariadb::initialise(data),
            Self::Redis => Ok(()),
        }
    }

    /// The server itself, in the foreground.
    pub(crate) fn server(self, place: &Place, settings: &Settings) -> Result<Command, String> {
        match self {
            Self::Postgres => postgres::server(place, settings),
            Self::MariaDb => mariadb::server(place, settings),
            Self::Redis => redis::server(place, settings),
        }
    }

    /// Whether it takes requests.
    pub(crate) fn is_ready(self, address: SocketAddr) -> bool {
        match self {
            Self::Postgres => postgres::is_ready(address),
            Self::MariaDb => mariadb::is_ready(address),
            Self::Redis => redis::is_ready(address),
        }
    }

    /// What makes it end properly without waiting for its clients to leave.
    pub(crate) fn polite(self) -> Signal {
        match self {
            Self::Postgres => Signal::INT,
            Self::MariaDb | Self::Redis => Signal::TERM,
        }
    }

    /// The URL of a private one.
    pub(crate) fn url(self, address: SocketAddr) -> String {
        match self {
            Self::Postgres => format!("postgres://hallpass@{address}/postgres"),
            Self::MariaDb => format!("mysql://root@{address}/"),
            Self::Redis => format!("redis://{address}"),
        }
    }

    /// Runs a statement, as whoever the URL names, and gives its rows as text.
    pub(crate) fn statement(self, url: &str, statement: &str) -> Result<String, String> {
        match self {
            Self::Postgres => postgres::statement(url, statement),
            Self::MariaDb => mariadb::statement(url, statement),
            Self::Redis => redis::statement(url, statement),
        }
    }

    /// Makes an empty database of this number.
    pub(crate) fn database(self, url: &str, number: usize) -> Result<String, String> {
        if self == Self::Redis {
            return redis::database(url, number);
        }
        let name = format!("hallpass_test_{}_{number}", std::process::id());
        self.statement(url, &format!("DROP DATABASE IF EXISTS {name}"))?;
        self.statement(url, &format!("CREATE DATABASE {name}"))?;
        let mut made = url::Url::parse(url).map_err(|error| error.to_string())?;
        made.set_path(&name);
        Ok(made.into())
    }

    /// The data of an empty server, to be copied. Made once in a process, since that takes a second or more.
    pub(crate) fn template(self) -> Result<PathBuf, String> {
        static POSTGRES: Template = OnceLock::new();
        static MARIADB: Template = OnceLock::new();
        static REDIS: Template = OnceLock::new();
        let template = match self {
            Self::Postgres => &POSTGRES,
            Self::MariaDb => &MARIADB,
            Self::Redis => &REDIS,
        };
        let made = template.get_or_init(|| {
            let account = self.account();
            let folder = WatchedFolder::new(account, None).map_err(|error| error.to_string())?;
            let data = folder.path().join("data");
            std::fs::create_dir(&data).and_then(|()| account.own(&data)).map_err(|error| error.to_string())?;
            self.initialise(&data)?;
            Ok(folder)
        });
        made.as_ref().map(|folder| folder.path().join("data")).map_err(Clone::clone)
    }
}

type Template = OnceLock<Result<WatchedFolder, String>>;
