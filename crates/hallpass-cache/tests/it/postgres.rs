//! The cache in front of Postgres, which tells of changes by its triggers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hallpass_cache::suite::Race;
use hallpass_sql::{PostgresOptions, SqlStore};
use hallpass_store::{Batch, Filter, Mode, Row, Schema, Store};
use hallpass_test_services::Postgres;

use crate::{
    coherence::{begin, reads, user},
    fleet::{END, Node, TOKEN, is_never_late, race, relay},
};

const LEASE: Duration = Duration::from_millis(400);

/// A database with one session, or `None` where there is no Postgres.
pub(crate) async fn database(schema: &Schema) -> Option<(Postgres, String)> {
    let server = Postgres::start().await?;
    let url = server.database().await;
    let store = SqlStore::connect(&url).await.unwrap();
    store.migrate(schema, Mode::Apply).await.unwrap();
    store.write(schema, user("u1").append(begin(TOKEN, "u1", END))).await.unwrap();
    assert!(store.migrate(schema, Mode::Plan).await.unwrap().is_empty());
    Some((server, url))
}

/// A node whose channel goes another way, if one is given.
pub(crate) async fn node(url: &str, schema: &Schema, lease: Duration, listen: Option<&str>) -> Node {
    let mut options = PostgresOptions::new(url).unwrap().connections(6);
    if let Some(listen) = listen {
        options = options.listen_url(listen).unwrap();
    }
    Node::new(Arc::new(SqlStore::postgres(options).await.unwrap()), schema, lease).await
}

pub(crate) fn rename(to: &str) -> Batch {
    Batch::new().update("user", Filter::eq("id", "u1"), Row::new().with("name", to))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_node_no_look_up_finds_what_had_ended() {
    let schema = Schema::core();
    let Some((_server, url)) = database(&schema).await else { return };
    let node = node(&url, &schema, LEASE, None).await;
    let report = Race::new(vec![node.racing()], schema).reads(reads(10_000)).run().await;
    println!("{report}; {:?}", node.cached.stats());
    is_never_late(&report);
    assert!(node.cached.stats().hits > report.reads / 20, "{:?}", node.cached.stats());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_two_nodes_what_had_ended_is_found_no_longer_than_the_news_take() {
    let schema = Schema::core();
    let Some((_server, url)) = database(&schema).await else { return };
    let nodes = [node(&url, &schema, LEASE, None).await, node(&url, &schema, LEASE, None).await];
    race(&nodes, schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_any_program_changes_is_heard() {
    let schema = Schema::core();
    let Some((server, url)) = database(&schema).await else { return };
    let node = node(&url, &schema, LEASE, None).await;
    node.warm().await;
    for (sql, name) in [
        (r#"update "user" set name = 'Bob'"#, Some("Bob")),
        // A trigger that no longer fits does not stand in the way, and tells that something happened.
        (
            r#"alter table "session" rename column token to ticket; delete from "session";
               alter table "session" rename column ticket to token"#,
            None,
        ),
    ] {
        node.warm().await;
        let before = node.cached.stats();
        server.statement(&url, sql).await;
        // Kept answers do not grow old here, so a new one is the news.
        let begun = Instant::now();
        while node.name().await.unwrap().as_deref() != name {
            assert!(begun.elapsed() < Duration::from_secs(30), "nobody told of {sql}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let told = node.cached.stats();
        let all = told.invalidated_everything - before.invalidated_everything;
        assert_eq!(all, u64::from(name.is_none()), "{sql}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_channel_sends_the_next_look_up_to_the_store_and_a_silent_one_after_the_lease() {
    let schema = Schema::core();
    let Some((_server, url)) = database(&schema).await else { return };
    let (relay, other) = (relay(&url).await, SqlStore::connect(&url).await.unwrap());
    let listen = relay.through(&url);
    let renamed = async |to: &str| drop(other.write(&schema, rename(to)).await.unwrap());
    let patient = node(&url, &schema, Duration::from_secs(10), Some(&listen)).await;
    patient.is_not_asked_once_closed(&relay, renamed).await;
    let node = node(&url, &schema, LEASE, Some(&listen)).await;
    node.is_not_believed_for_longer_than_the_lease(&relay, renamed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_triggers_nothing_is_kept() {
    let schema = Schema::core();
    let Some((server, url)) = database(&schema).await else { return };
    let node = node(&url, &schema, LEASE, None).await;
    node.warm().await;
    server.statement(&url, r#"drop trigger hallpass_delete_v1 on "session""#).await;
    tokio::time::sleep(LEASE * 2).await;
    // Nobody tells of it, and it must not come back with the triggers.
    server.statement(&url, r#"delete from "session""#).await;
    assert!(!node.cached.stats().is_proven && !node.hits().await && !node.hits().await);
    let store = SqlStore::connect(&url).await.unwrap();
    assert!(!store.migrate(&schema, Mode::Apply).await.unwrap().is_empty());
    node.proven().await;
    assert_eq!(node.name().await.unwrap(), None);
}
