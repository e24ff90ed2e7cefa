//! The servers start, take databases, die, come back with their data, and never outlive the test process.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::{
    net::TcpStream,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use hallpass_test_services::{Exclusive, MariaDb, Postgres, Redis, Settings};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::test]
async fn databases_are_fresh_and_apart() {
    if let Some(postgres) = Postgres::start().await {
        let (one, other) = tokio::join!(postgres.database(), postgres.database());
        postgres.statement(&one, "CREATE TABLE mark (word text)").await;
        assert_eq!(postgres.statement(&one, "SELECT count(*) FROM mark").await, "0");
        assert_eq!(postgres.statement(&other, "SELECT count(*) FROM pg_tables WHERE tablename = 'mark'").await, "0");
    }
    if let Some(mariadb) = MariaDb::start().await {
        let (one, other) = tokio::join!(mariadb.database(), mariadb.database());
        mariadb.statement(&one, "CREATE TABLE mark (word text)").await;
        assert_eq!(mariadb.statement(&one, "SHOW TABLES").await, "mark");
        assert_eq!(mariadb.statement(&other, "SHOW TABLES").await, "");
    }
    if let Some(redis) = Redis::start().await {
        let (one, other) = tokio::join!(redis.database(), redis.database());
        redis.statement(&one, "SET mark word").await;
        assert_eq!(redis.statement(&one, "GET mark").await, "word");
        assert_eq!(redis.statement(&other, "DBSIZE").await, "0");
    }
}

/// The runtime that starts a shared server ends with its test; the next test finds the server running.
#[test]
fn a_shared_server_outlives_the_test_that_started_it() {
    let ask = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let redis = Redis::start().await?;
            let database = redis.database().await;
            Some(redis.statement(&database, "PING").await)
        })
    };
    let answers = std::thread::spawn(ask).join().unwrap().into_iter().chain(std::thread::spawn(ask).join().unwrap());
    assert!(answers.eq(["PONG", "PONG"].into_iter().filter(|_| ask().is_some())));
}

#[tokio::test]
async fn postgres_dies_and_comes_back() {
    let Some(mut postgres) = Postgres::exclusive(Settings { max_connections: 20, ..Settings::default() }).await else {
        return;
    };
    let url = postgres.database().await;
    assert_eq!(postgres.statement(&url, "SHOW max_connections").await, "20");
    postgres.statement(&url, "CREATE TABLE mark (word text)").await;
    comes_back(&mut postgres, &url, "INSERT INTO mark VALUES ('a')", "SELECT count(*) FROM mark").await;
}

#[tokio::test]
async fn mariadb_dies_and_comes_back() {
    let settings = Settings { durable: true, ..Settings::default() }.with("wait-timeout", "77");
    let Some(mut mariadb) = MariaDb::exclusive(settings).await else { return };
    let url = mariadb.database().await;
    assert_eq!(mariadb.statement(&url, "SELECT @@global.wait_timeout").await, "77");
    mariadb.statement(&url, "CREATE TABLE mark (word text)").await;
    comes_back(&mut mariadb, &url, "INSERT INTO mark VALUES ('a')", "SELECT count(*) FROM mark").await;
}

#[tokio::test]
async fn redis_dies_and_comes_back() {
    let Some(mut redis) = Redis::exclusive(Settings::default()).await else { return };
    let url = redis.database().await;
    comes_back(&mut redis, &url, "INCR mark", "GET mark").await;
}

/// Kills, stops and pauses a server that is written to; what was written stays.
async fn comes_back(server: &mut Exclusive, url: &str, write: &str, count: &str) {
    server.statement(url, write).await;
    let open = TcpStream::connect(server.address()).unwrap();
    server.kill();
    assert!(TcpStream::connect(server.address()).is_err());
    drop(open);
    server.start().await;
    server.statement(url, write).await;
    assert_eq!(server.statement(url, count).await, "2", "after kill -9");

    server.stop().await;
    assert!(server.process().is_none() && TcpStream::connect(server.address()).is_err());
    server.start().await;
    assert_eq!(server.statement(url, count).await, "2", "after a stop");

    server.pause();
    let late = tokio::time::timeout(Duration::from_millis(300), server.statement(url, count)).await;
    assert!(late.is_err(), "a halted server answers");
    server.resume();
    assert_eq!(server.statement(url, count).await, "2", "after a pause");
}

/// What the next test runs in a process that it kills: starts servers, says where they are, and waits.
#[tokio::test]
#[ignore = "started by the next test"]
async fn victim() {
    let postgres = Postgres::exclusive(Settings::default()).await;
    let shared = Redis::start().await;
    let mariadb = MariaDb::exclusive(Settings::default()).await;
    let ports = [&postgres, &mariadb].map(|server| server.as_ref().map_or(0, |server| server.address().port()));
    let redis: u16 = shared.map_or(0, |redis| redis.url().rsplit(':').next().unwrap().parse().unwrap());
    println!("\nports {} {} {redis}", ports[0], ports[1]);
    tokio::time::sleep(Duration::from_mins(10)).await;
}

#[tokio::test]
async fn nothing_outlives_the_test_process() {
    let folder = tempfile::tempdir().unwrap();
    // As /tmp is: the servers run as other users.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o1777)).unwrap();
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "victim", "--ignored", "--nocapture"])
        .env("TMPDIR", folder.path())
        .env_remove("HALLPASS_TEST_REDIS")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ports = loop {
        let line = lines.next_line().await.unwrap().expect("the victim ended early");
        if let Some(ports) = line.strip_prefix("ports ") {
            break ports
                .split(' ')
                .map(|port| port.parse::<u16>().unwrap())
                .filter(|port| *port > 0)
                .collect::<Vec<_>>();
        }
    };
    let is_up = |port: &u16| TcpStream::connect(("127.0.0.1", *port)).is_ok();
    assert!(ports.iter().all(is_up));
    child.start_kill().unwrap();
    child.wait().await.unwrap();
    let late = Instant::now() + Duration::from_secs(20);
    while ports.iter().any(is_up) || !is_empty(folder.path()) {
        assert!(Instant::now() < late, "servers or folders outlived the process that started them");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}
