//! A store, the way to it, and what can be done to both.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use hallpass_test_services::{Exclusive, MariaDb, Postgres, Redis, Relay, Settings};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::sleep};

use crate::{checks, disk::SmallDisk, fault::Fault};

/// The stores that sessions can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    Postgres,
    Mariadb,
    /// Sessions and single-use tokens in Redis, everything else in SQLite.
    Redis,
    Sqlite,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
            Self::Redis => "redis",
            Self::Sqlite => "sqlite",
        }
    }

    /// The longest that an answer may take which hashes nothing. A store that stops answering in the middle costs the wait for a connection,
    /// for it to be made, and for the answer, and once more where the connection was an old one.
    pub(crate) fn limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Postgres | Self::Mariadb => 20,
            Self::Redis | Self::Sqlite => 15,
        })
    }
}

/// A store of one's own.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) kind: Kind,
    /// Where hallpass runs.
    pub(crate) folder: TempDir,
    pub(crate) server: Option<Exclusive>,
    pub(crate) relay: Option<Relay>,
    /// As somebody who may do everything, and past the relay.
    pub(crate) admin_url: String,
    pub(crate) disk: Option<SmallDisk>,
    /// Connections that leave no room for others.
    pub(crate) crowd: Vec<TcpStream>,
    /// Whoever holds SQLite's lock.
    pub(crate) lock: Option<rusqlite::Connection>,
}

/// How many connections a server takes. hallpass needs ten and two more to hear of changes.
const CONNECTIONS: u32 = 30;
/// What is set so that a server fits a small disk, and what there is of it in megabytes.
const POSTGRES_DISK: u32 = 160;
const MARIADB_DISK: u32 = 224;
const SQLITE_DISK: u32 = 16;

