//! Sentinel puts another Redis in the place of one that is gone.

use std::{
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use hallpass_redis::RedisStorage;
use hallpass_store::{Batch, Filter, Record, SecondaryStorage, Store, TieredOptions};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

use crate::{
    Redis, Stage,
    feed::{Notes, Told},
    session, token,
};

/// A Sentinel that watches one Redis under the name `main`; ends when it is dropped.
struct Sentinel {
    url: String,
    _child: Child,
    _folder: TempDir,
}

impl Sentinel {
    async fn watch(master: &Redis) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("sentinel.conf");
        let configuration = format!(
            "bind 127.0.0.1\nport {}\ndir {}\nsentinel monitor main 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000\n",
            address.port(),
            folder.path().display(),
            master.address.port(),
        );
        std::fs::write(&file, configuration).unwrap();
        let mut command = Command::new("redis-server");
        let child = command.arg(&file).arg("--sentinel").stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        until("Sentinel does not start", async || TcpStream::connect(address).await.is_ok()).await;
        Self { url: format!("redis+sentinel://{address}/main"), _child: child, _folder: folder }
    }
}

async fn until(late: &str, is_so: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_mins(1), "{late}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A second Redis that has all that the first has.
async fn replica_of(master: &Redis) -> Redis {
    let replica = Redis::start().await.unwrap();
    replica.command(&["REPLICAOF", "127.0.0.1", &master.address.port().to_string()]).await;
    until("nothing is replicated", async || {
        replica.command(&["INFO", "replication"]).await.contains("master_link_status:up")
    })
    .await;
    replica
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_that_sentinel_puts_in_place_goes_on_where_the_other_ended() {
    let Some(mut stage) = Stage::new(TieredOptions::default()).await else { return };
    let replica = replica_of(&stage.redis).await;
    let sentinel = Sentinel::watch(&stage.redis).await;
    let knows_of_replica = async || {
        let known = Command::new("redis-cli")
            .args(["-u", &sentinel.url.replace("+sentinel", "").replace("/main", ""), "SENTINEL", "REPLICAS", "main"])
            .output()
            .await
            .unwrap();
        String::from_utf8(known.stdout).unwrap().contains(&replica.address.port().to_string())
    };
    until("Sentinel finds no replica", knows_of_replica).await;

    let storage = RedisStorage::connect(&sentinel.url).unwrap();
    stage.store = Arc::new(Stage::tiered(&stage.records, &storage, TieredOptions::default()));
    stage.begin('a', "u1").await;
    stage.begin('b', "u1").await;
    let notes = Arc::new(Notes::default());
    stage.store.changes().unwrap().start(Duration::from_millis(200), Arc::clone(&notes) as _);
    notes.until_proven().await;
    let copied = async || !replica.command(&["GET", &crate::key(&"b".repeat(32))]).await.is_empty();
    until("nothing is replicated", copied).await;

    stage.redis.kill().await;
    until("nobody takes writes again", async || storage.ping().await.is_ok()).await;
    until("nobody takes writes again", async || {
        let end = Batch::new().delete("session", Filter::eq("token", &token('b')));
        stage.store.write(&stage.schema, end).await.is_ok()
    })
    .await;
    assert!(stage.find('a').await.is_some());
    assert!(stage.find('b').await.is_none());
    stage.begin('c', "u2").await;
    assert!(stage.find('c').await.is_some());
    let told = notes.until_proven().await;
    assert!(told.contains(&Told::Lost) && told.contains(&Told::Everything), "{told:?}");

    // The one of before comes back as a replica. Nobody takes it for the master.
    stage.redis.start_again().await;
    until("Sentinel leaves two masters", async || {
        stage.redis.command(&["INFO", "replication"]).await.contains("role:slave")
    })
    .await;
    let end = Batch::new().delete("session", Filter::eq("token", &token('c')));
    stage.store.write(&stage.schema, end.insert("session", session('d', "u2").into_row())).await.unwrap();
    assert!(stage.find('c').await.is_none() && stage.find('d').await.is_some());
    assert!(replica.command(&["GET", &crate::key(&"c".repeat(32))]).await.is_empty());
}
