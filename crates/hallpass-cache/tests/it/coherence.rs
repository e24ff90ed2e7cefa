//! What is answered, and how old it may be.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::{Duration, Instant},
};

use hallpass_cache::{CacheOptions, CachedStore, suite::Race};
use hallpass_store::{
    Batch, Filter, Record, Row, Schema, Session, SessionAndUser, SessionId, SessionToken, Store, Timestamp, User,
    UserId,
};

use crate::{
    fleet::are_coherent,
    telling::{Database, Node},
};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A node with a cache, at a database with one session.
pub(crate) struct Stage {
    pub(crate) schema: Schema,
    pub(crate) database: Arc<Database>,
    pub(crate) node: Arc<Node>,
    pub(crate) cached: Arc<CachedStore>,
    pub(crate) token: SessionToken,
}

pub(crate) fn begin(token: &str, user: &str, expires_at: Timestamp) -> Batch {
    let session = Session::new(
        SessionId::new(format!("id-{token}")),
        SessionToken::new(token),
        UserId::new(user),
        NOW,
        expires_at,
    );
    Batch::new().insert("session", session.into_row())
}

pub(crate) fn user(id: &str) -> Batch {
    Batch::new().insert("user", User::new(UserId::new(id), "0", format!("{id}@example.com"), NOW).into_row())
}

impl Stage {
    pub(crate) async fn new(options: CacheOptions) -> Self {
        Self::telling(options, false).await
    }

    async fn telling(options: CacheOptions, tells_of_new_sessions: bool) -> Self {
        let schema = Schema::core();
        let database = Database::new(&schema).await;
        let node = database.node(Duration::ZERO, tells_of_new_sessions);
        let cached = CachedStore::new(Arc::clone(&node) as _, &schema, &options, || NOW).unwrap();
        let batch = user("u1").append(begin("t", "u1", NOW + Duration::from_hours(1)));
        cached.write(&schema, batch).await.unwrap();
        let stage = Self { schema, database, node, cached, token: SessionToken::new("t") };
        stage.open().await;
        stage
    }

