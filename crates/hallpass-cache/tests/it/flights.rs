//! Look-ups of one token that share a question.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use hallpass_cache::CacheOptions;
use hallpass_store::{Batch, Filter, Store};
use tokio::task::JoinHandle;

use crate::coherence::Stage;

async fn slow_stage() -> Arc<Stage> {
    let stage = Stage::new(CacheOptions::default()).await;
    *stage.node.slow.lock().unwrap() = Duration::from_millis(100);
    Arc::new(stage)
}

/// One who looks the session up; whether it was found, or the store's error.
fn reader(stage: &Arc<Stage>) -> JoinHandle<Result<bool, String>> {
    let stage = Arc::clone(stage);
    tokio::spawn(async move {
        let found = stage.cached.session_with_user(&stage.schema, &stage.token).await;
        found.map(|found| found.is_some()).map_err(|error| {
            assert!(error.is_unavailable());
            error.to_string()
        })
    })
}

async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(30)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_at_once_ask_once() {
    let stage = slow_stage().await;
    let readers: Vec<_> = (0..64).map(|_| reader(&stage)).collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), Ok(true));
    }
    assert_eq!(stage.asked(), 1);
    let stats = stage.cached.stats();
    assert_eq!((stats.misses, stats.joins + stats.hits), (1, 63));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_begins_after_a_revoke_joins_no_flight_of_before() {
    let stage = slow_stage().await;
    let before = reader(&stage);
    a_moment().await;
    assert_eq!(stage.asked(), 1);
    stage.cached.write(&stage.schema, Batch::new().delete("session", Filter::eq("token", "t"))).await.unwrap();
    let after = reader(&stage);
    // The first began before the revoke was answered; either answer would do.
    assert_eq!(before.await.unwrap(), Ok(true));
    assert_eq!(after.await.unwrap(), Ok(false));
    assert_eq!(reader(&stage).await.unwrap(), Ok(false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_after_any_change_of_a_user_whose_session_it_may_be() {
    let stage = slow_stage().await;
    let before = reader(&stage);
    a_moment().await;
    stage.cached.write(&stage.schema, Batch::new().delete("user", Filter::eq("id", "u1"))).await.unwrap();
    assert_eq!(reader(&stage).await.unwrap(), Ok(false));
    assert_eq!(before.await.unwrap(), Ok(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_goes_away_takes_nobody_along() {
    let stage = slow_stage().await;
    let leader = reader(&stage);
    a_moment().await;
    let joiners: Vec<_> = (0..8).map(|_| reader(&stage)).collect();
    a_moment().await;
    leader.abort();
    for joiner in joiners {
        let answer = tokio::time::timeout(Duration::from_secs(2), joiner).await.expect("nobody is stranded");
        assert_eq!(answer.unwrap(), Ok(true));
    }
    assert_eq!(stage.asked(), 1);
    assert!(leader.await.unwrap_err().is_cancelled());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_fails_all_who_wait_and_is_not_remembered() {
    let stage = slow_stage().await;
    stage.node.is_away.store(true, SeqCst);
    let readers: Vec<_> = (0..8).map(|_| reader(&stage)).collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), Err("the store is unavailable".into()));
    }
    assert_eq!(stage.asked(), 1);
    stage.node.is_away.store(false, SeqCst);
    assert_eq!(reader(&stage).await.unwrap(), Ok(true));
    assert_eq!(stage.asked(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_given_up_in_the_middle_or_fails_counts_as_done() {
    let stage = slow_stage().await;
    reader(&stage).await.unwrap().unwrap();
    let asked = stage.asked();
    // Given up before its first step is over, so whether it is done nobody knows.
    let write = stage.cached.write(&stage.schema, Batch::new().delete("session", Filter::eq("token", "t")));
    let _ = tokio::time::timeout(Duration::ZERO, write).await;
    reader(&stage).await.unwrap().unwrap();
    assert_eq!(stage.asked(), asked + 1);
    let refused = Batch::new().delete("session", Filter::eq("token", "t")).delete("nothing", Filter::All);
    assert!(stage.cached.write(&stage.schema, refused).await.is_err());
    reader(&stage).await.unwrap().unwrap();
    assert_eq!(stage.asked(), asked + 2);
}