impl Site {
    /// Starts a store. `None` if what it takes is not installed.
    pub(crate) async fn begin(kind: Kind, log: &str) -> Result<Option<Self>, String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let disk = SmallDisk::mount(match kind {
            Kind::Postgres => POSTGRES_DISK,
            Kind::Mariadb => MARIADB_DISK,
            Kind::Redis | Kind::Sqlite => SQLITE_DISK,
        });
        let settings = Settings {
            max_connections: CONNECTIONS,
            folder: disk.as_ref().filter(|_| kind != Kind::Redis).map(|disk| disk.path().to_owned()),
            ..Settings::default()
        };
        let server = match kind {
            Kind::Postgres => {
                let settings = settings.with("max_wal_size", "48MB").with("min_wal_size", "32MB");
                Postgres::exclusive(settings).await
            }
            Kind::Mariadb => MariaDb::exclusive(settings).await,
            Kind::Redis => Redis::exclusive(settings).await,
            Kind::Sqlite => None,
        };
        if server.is_none() && kind != Kind::Sqlite {
            return Ok(None);
        }
        let relay = match &server {
            Some(server) => Some(Relay::start(server.address()).await),
            None => None,
        };
        let mut site =
            Self { kind, folder, admin_url: String::new(), server, relay, disk, crowd: Vec::new(), lock: None };
        let url = site.prepare().await;
        site.configure(&url, log)?;
        Ok(Some(site))
    }

    /// Makes an empty database; its URL for hallpass, which may not do everything there.
    async fn prepare(&mut self) -> String {
        let (Some(server), Some(relay)) = (&self.server, &self.relay) else {
            return format!("sqlite://{}", self.sqlite_file().display());
        };
        self.admin_url = server.database().await;
        let name = self.admin_url.rsplit('/').next().unwrap_or_default();
        let run = async |statement: &str| server.statement(&self.admin_url, statement).await;
        match self.kind {
            Kind::Postgres => {
                run("CREATE ROLE app LOGIN").await;
                run(&format!("ALTER DATABASE {name} OWNER TO app")).await;
                run("ALTER SCHEMA public OWNER TO app").await;
                relay.through(&self.admin_url).replacen("hallpass@", "app@", 1)
            }
            Kind::Mariadb => {
                run("CREATE USER app@'%' IDENTIFIED BY ''").await;
                run(&format!("GRANT ALL ON {name}.* TO app@'%'")).await;
                relay.through(&self.admin_url).replacen("root@", "app@", 1)
            }
            Kind::Redis | Kind::Sqlite => relay.through(&self.admin_url),
        }
    }

    fn configure(&self, url: &str, log: &str) -> Result<(), String> {
        let sqlite = format!("sqlite://{}", self.folder.path().join("hallpass.db").display());
        let (database, secondary) = match self.kind {
            Kind::Redis => (sqlite.as_str(), format!("[secondary_storage]\nurl = \"{url}\"\n")),
            _ => (url, String::new()),
        };
        // Sessions are extended every few seconds, so that reading writes as well.
        let text = format!(
            "environment = \"development\"\nsecret = \"a secret of this run, thirty-two letters at least\"\n\
             [log]\nfilter = \"{log}\"\n[database]\nurl = \"{database}\"\nauto_migrate = true\n{secondary}\
             [rate_limit]\nenabled = false\n[email_and_password]\nrevoke_sessions_on_password_reset = true\n\
             [session]\nupdate_age = 3\n[user.delete_user]\nenabled = true\n[plugins.bearer]\nverify_endpoint = true\n\
             [mail]\ntransport = \"file\"\npath = \"{}\"\n",
            self.outbox().display()
        );
        std::fs::write(self.folder.path().join("hallpass.toml"), text).map_err(|error| error.to_string())
    }

    /// The file of the SQLite that hallpass has, if it has one.
    pub(crate) fn sqlite_file(&self) -> std::path::PathBuf {
        let folder = match (&self.disk, self.kind) {
            (Some(disk), Kind::Sqlite) => disk.path(),
            _ => self.folder.path(),
        };
        folder.join("hallpass.db")
    }

    pub(crate) fn outbox(&self) -> std::path::PathBuf {
        self.folder.path().join("outbox.jsonl")
    }

    /// What can be done to this store, the most important first.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        use Fault::{Crowded, Cut, FullDisk, Killed, Locked, Paused, ReadOnly, Refused, Restarted, Slow};
        let has_disk = self.disk.is_some();
        let all: &[Fault] = match self.kind {
            Kind::Postgres | Kind::Mariadb => {
                &[Killed, Cut, ReadOnly, Paused, Crowded, Refused, Slow, Restarted, FullDisk]
            }
            // Redis keeps no file that it has to extend to answer; when it may not take more memory it is full.
            Kind::Redis => &[Killed, Cut, ReadOnly, Paused, Crowded, Refused, Slow, Restarted, FullDisk],
            Kind::Sqlite => &[FullDisk, Locked],
        };
        all.iter().copied().filter(|fault| has_disk || *fault != FullDisk || self.kind == Kind::Redis).collect()
    }

    /// Runs a statement as somebody who may do everything.
    pub(crate) async fn run(&self, statement: &str) -> String {
        match &self.server {
            Some(server) => server.statement(&self.admin_url, statement).await,
            None => String::new(),
        }
    }

    /// Waits until nothing runs at the store any more that a hallpass has begun which is no more.
    pub(crate) async fn drain(&self) -> Result<(), String> {
        let late = Instant::now() + Duration::from_secs(30);
        loop {
            let left = match self.kind {
                Kind::Postgres => self.run("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'").await,
                Kind::Mariadb => {
                    self.run("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'app'").await
                }
                // What it was sent it has done, and what asks is the only client.
                Kind::Redis => {
                    let clients = self.run("CLIENT LIST").await;
                    (clients.lines().filter(|line| !line.is_empty()).count() - 1).to_string()
                }
                Kind::Sqlite => "0".to_owned(),
            };
            if left.trim() == "0" {
                return Ok(());
            }
            if Instant::now() > late {
                return Err(format!("the store still has {left} connections of a server that was killed"));
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// What is half-written.
    pub(crate) async fn halves(&self) -> Result<Vec<String>, String> {
        checks::halves(self).await
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}
