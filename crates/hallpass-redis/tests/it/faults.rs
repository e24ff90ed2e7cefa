//! Redis that is killed, silent, or full.

use std::time::{Duration, Instant};

use hallpass_redis::RedisStorage;
use hallpass_store::{Batch, Filter, Record, Row, SecondaryStorage, Store, TieredOptions};

use crate::{HOUR, Stage, later, session, token};

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_is_unavailable_and_comes_back() {
    let Some(mut stage) = Stage::new(TieredOptions::default()).await else { return };
    stage.begin('a', "u1").await;
    stage.redis.kill().await;
    let begun = Instant::now();
    let write = async |batch| stage.store.write(&stage.schema, batch).await;
    let found = stage.store.session_with_user(&stage.schema, &token('a')).await;
    assert!(found.unwrap_err().is_unavailable());
    let delete = Batch::new().delete("session", Filter::eq("userId", "u1")).delete("user", Filter::eq("id", "u1"));
    assert!(write(delete).await.unwrap_err().is_unavailable());
    let sign_up =
        Batch::new().insert("user", crate::user("u3").into_row()).insert("session", session('c', "u3").into_row());
    assert!(write(sign_up).await.unwrap_err().is_unavailable());
    assert!(stage.store.ping().await.unwrap_err().is_unavailable());
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let users = stage.records.find(&stage.schema, hallpass_store::Query::table("user")).await.unwrap();
    assert_eq!(users.len(), 2, "nothing half-written, nobody deleted whose sessions could not be ended");
    stage.redis.start_again().await;
    let begun = Instant::now();
    while stage.store.ping().await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    assert!(stage.find('a').await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_and_nobody_answering() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for url in ["redis://127.0.0.1:1".to_owned(), format!("redis://{}", silent.local_addr().unwrap())] {
        let storage = RedisStorage::connect(&url).unwrap();
        let begun = Instant::now();
        assert!(storage.ping().await.unwrap_err().is_unavailable());
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    for wrong in [
        "",
        "postgres://secret@h",
        "redis+sentinel://h",
        "redis+sentinel://h/",
        "redis://:secret@:x",
        "redis://secret@h",
        "redis+sentinel://secret@h/main",
    ] {
        let error = RedisStorage::connect(wrong).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
    for right in ["redis://h", "rediss://u:p@h:1/2", "redis+sentinel://u:p%40@a:1,[::1]:2/main/3"] {
        RedisStorage::connect(right).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_takes_no_writes_ends_and_begins_nothing() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    stage.begin('a', "u1").await;
    stage.redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let write = async |batch| stage.store.write(&stage.schema, batch).await;
    assert!(write(Batch::new().insert("session", session('b', "u1").into_row())).await.unwrap_err().is_unavailable());
    let set = Row::new().with("expiresAt", later(2 * HOUR));
    assert!(
        write(Batch::new().update("session", Filter::eq("token", &token('a')), set))
            .await
            .unwrap_err()
            .is_unavailable()
    );
    assert!(stage.find('a').await.is_some());
    stage.redis.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    stage.redis.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    assert!(
        write(Batch::new().delete("session", Filter::eq("token", &token('a')))).await.unwrap_err().is_unavailable()
    );
    stage.redis.command(&["REPLICAOF", "NO", "ONE"]).await;
    stage.begin('b', "u1").await;
    assert!(stage.find('b').await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_that_redis_forgot_are_sent_again() {
    let Some(stage) = Stage::new(TieredOptions::default()).await else { return };
    stage.begin('a', "u1").await;
    stage.redis.command(&["SCRIPT", "FLUSH"]).await;
    assert!(stage.find('a').await.is_some());
    stage.begin('b', "u1").await;
}

/// A script is not undone when its user is stopped in the middle of it, so such a user does not even begin.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_do_less_than_is_needed_does_nothing_until_it_may() {
    let Some(redis) = crate::Redis::start().await else { return };
    let all = "on >word ~better-auth:* +ping +info +client|tracking +evalsha +script|load +scan +mget +get +set +del +exists +incr +pttl \
               +pexpire +zadd +zrange";
    let allow = async |rules: &str| {
        redis.command(&[&["ACL", "SETUSER", "ann", "reset"][..], &rules.split(' ').collect::<Vec<_>>()].concat()).await
    };
    allow(all).await;
    let url = redis.url().replace("redis://", "redis://ann:word@");
    let mut lacking: Vec<(String, &str)> = all
        .split(' ')
        .filter(|rule| !["+ping", "+info", "+client|tracking"].contains(rule))
        .filter_map(|rule| Some((all.replace(&format!(" {rule}"), ""), rule.strip_prefix('+')?)))
        .collect();
    lacking.push((all.replace("~better-auth:*", "~mine:*"), "better-auth:"));
    for (rules, named) in lacking {
        allow(&rules).await;
        let storage = RedisStorage::connect(&url).unwrap();
        let error = storage.ping().await.unwrap_err();
        let told = std::error::Error::source(&error).unwrap().to_string().to_lowercase();
        assert!(error.is_unavailable() && told.contains("may not") && told.contains(named), "{named}: {told}");
        allow(all).await;
        let late = Instant::now() + Duration::from_secs(5);
        while storage.ping().await.is_err() {
            assert!(Instant::now() < late, "it comes on by itself");
        }
    }
    assert_eq!(redis.command(&["DBSIZE"]).await, "0", "nothing is left of the attempts");
}
