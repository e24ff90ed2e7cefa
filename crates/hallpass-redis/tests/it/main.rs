//! Against a real Redis, beside a real database.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

mod faults;
mod feed;
mod interleavings;
mod sentinel;
mod sessions;
mod suite;

use std::{net::SocketAddr, process::Stdio, sync::Arc, time::Duration};

use hallpass_redis::RedisStorage;
use hallpass_sql::SqlStore;
use hallpass_store::{
    Batch, Mode, Record, Schema, Session, SessionAndUser, SessionId, SessionToken, Store, Tiered, TieredOptions,
    Timestamp, User, UserId,
};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

/// A Redis of our own; ends when it is dropped.
pub(crate) struct Redis {
    pub(crate) address: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Redis {
    pub(crate) async fn start() -> Option<Self> {
        let is_there = std::process::Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        if is_there.is_err() {
            assert!(std::env::var("CI").is_err(), "redis-server is not installed");
            eprintln!("not run: redis-server is not installed");
            return None;
        }
        let folder = TempDir::new().unwrap();
        // Between our letting go of a free port and Redis' taking it, somebody else may have it.
        for _ in 0..5 {
            let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
            if let Some(child) = Self::spawn(address, &folder).await {
                return Some(Self { address, child, folder });
            }
        }
        panic!("Redis did not start");
    }

    async fn spawn(address: SocketAddr, folder: &TempDir) -> Option<Child> {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--appendonly", "yes", "--port", &address.port().to_string(), "--dir"]);
        let mut child = command.arg(folder.path()).stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        for _ in 0..400 {
            tokio::time::sleep(Duration::from_millis(25)).await;
            if child.try_wait().unwrap().is_some() {
                return None;
            }
            if TcpStream::connect(address).await.is_ok() {
                return Some(child);
            }
        }
        None
    }

    /// `kill -9`
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    pub(crate) async fn start_again(&mut self) {
        self.child = Self::spawn(self.address, &self.folder).await.expect("Redis starts again");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub(crate) async fn command(&self, arguments: &[&str]) -> String {
        let output = Command::new("redis-cli").args(["-u", &self.url()]).args(arguments).output().await.unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    pub(crate) async fn pttl(&self, name: &str) -> i64 {
        self.command(&["PTTL", &key(name)]).await.parse().unwrap()
    }
}

pub(crate) fn key(name: &str) -> String {
    format!("better-auth:{name}")
}

/// SQLite and Redis as one store.
pub(crate) struct Stage {
    pub(crate) redis: Redis,
    pub(crate) storage: RedisStorage,
    pub(crate) records: Arc<SqlStore>,
    pub(crate) store: Arc<Tiered>,
    pub(crate) schema: Schema,
    _folder: TempDir,
}

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_423_213_336);
pub(crate) const HOUR: i64 = 3_600_000;

pub(crate) fn later(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + millis)
}

impl Stage {
    pub(crate) async fn new(options: TieredOptions) -> Option<Self> {
        let redis = Redis::start().await?;
        let folder = TempDir::new().unwrap();
        let records = SqlStore::connect(&format!("sqlite://{}", folder.path().join("a.db").display())).await.unwrap();
        let (records, storage) = (Arc::new(records), RedisStorage::connect(&redis.url()).unwrap());
        let store = Arc::new(Self::tiered(&records, &storage, options));
        let schema = Schema::core();
        store.migrate(&schema, Mode::Apply).await.unwrap();
        let batch = Batch::new().insert("user", user("u1").into_row()).insert("user", user("u2").into_row());
        store.write(&schema, batch).await.unwrap();
        Some(Self { redis, storage, records, store, schema, _folder: folder })
    }

    pub(crate) fn tiered(records: &Arc<SqlStore>, storage: &RedisStorage, options: TieredOptions) -> Tiered {
        Tiered::new(Arc::clone(records) as _, Arc::new(storage.clone()), options, || NOW, || "made".into())
    }

    pub(crate) async fn write(&self, batch: Batch) -> u64 {
        self.store.write(&self.schema, batch).await.unwrap().iter().map(|outcome| outcome.affected).sum()
    }

    pub(crate) async fn begin(&self, letter: char, user: &str) {
        self.write(Batch::new().insert("session", session(letter, user).into_row())).await;
    }

    pub(crate) async fn find(&self, letter: char) -> Option<(Session, User)> {
        self.store.session_with_user(&self.schema, &token(letter)).await.unwrap().map(SessionAndUser::into_parts)
    }
}

pub(crate) fn user(id: &str) -> User {
    User::new(UserId::new(id), "Ann", format!("{id}@example.com"), NOW)
}

pub(crate) fn token(letter: char) -> SessionToken {
    SessionToken::new(letter.to_string().repeat(32))
}

pub(crate) fn session(letter: char, user: &str) -> Session {
    Session::new(SessionId::new(format!("id-{letter}")), token(letter), UserId::new(user), NOW, later(HOUR))
}
