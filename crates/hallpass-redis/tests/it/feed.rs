//! How Redis tells of changes.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use hallpass_redis::RedisStorage;
use hallpass_store::{Batch, Change, ChangeListener, Filter, Row, Store, TieredOptions, UserId};
use sha2::{Digest, Sha256};

use crate::{Stage, key, token};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Session([u8; 32]),
    User(UserId),
    Everything,
    Proven(Instant),
    Lost,
}

#[derive(Default)]
pub(crate) struct Notes(Mutex<Vec<Told>>);

impl ChangeListener for Notes {
    fn changed(&self, change: Change) {
        self.0.lock().unwrap().push(match change {
            Change::Session { token_sha256 } => Told::Session(token_sha256),
            Change::User(user) => Told::User(user),
            _ => Told::Everything,
        });
    }
    fn proven(&self, begun: Instant) {
        self.0.lock().unwrap().push(Told::Proven(begun));
    }
    fn lost(&self) {
        self.0.lock().unwrap().push(Told::Lost);
    }
}

impl Notes {
    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// What is told until a round trip that began from now on is answered.
    pub(crate) async fn until_proven(&self) -> Vec<Told> {
        let now = Instant::now();
        let mut told = Vec::new();
        for _ in 0..1000 {
            told.extend(self.take());
            if told.iter().any(|one| matches!(one, Told::Proven(begun) if *begun >= now)) {
                told.retain(|one| !matches!(one, Told::Proven(_)));
                return told;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("nothing is proven: {told:?}");
    }
}

async fn listening(stage: &Stage) -> Arc<Notes> {
    let notes = Arc::new(Notes::default());
    let feed = stage.store.changes().unwrap();
    assert!(feed.tells_of_new_sessions());
    feed.start(Duration::from_millis(200), Arc::clone(&notes) as _);
    assert_eq!(notes.until_proven().await, [Told::Everything]);
    notes
}

/// Whoever keeps sessions may begin to before the runtime runs.
#[tokio::test(flavor = "multi_thread")]
async fn who_begins_to_listen_outside_of_a_runtime_is_told_once_redis_is_needed() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    let storage = RedisStorage::connect(&stage.redis.url()).unwrap();
    let store = Stage::tiered(&stage.records, &storage, TieredOptions::default());
    let notes = Arc::new(Notes::default());
    let listener = Arc::clone(&notes);
    std::thread::scope(|scope| {
        scope.spawn(|| store.changes().unwrap().start(Duration::from_millis(200), listener as _));
    });
    store.ping().await.unwrap();
    assert_eq!(notes.until_proven().await, [Told::Everything]);
}

fn of(letter: char) -> Told {
    Told::Session(Sha256::digest(token(letter).expose()).into())
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_by_anybody_are_told_before_the_proof() {
    let Some(mut stage) = Stage::new(TieredOptions::default()).await else { return };
    let notes = listening(&stage).await;
    // Not there yet: that it comes is told as well.
    assert!(stage.find('a').await.is_none());
    stage.begin('a', "u1").await;
    assert_eq!(notes.until_proven().await, [of('a')]);
    assert!(stage.find('a').await.is_some());
    stage.redis.command(&["DEL", &key(token('a').expose())]).await;
    assert_eq!(notes.until_proven().await, [of('a')]);
    stage.begin('a', "u1").await;
    stage.begin('b', "u2").await;
    notes.until_proven().await;
    assert!(stage.find('a').await.is_some() && stage.find('b').await.is_some());
    stage.redis.command(&["SET", &key("revoked-sessions-before-u1"), "1"]).await;
    assert_eq!(notes.until_proven().await, [Told::User(UserId::new("u1"))]);
    stage.write(Batch::new().update("user", Filter::eq("id", "u2"), Row::new().with("name", "Bea"))).await;
    assert_eq!(notes.until_proven().await, [of('b')]);
    assert!(stage.find('a').await.is_some());
    stage.redis.command(&["FLUSHALL"]).await;
    assert!(notes.until_proven().await.contains(&Told::Everything));

    stage.redis.command(&["CLIENT", "KILL", "TYPE", "normal"]).await;
    let told = notes.until_proven().await;
    let (lost, everything) =
        (told.iter().position(|one| *one == Told::Lost), told.iter().rposition(|one| *one == Told::Everything));
    assert!(lost.unwrap() < everything.unwrap(), "{told:?}");
    stage.begin('c', "u1").await;
    assert!(stage.find('c').await.is_some());
    notes.until_proven().await;
    stage.redis.command(&["DEL", &key(token('c').expose())]).await;
    assert_eq!(notes.until_proven().await, [of('c')], "the new connection is tracked");
    stage.redis.kill().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(notes.take().iter().filter(|one| **one == Told::Lost).count().min(1), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_stands_before_every_answer_that_came_after_it() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    let notes = listening(&stage).await;
    stage.begin('a', "u1").await;
    for round in 0..100 {
        assert!(stage.find('a').await.is_some());
        notes.take();
        let entry = stage.redis.command(&["GET", &key(token('a').expose())]).await;
        stage.redis.command(&["SET", &key(token('a').expose()), &entry]).await;
        // Any answer over the connection that Redis gave after the change.
        stage.store.ping().await.unwrap();
        assert!(notes.take().contains(&of('a')), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_not_ask_to_be_told_is_served_and_nothing_is_proven() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    stage.begin('a', "u1").await;
    stage.redis.command(&["ACL", "SETUSER", "deaf", "on", ">word", "~*", "&*", "+@all", "-client|tracking"]).await;
    let storage = RedisStorage::connect(&stage.redis.url().replace("redis://", "redis://deaf:word@")).unwrap();
    let store = Stage::tiered(&stage.records, &storage, TieredOptions::default());
    let notes = Arc::new(Notes::default());
    store.changes().unwrap().start(Duration::from_millis(200), Arc::clone(&notes) as _);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(store.session_with_user(&stage.schema, &token('a')).await.unwrap().is_some());
    assert!(!notes.take().iter().any(|told| matches!(told, Told::Proven(_))));
}
