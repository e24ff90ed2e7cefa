//! What can happen to a store.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::site::{Kind, Site};

/// One of the things that happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Fault {
    /// `kill -9`.
    Killed,
    /// Stopped properly, and started.
    Restarted,
    /// Halted, with its connections open.
    Paused,
    /// Packets are dropped, in both directions.
    Cut,
    /// Connections are closed, and no new ones taken.
    Refused,
    /// Everything that is said is held back for a while.
    Slow,
    /// All its connections are taken by others.
    Crowded,
    /// Nothing may be written.
    ReadOnly,
    /// Nothing more fits on its disk, or into its memory.
    FullDisk,
    /// Somebody else holds the lock.
    Locked,
}

impl Fault {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Restarted => "restarted",
            Self::Paused => "paused",
            Self::Cut => "cut off",
            Self::Refused => "refusing",
            Self::Slow => "slow",
            Self::Crowded => "out of connections",
            Self::ReadOnly => "read-only",
            Self::FullDisk => "full",
            Self::Locked => "locked",
        }
    }

    /// Whether nothing at all can be asked of the store.
    pub(crate) fn is_total(self) -> bool {
        matches!(self, Self::Killed | Self::Restarted | Self::Paused | Self::Cut | Self::Refused | Self::Crowded)
    }

    /// Whether hallpass learns of it only by waiting.
    pub(crate) fn is_silent(self) -> bool {
        matches!(self, Self::Paused | Self::Cut | Self::Locked)
    }
}

/// What a slow store adds, each way.
const SLOWNESS: Duration = Duration::from_millis(150);

impl Site {
    /// Lets it happen.
    pub(crate) async fn inject(&mut self, fault: Fault) {
        if let Some(relay) = &self.relay {
            match fault {
                Fault::Cut => relay.cut(),
                Fault::Slow => relay.slow(SLOWNESS),
                Fault::Refused | Fault::Crowded => {
                    relay.refuse();
                    relay.close();
                }
                _ => {}
            }
        }
        match fault {
            Fault::Killed => {
                if let Some(server) = &mut self.server {
                    server.kill();
                }
            }
            Fault::Restarted => {
                if let Some(server) = &mut self.server {
                    server.stop().await;
                }
            }
            Fault::Paused => {
                if let Some(server) = &self.server {
                    server.pause();
                }
            }
            Fault::Crowded => {
                self.crowd_in().await;
                if let Some(relay) = &self.relay {
                    relay.mend();
                }
            }
            Fault::ReadOnly => self.allow_writes(false).await,
            Fault::FullDisk => self.fill(true).await,
            Fault::Locked => self.lock = self.take_lock(),
            Fault::Cut | Fault::Slow | Fault::Refused => {}
        }
    }

    /// Undoes it; afterwards the store takes requests again.
    pub(crate) async fn undo(&mut self, fault: Fault) -> Result<(), String> {
        match fault {
            Fault::Killed | Fault::Restarted => {
                if let Some(server) = &mut self.server {
                    server.start().await;
                }
            }
            Fault::Paused => {
                if let Some(server) = &self.server {
                    server.resume();
                }
            }
            Fault::Cut | Fault::Slow | Fault::Refused => {
                if let Some(relay) = &self.relay {
                    relay.mend();
                }
            }
            Fault::Crowded => self.crowd.clear(),
            Fault::ReadOnly => self.allow_writes(true).await,
            Fault::FullDisk => {
                self.fill(false).await;
                if let Some(server) = &mut self.server {
                    server.recover().await;
                }
            }
            Fault::Locked => self.lock = None,
        }
        Ok(())
    }

    /// Takes every connection there is.
    async fn crowd_in(&mut self) {
        let Some(server) = &self.server else { return };
        let late = Instant::now() + Duration::from_secs(20);
        let mut refusals = 0;
        // For a while, because connections that were closed a moment ago may still count, until the server is done with what they asked for.
        while refusals < 50 && Instant::now() < late {
            if let Some(stream) = crowding(self.kind, server.address()).await {
                self.crowd.push(stream);
                refusals = 0;
            } else {
                refusals += 1;
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    async fn allow_writes(&self, allowed: bool) {
        match self.kind {
            Kind::Postgres => {
                // Whoever undoes it is itself not allowed to write, but this is no write.
                let value = if allowed { "off" } else { "on" };
                self.run(&format!("ALTER SYSTEM SET default_transaction_read_only = {value}")).await;
                self.run("SELECT pg_reload_conf()").await;
            }
            Kind::Mariadb => drop(self.run(&format!("SET GLOBAL read_only = {}", u8::from(!allowed))).await),
            Kind::Redis => {
                drop(self.run(&format!("CONFIG SET min-replicas-to-write {}", u8::from(!allowed))).await);
            }
            Kind::Sqlite => {}
        }
    }

    async fn fill(&self, full: bool) {
        if self.kind == Kind::Redis {
            let memory = u8::from(full);
            drop(self.run(&format!("CONFIG SET maxmemory {memory}")).await);
            return;
        }
        if let Some(disk) = &self.disk {
            if full { disk.fill() } else { disk.make_room() }
        }
    }

    fn take_lock(&self) -> Option<rusqlite::Connection> {
        let lock = rusqlite::Connection::open(self.sqlite_file()).ok()?;
        lock.busy_timeout(Duration::from_secs(10)).ok()?;
        lock.execute_batch("BEGIN IMMEDIATE").ok()?;
        Some(lock)
    }
}

/// A connection that counts, or `None` if the server has no room for it.
async fn crowding(kind: Kind, address: SocketAddr) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let hello: &[u8] = match kind {
        // The length, the version of the protocol, and who we are.
        Kind::Postgres => b"\0\0\0\x29\0\x03\0\0user\0hallpass\0database\0postgres\0\0",
        Kind::Redis => b"PING\r\n",
        Kind::Mariadb | Kind::Sqlite => b"",
    };
    stream.write_all(hello).await.ok()?;
    let mut answer = [0; 16];
    let read = timeout(Duration::from_secs(2), stream.read(&mut answer)).await.ok()?.ok()?;
    let is_in = match kind {
        Kind::Postgres => answer.first() == Some(&b'R'),
        Kind::Redis => answer.starts_with(b"+PONG"),
        // It greets whom it lets in with the version of its protocol.
        Kind::Mariadb | Kind::Sqlite => read > 4 && answer.get(4) == Some(&10),
    };
    is_in.then_some(stream)
}
