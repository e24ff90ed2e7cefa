//! The store contract with sessions in Redis and everything else in SQLite.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use hallpass_redis::RedisStorage;
use hallpass_sql::{SqlStore, SqliteOptions};
use hallpass_store::{Tiered, TieredOptions, suite::Limits};
use hallpass_test_services::Redis;
use tempfile::TempDir;

use crate::NOW;

/// A verification in Redis has no id of its own, which the contract asks for, so the database keeps them; `sessions` has tests of the others.
async fn make(options: impl FnOnce(&mut TieredOptions)) -> (Tiered, TempDir) {
    let mut with = TieredOptions::default();
    with.verification_in_database = true;
    options(&mut with);
    let folder = TempDir::new().unwrap();
    let records = SqlStore::sqlite(SqliteOptions::new(folder.path().join("a.db"))).await.unwrap();
    let redis = Redis::start().await.expect("these tests need Redis");
    // A prefix for each case: a Redis may have few databases.
    let prefix = format!("{}:{}:", std::process::id(), number());
    let storage = RedisStorage::connect_with_prefix(redis.url(), &prefix).unwrap();
    (Tiered::new(Arc::new(records), Arc::new(storage), with, || NOW, || format!("made-{}", number())), folder)
}

/// Another one each time.
fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

mod in_redis_alone {
    use super::*;

    hallpass_store::store_suite!(|| make(|_| {}), Limits::FORGETTING);
}

mod in_the_database_too {
    use super::*;

    hallpass_store::store_suite!(|| make(|options| options.store_session_in_database = true));
}

mod and_preserved_there {
    use super::*;

    hallpass_store::store_suite!(
        || make(|options| {
            options.store_session_in_database = true;
            options.preserve_session_in_database = true;
        }),
        Limits::FORGETTING
    );
}