    /// Waits until the channel is proven.
    pub(crate) async fn open(&self) {
        self.cached.start();
        while !self.cached.stats().is_proven {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) async fn look_up(&self) -> Option<SessionAndUser> {
        self.cached.session_with_user(&self.schema, &self.token).await.unwrap()
    }

    pub(crate) fn asked(&self) -> u64 {
        self.node.asked.load(SeqCst)
    }
}

fn rename(to: &str) -> Batch {
    Batch::new().update("user", Filter::eq("id", "u1"), Row::new().with("name", to))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_look_up_asks_nobody_and_says_the_same() {
    let stage = Stage::new(CacheOptions::default()).await;
    let first = stage.look_up().await.unwrap();
    assert_eq!(stage.look_up().await, Some(first));
    assert_eq!(stage.asked(), 1);
    let stats = stage.cached.stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_changes_are_seen_at_once() {
    let stage = Stage::new(CacheOptions::default()).await;
    stage.look_up().await.unwrap();
    stage.cached.write(&stage.schema, rename("1")).await.unwrap();
    assert_eq!(stage.look_up().await.unwrap().user.name, "1");
    let extended = Row::new().with("expiresAt", NOW + Duration::from_hours(2));
    stage
        .cached
        .write(&stage.schema, Batch::new().update("session", Filter::eq("token", "t"), extended))
        .await
        .unwrap();
    assert_eq!(stage.look_up().await.unwrap().session.expires_at, NOW + Duration::from_hours(2));
    stage.cached.write(&stage.schema, Batch::new().delete("user", Filter::eq("id", "u1"))).await.unwrap();
    assert!(stage.look_up().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_made_elsewhere_are_seen_when_told() {
    let stage = Stage::new(CacheOptions::default()).await;
    stage.look_up().await.unwrap();
    stage.database.write_elsewhere(&stage.schema, rename("1")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(stage.look_up().await.unwrap().user.name, "1");
    stage.database.write_elsewhere(&stage.schema, Batch::new().delete("session", Filter::eq("token", "t"))).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(stage.look_up().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_channel_sends_the_very_next_look_up_to_the_store() {
    let stage = Stage::new(CacheOptions::default().lease(Duration::from_secs(2))).await;
    stage.look_up().await.unwrap();
    stage.node.channel.close();
    while stage.cached.stats().is_proven {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let asked = stage.asked();
    stage.look_up().await.unwrap();
    assert_eq!(stage.asked(), asked + 1);
    // The channel opens again, and nothing from before is believed.
    stage.open().await;
    stage.look_up().await.unwrap();
    assert_eq!(stage.asked(), asked + 2);
    stage.look_up().await.unwrap();
    assert_eq!(stage.asked(), asked + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_dropped_in_silence_cost_no_more_than_the_lease() {
    let lease = Duration::from_millis(400);
    let stage = Stage::new(CacheOptions::default().lease(lease)).await;
    stage.look_up().await.unwrap();
    stage.node.channel.is_cut.store(true, SeqCst);
    stage.database.write_elsewhere(&stage.schema, Batch::new().delete("session", Filter::eq("token", "t"))).await;
    let ended = Instant::now();
    let mut last = None;
    while ended.elapsed() < lease * 2 {
        let begun = Instant::now();
        if stage.look_up().await.is_some() {
            last = Some(begun - ended);
        }
        tokio::task::yield_now().await;
    }
    assert!(last.is_some_and(|last| last <= lease), "{last:?}");
    stage.node.channel.mend();
    stage.open().await;
    assert!(stage.look_up().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_there_is_no_session_is_kept_only_where_new_ones_are_told() {
    for tells in [false, true] {
        let stage = Stage::telling(CacheOptions::default(), tells).await;
        let unknown = SessionToken::new("new");
        let look_up = async || stage.cached.session_with_user(&stage.schema, &unknown).await.unwrap();
        assert!(look_up().await.is_none() && look_up().await.is_none());
        assert_eq!(stage.asked(), if tells { 1 } else { 2 });
        stage.database.write_elsewhere(&stage.schema, begin("new", "u1", NOW + Duration::from_hours(1))).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(look_up().await.is_some());
        stage.cached.write(&stage.schema, Batch::new().delete("session", Filter::eq("token", "new"))).await.unwrap();
        assert!(look_up().await.is_none());
        // One that this node begins is there at once.
        stage.cached.write(&stage.schema, begin("new", "u1", NOW + Duration::from_hours(1))).await.unwrap();
        assert!(look_up().await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_kept_past_its_end_or_its_age() {
    let stage = Stage::new(CacheOptions::default().max_age(Duration::from_millis(200))).await;
    stage.look_up().await.unwrap();
    tokio::time::sleep(Duration::from_millis(250)).await;
    stage.look_up().await.unwrap();
    assert_eq!(stage.asked(), 2);
    let stage = Stage::new(CacheOptions::default()).await;
    for (token, lasts) in [("ended", Duration::ZERO), ("ending", Duration::from_secs(3))] {
        stage.cached.write(&stage.schema, begin(token, "u1", NOW + lasts)).await.unwrap();
        let token = SessionToken::new(token);
        let look_up = async || assert!(stage.cached.session_with_user(&stage.schema, &token).await.unwrap().is_some());
        let before = stage.asked();
        look_up().await;
        let kept = Instant::now();
        look_up().await;
        assert_eq!(stage.asked() - before, if lasts.is_zero() { 2 } else { 1 });
        tokio::time::sleep_until((kept + lasts + Duration::from_millis(50)).into()).await;
        let before = stage.asked();
        look_up().await;
        assert_eq!(stage.asked() - before, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_schema_is_passed_on() {
    let stage = Stage::new(CacheOptions::default()).await;
    let other = Schema::core();
    for _ in 0..2 {
        assert!(stage.cached.session_with_user(&other, &stage.token).await.unwrap().is_some());
    }
    assert_eq!((stage.asked(), stage.cached.stats().bypasses), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stale_answers_are_as_old_as_was_accepted_and_never_of_this_node() {
    let schema = Schema::core();
    let database = Database::new(&schema).await;
    // Long enough for a write on a busy machine to come in between.
    let options = CacheOptions::default().accept_stale(Duration::from_secs(4));
    let cached = CachedStore::new(Arc::clone(&database.store) as _, &schema, &options, || NOW).unwrap();
    assert!(!cached.is_coherent());
    cached.write(&schema, user("u1").append(begin("t", "u1", NOW + Duration::from_hours(1)))).await.unwrap();
    let token = SessionToken::new("t");
    let name = async || cached.session_with_user(&schema, &token).await.unwrap().unwrap().user.name.clone();
    assert_eq!(name().await, "0");
    database.write_elsewhere(&schema, rename("1")).await;
    assert_eq!(name().await, "0");
    cached.write(&schema, rename("2")).await.unwrap();
    assert_eq!(name().await, "2");
    database.write_elsewhere(&schema, rename("3")).await;
    tokio::time::sleep(Duration::from_millis(4100)).await;
    assert_eq!(name().await, "3");
}

/// How many look-ups a race makes here.
pub(crate) fn reads(short: u64) -> u64 {
    if std::env::var_os("HALLPASS_SOAK").is_some() { 1_000_000 } else { short }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_node_no_look_up_finds_what_had_ended() {
    let stage = Stage::new(CacheOptions::default()).await;
    let report = Race::new(vec![Arc::clone(&stage.cached) as _], stage.schema.clone()).reads(reads(60_000)).run().await;
    println!("{report}; {:?}", stage.cached.stats());
    assert!(report.wrong.is_empty() && report.errors == 0, "{report}");
    assert!(report.lag(1000).is_zero(), "{report}");
    assert!(
        report.changes > 50 && stage.cached.stats().hits > report.reads / 4,
        "{report}; {:?}",
        stage.cached.stats()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_two_nodes_what_had_ended_is_found_no_longer_than_the_news_take() {
    let stage = Stage::new(CacheOptions::default()).await;
    let other = stage.database.node(Duration::from_millis(5), false);
    let other = CachedStore::new(other, &stage.schema, &CacheOptions::default(), || NOW).unwrap();
    other.start();
    let nodes: Vec<Arc<dyn Store>> = vec![Arc::clone(&stage.cached) as _, other];
    are_coherent(|| Race::new(nodes.clone(), stage.schema.clone()).reads(reads(60_000))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_race_finds_a_cache_that_does_not_listen() {
    let schema = Schema::core();
    let database = Database::new(&schema).await;
    let accepting = CacheOptions::default().accept_stale(Duration::from_mins(1));
    let node = || CachedStore::new(Arc::clone(&database.store) as _, &schema, &accepting, || NOW).unwrap();
    let (deaf, other) = (node(), node());
    let report = Race::new(vec![deaf as _, other as _], schema.clone()).reads(20_000).changes(100).run().await;
    assert!(report.lag(990) > Duration::from_millis(50), "{report}");
}
