//! The cache in front of Redis, which tells of the keys that a node has read, with a Postgres behind it.

use std::{sync::Arc, time::Duration};

use hallpass_cache::{CacheOptions, CachedStore, WhyOff, suite::Race};
use hallpass_redis::RedisStorage;
use hallpass_sql::{PostgresOptions, SqlStore};
use hallpass_store::{Mode, Schema, Store, Tiered, TieredOptions};
use hallpass_test_services::{Postgres, Redis};

use crate::{
    coherence::{NOW, begin, reads, user},
    fleet::{END, Node, TOKEN, is_never_late, race, relay},
    postgres::rename,
};

const LEASE: Duration = Duration::from_millis(400);

/// A database and a Redis with one session.
pub(crate) struct Stage {
    pub(crate) schema: Schema,
    pub(crate) database: String,
    pub(crate) redis: String,
    options: TieredOptions,
}

impl Stage {
    /// `None` where there is no Postgres or no Redis.
    pub(crate) async fn new(options: impl FnOnce(&mut TieredOptions)) -> Option<Self> {
        let (postgres, redis) = (Postgres::start().await?, Redis::start().await?);
        let (schema, mut with) = (Schema::core(), TieredOptions::default());
        options(&mut with);
        let stage = Self { schema, database: postgres.database().await, redis: redis.database().await, options: with };
        let store = stage.store(&stage.redis).await;
        store.migrate(&stage.schema, Mode::Apply).await.unwrap();
        let batch = user("u1").append(begin(TOKEN, "u1", END));
        store.write(&stage.schema, batch).await.unwrap();
        Some(stage)
    }

    /// What a node of the fleet has under its cache, with its Redis at this address.
    pub(crate) async fn store(&self, redis: &str) -> Arc<Tiered> {
        let records = SqlStore::postgres(PostgresOptions::new(&self.database).unwrap().connections(6)).await.unwrap();
        let storage = RedisStorage::connect(redis).unwrap();
        Arc::new(Tiered::new(Arc::new(records), Arc::new(storage), self.options, || NOW, || "made".into()))
    }

    pub(crate) async fn node(&self, lease: Duration) -> Node {
        Node::new(self.store(&self.redis).await, &self.schema, lease).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_node_no_look_up_finds_what_had_ended() {
    let Some(stage) = Stage::new(|_| {}).await else { return };
    let node = stage.node(LEASE).await;
    let report = Race::new(vec![node.racing()], stage.schema).reads(reads(10_000)).run().await;
    println!("{report}; {:?}", node.cached.stats());
    is_never_late(&report);
    assert!(node.cached.stats().hits > report.reads / 20, "{:?}", node.cached.stats());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_two_nodes_what_had_ended_is_found_no_longer_than_the_news_take() {
    let Some(stage) = Stage::new(|_| {}).await else { return };
    let nodes = [stage.node(LEASE).await, stage.node(LEASE).await];
    race(&nodes, stage.schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_the_same_where_the_database_keeps_what_has_ended() {
    let preserves = |options: &mut TieredOptions| {
        options.store_session_in_database = true;
        options.preserve_session_in_database = true;
    };
    let Some(stage) = Stage::new(preserves).await else { return };
    let nodes = [stage.node(LEASE).await, stage.node(LEASE).await];
    race(&nodes, stage.schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_database_is_asked_too_nothing_is_kept_and_nothing_late() {
    let Some(stage) = Stage::new(|options| options.store_session_in_database = true).await else { return };
    let nodes = [stage.store(&stage.redis).await, stage.store(&stage.redis).await];
    let cached = CachedStore::new(Arc::clone(&nodes[0]) as _, &stage.schema, &CacheOptions::default(), || NOW);
    assert_eq!(cached.err(), Some(WhyOff::StoreCannotTell));
    let report = Race::new(nodes.map(|node| node as _).to_vec(), stage.schema.clone()).reads(reads(5_000)).run().await;
    println!("{report}");
    is_never_late(&report);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_channel_sends_the_next_look_up_to_the_store_and_a_silent_one_after_the_lease() {
    let Some(stage) = Stage::new(|_| {}).await else { return };
    let relay = relay(&stage.redis).await;
    let (through, other) = (relay.through(&stage.redis), stage.store(&stage.redis).await);
    let renamed = async |to: &str| drop(other.write(&stage.schema, rename(to)).await.unwrap());
    let patient = Node::new(stage.store(&through).await, &stage.schema, Duration::from_secs(10)).await;
    patient.is_not_asked_once_closed(&relay, renamed).await;
    let node = Node::new(stage.store(&through).await, &stage.schema, LEASE).await;
    node.is_not_believed_for_longer_than_the_lease(&relay, renamed).await;
}
