//! On Postgres: databases that do not tell of changes, be it for want of triggers or of a way to hear of them.

use std::{
    fs,
    io::Write,
    net::TcpStream,
    time::{Duration, Instant},
};

use hallpass_test_services::{Postgres, Relay, Settings};

use crate::support::{Answer, Server, err, out, run};

/// A database with the tables of the npm package and nothing else, its server, and a configuration that names it.
async fn without_triggers() -> Option<(Postgres, String, String)> {
    let postgres = Postgres::start().await?;
    let url = postgres.database().await;
    let config = format!("[database]\nurl = \"{url}\"\n");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hallpass.toml"), &config).unwrap();
    assert!(run(folder.path(), &["migrate"]).status.success());
    for table in ["session", "user"] {
        let function = format!("DROP FUNCTION hallpass_{table}_of_{table} CASCADE");
        postgres.statement(&url, &function).await;
    }
    Some((postgres, url, config))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_waits_for_a_database_that_starts_later() {
    let Some(mut postgres) = Postgres::exclusive(Settings::default()).await else { return };
    let url = postgres.database().await;
    postgres.stop().await;
    let server = Server::start(&format!("[database]\nurl = \"{url}\"\nauto_migrate = true\n"));
    let late = Instant::now() + Duration::from_secs(20);
    while !server.log().contains("waiting for the database") {
        assert!(Instant::now() < late, "{}", server.log());
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    postgres.start().await;
    assert_eq!(server.get("/readyz", None).status, 200);
    assert_eq!(server.log().matches("waiting for the database").count(), 1);
    assert!(!server.sign_up("ada").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_is_called_on_once_changes_are_heard_of() {
    let Some(postgres) = Postgres::start().await else { return };
    let url = postgres.database().await;
    let config = format!("[database]\nurl = \"{url}\"\n");
    let folder = tempfile::tempdir().unwrap();
    let examined = |config: &str| {
        fs::write(folder.path().join("hallpass.toml"), config).unwrap();
        out(&run(folder.path(), &["doctor"]))
    };
    fs::write(folder.path().join("hallpass.toml"), &config).unwrap();
    assert!(run(folder.path(), &["migrate"]).status.success());
    let findings = examined(&config);
    assert!(findings.contains("ok       session.cache: it is on: changes are heard of"), "{findings}");
    let server = started(&config);
    let late = Instant::now() + Duration::from_secs(20);
    while !server.log().contains("the session cache is on\n") {
        assert!(Instant::now() < late && !server.log().contains("cache is not on"), "{}", server.log());
        tokio::time::sleep(Duration::from_millis(25)).await;
    }

    // Where nobody listens.
    let config = format!("{config}listen_url = \"postgres://ann:hush@127.0.0.1:1/app\"\n");
    let findings = examined(&config);
    assert!(findings.contains("warning  session.cache: it is off as long as changes are not heard of"), "{findings}");
    assert!(findings.contains("the channel on which Postgres tells of changes is closed"), "{findings}");
    assert!(findings.contains("`127.0.0.1:1` cannot be reached") && !findings.contains("hush"), "{findings}");
    let server = started(&config);
    let late = Instant::now() + Duration::from_secs(20);
    while !server.log().contains("the session cache is not on: nothing") {
        assert!(Instant::now() < late && !server.log().contains("cache is on\n"), "{}", server.log());
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_may_not_write_is_not_ready_until_it_may() {
    let Some(postgres) = Postgres::exclusive(Settings::default()).await else { return };
    let url = postgres.database().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hallpass.toml"), format!("[database]\nurl = \"{url}\"\n")).unwrap();
    assert!(run(folder.path(), &["migrate"]).status.success());
    let grant = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO modest";
    postgres.statement(&url, &format!("CREATE ROLE modest LOGIN; {grant}")).await;
    let (_, rest) = url.rsplit_once('@').unwrap_or_else(|| url.split_once("://").unwrap());
    let server = Server::start(&format!("[database]\nurl = \"postgres://modest@{rest}\"\n"));
    assert_eq!(server.get("/readyz", None).status, 503);
    assert!(server.log().contains("permission denied for table") && server.log().contains("grant the user"));
    postgres.statement(&url, &grant.replace("SELECT", "SELECT, INSERT, UPDATE, DELETE")).await;
    let late = Instant::now() + Duration::from_secs(10);
    while server.get("/readyz", None).status != 200 {
        assert!(Instant::now() < late, "{}", server.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!server.sign_up("ada").is_empty());
}

/// A server that has said what there is to say at its start.
fn started(config: &str) -> Server {
    let server = Server::start(config);
    assert_eq!(server.get("/readyz", None).status, 200);
    server
}

fn metrics(address: std::net::SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
    Answer::read(&mut stream).body
}

fn hits(address: std::net::SocketAddr) -> u64 {
    let shown = metrics(address);
    let hits = shown.lines().find_map(|line| line.strip_prefix("hallpass_session_cache_hits_total "));
    hits.map_or(0, |hits| hits.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_triggers_everything_works_but_the_cache_which_comes_on_with_them() {
    let Some((_postgres, _url, config)) = without_triggers().await else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let server = started(&format!("{config}[server]\nmetrics_listen = \"{address}\"\n"));
    let log = server.log();
    assert!(log.contains("the session cache is off") && log.contains("run `hallpass migrate`"), "{log}");
    let token = server.sign_up("ada");
    let folder = server.folder.path();
    assert!(out(&run(folder, &["user", "list"])).contains("ada@example.com"));
    assert!(run(folder, &["session", "list", "ada@example.com"]).status.success());
    let findings = out(&run(folder, &["doctor"]));
    assert!(findings.contains("ok       database: it has the tables and columns"), "{findings}");
    assert!(findings.contains("warning  session.cache: it is off: the database lacks the triggers"), "{findings}");
    let ask = || server.get("/api/auth/get-session", Some(&token)).body.contains("ada@example.com");
    assert!(ask() && ask() && ask());
    assert_eq!(hits(address), 0);

    let migrated = run(folder, &["migrate"]);
    assert!(out(&migrated).contains("create or replace trigger") && !out(&migrated).contains("create table"));
    let late = Instant::now() + Duration::from_mins(1);
    while hits(address) == 0 {
        assert!(ask() && Instant::now() < late, "the cache does not come on: {}", server.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named() {
    let Some((postgres, url, config)) = without_triggers().await else { return };
    postgres.statement(&url, r#"ALTER TABLE "account" DROP COLUMN "scope""#).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hallpass.toml"), &config).unwrap();
    let refused = run(folder.path(), &["user", "list"]);
    assert!(!refused.status.success());
    assert!(err(&refused).contains(r#"lacks column "scope" of table "account", the triggers"#), "{}", err(&refused));
    let server = Server::start(&config);
    assert_eq!(server.get("/readyz", None).status, 503);
    assert!(server.log().contains(r#"lacks column "scope" of table "account""#), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_hear_says_what_to_set() {
    let Some((_postgres, _url, config)) = without_triggers().await else { return };
    let server = started(&format!("{config}statement_cache = false\n"));
    assert!(
        server.log().contains("the session cache is off: with database.statement_cache = false"),
        "{}",
        server.log()
    );
    let findings = out(&run(server.folder.path(), &["doctor"]));
    assert!(findings.contains("warning  session.cache: it is off: with database.statement_cache"), "{findings}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_takes_no_more_connections_than_it_may() {
    let Some((postgres, url, config)) = without_triggers().await else { return };
    let server = started(&format!("{config}max_connections = 3\nstatement_timeout = \"30s\"\n"));
    std::thread::scope(|scope| {
        for n in 0..8 {
            let server = &server;
            scope.spawn(move || server.sign_up(&format!("user{n}")));
        }
    });
    let count =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hallpass'";
    let connections: u32 = postgres.statement(&url, count).await.parse().unwrap();
    // Three, and two for hearing of changes.
    assert!((2..=5).contains(&connections), "{connections}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_its_tables_is_not_ready_until_they_are_there() {
    let Some(postgres) = Postgres::start().await else { return };
    let server = Server::start(&format!("[database]\nurl = \"{}\"\n", postgres.database().await));
    let answer = server.get("/readyz", None);
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("run `hallpass migrate`"), "{}", answer.body);
    assert!(run(server.folder.path(), &["migrate"]).status.success());
    // It is not looked at for each request.
    let begun = Instant::now();
    while server.get("/readyz", None).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What a probe does not wait for goes on without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_far_away_from_its_database_becomes_ready() {
    let Some(postgres) = Postgres::exclusive(Settings::default()).await else { return };
    let relay = Relay::start(postgres.address()).await;
    let url = relay.through(&postgres.database().await);
    let server = Server::start(&format!("[database]\nurl = \"{url}\"\n"));
    assert!(run(server.folder.path(), &["migrate"]).status.success());
    relay.slow(Duration::from_millis(100));
    let begun = Instant::now();
    let first = server.get("/readyz", None);
    assert_eq!((first.status, &*first.body), (503, "the store does not answer in time"));
    while server.get("/readyz", None).status != 200 {
        assert!(begun.elapsed() < Duration::from_mins(1));
        std::thread::sleep(Duration::from_millis(100));
    }
}
