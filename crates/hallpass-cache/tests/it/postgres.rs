//! The cache in front of Postgres, which tells of changes by its triggers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hallpass_cache::{CacheOptions, CachedStore, suite::Race};
use hallpass_sql::{PostgresOptions, SqlStore};
use hallpass_store::{Mode, Schema, SessionToken, Store};
use hallpass_test_services::{Postgres, Relay};

use crate::coherence::{NOW, begin, reads, user};

const LEASE: Duration = Duration::from_millis(400);

/// A database with one session, or `None` where there is no Postgres.
async fn database(schema: &Schema) -> Option<(Postgres, String)> {
    let server = Postgres::start().await?;
    let url = server.database().await;
    let store = SqlStore::connect(&url).await.unwrap();
    store.migrate(schema, Mode::Apply).await.unwrap();
    store.write(schema, user("u1").append(begin("t", "u1", NOW + Duration::from_hours(1)))).await.unwrap();
    assert!(store.migrate(schema, Mode::Plan).await.unwrap().is_empty());
    Some((server, url))
}

/// A node whose channel goes another way, if one is given.
async fn node(url: &str, schema: &Schema, listen: Option<&str>) -> Arc<CachedStore> {
    let mut options = PostgresOptions::new(url).unwrap().connections(6);
    if let Some(listen) = listen {
        options = options.listen_url(listen).unwrap();
    }
    let store = Arc::new(SqlStore::postgres(options).await.unwrap());
    let node = CachedStore::new(store, schema, &CacheOptions::default().lease(LEASE), || NOW).unwrap();
    node.start();
    // The first look-up says which tables to listen to.
    look_up(&node, schema).await;
    proven(&node).await;
    node
}

async fn proven(node: &CachedStore) {
    let begun = Instant::now();
    while !node.stats().is_proven {
        assert!(begun.elapsed() < Duration::from_secs(10), "the channel is never proven");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The name of the session's user.
async fn look_up(node: &CachedStore, schema: &Schema) -> Option<String> {
    node.session_with_user(schema, &SessionToken::new("t")).await.unwrap().map(|(_, user)| user.name)
}

/// Whether a look-up is answered from memory.
async fn hits(node: &CachedStore, schema: &Schema) -> bool {
    let before = node.stats().hits;
    look_up(node, schema).await;
    node.stats().hits > before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_node_no_look_up_finds_what_had_ended() {
    let schema = Schema::core();
    let Some((_server, url)) = database(&schema).await else { return };
    let node = node(&url, &schema, None).await;
    let report = Race::new(vec![Arc::clone(&node) as _], schema).reads(reads(20_000)).run().await;
    println!("{report}; {:?}", node.stats());
    assert!(report.wrong.is_empty() && report.errors == 0, "{report}");
    assert!(report.lag(1000).is_zero() && report.changes > 50, "{report}");
    assert!(node.stats().hits > report.reads / 20, "{:?}", node.stats());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_two_nodes_what_had_ended_is_found_no_longer_than_the_news_take() {
    let schema = Schema::core();
    let Some((_server, url)) = database(&schema).await else { return };
    let nodes = [node(&url, &schema, None).await, node(&url, &schema, None).await];
    let racing = nodes.iter().map(|node| Arc::clone(node) as _).collect();
    let report = Race::new(racing, schema).reads(reads(20_000)).run().await;
    println!("{report}; {:?}", nodes[1].stats());
    assert!(report.wrong.is_empty() && report.errors == 0, "{report}");
    assert!(report.lag(990) < Duration::from_millis(250), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_any_program_changes_is_heard() {
    let schema = Schema::core();
    let Some((server, url)) = database(&schema).await else { return };
    let node = node(&url, &schema, None).await;
    assert!(!hits(&node, &schema).await && hits(&node, &schema).await);
    for (sql, name) in [
        (r#"update "user" set name = 'Bob'"#, Some("Bob")),
        // A trigger that no longer fits does not stand in the way, and tells that something happened.
        (
            r#"alter table "session" rename column token to ticket; delete from "session";
               alter table "session" rename column ticket to token"#,
            None,
        ),
    ] {
        hits(&node, &schema).await;
        assert!(hits(&node, &schema).await, "{sql}");
        let before = node.stats();
        server.statement(&url, sql).await;
        // Kept answers do not grow old here, so a new one is the news.
        let begun = Instant::now();
        while look_up(&node, &schema).await.as_deref() != name {
            assert!(begun.elapsed() < Duration::from_secs(5), "nobody told of {sql}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let told = node.stats();
        let all = told.invalidated_everything - before.invalidated_everything;
        assert_eq!(all, u64::from(name.is_none()), "{sql}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_channel_sends_the_next_look_up_to_the_store_and_a_silent_one_after_the_lease() {
    let schema = Schema::core();
    let Some((server, url)) = database(&schema).await else { return };
    let address = url.split('@').next_back().unwrap().split('/').next().unwrap().split('?').next().unwrap().to_owned();
    let relay = Relay::start(address.parse().unwrap()).await;
    let node = node(&url, &schema, Some(&relay.through(&url))).await;
    hits(&node, &schema).await;
    assert!(hits(&node, &schema).await);
    relay.refuse();
    relay.close();
    let begun = Instant::now();
    while node.stats().is_proven {
        assert!(begun.elapsed() < Duration::from_millis(100), "the channel is closed");
        tokio::task::yield_now().await;
    }
    server.statement(&url, r#"update "user" set name = 'Bob'"#).await;
    assert_eq!(look_up(&node, &schema).await.as_deref(), Some("Bob"));
    relay.mend();
    proven(&node).await;
    hits(&node, &schema).await;
    assert!(hits(&node, &schema).await, "it serves again");

    relay.cut();
    let begun = Instant::now();
    server.statement(&url, r#"update "user" set name = 'Cy'"#).await;
    let changed = Instant::now();
    while look_up(&node, &schema).await.as_deref() != Some("Cy") {
        assert!(begun.elapsed() < LEASE + Duration::from_millis(550), "an answer that old");
        tokio::task::yield_now().await;
    }
    let late = changed.elapsed();
    println!("stale for {late:?} at a lease of {LEASE:?}");
    assert!(late <= LEASE + Duration::from_millis(50), "{late:?}");
    relay.mend();
    proven(&node).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_triggers_nothing_is_kept() {
    let schema = Schema::core();
    let Some((server, url)) = database(&schema).await else { return };
    let node = node(&url, &schema, None).await;
    server.statement(&url, r#"drop trigger hallpass_delete_v1 on "session""#).await;
    tokio::time::sleep(LEASE * 2).await;
    assert!(!node.stats().is_proven && !hits(&node, &schema).await && !hits(&node, &schema).await);
    let store = SqlStore::connect(&url).await.unwrap();
    assert!(!store.migrate(&schema, Mode::Apply).await.unwrap().is_empty());
    proven(&node).await;
}
