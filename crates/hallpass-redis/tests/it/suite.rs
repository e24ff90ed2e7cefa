//! The store contract with sessions in Redis and everything else in SQLite.

use std::sync::Arc;

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
    let storage = RedisStorage::connect(&redis.database().await).unwrap();
    let number = std::sync::atomic::AtomicU64::new(0);
    let id = move || format!("made-{}", number.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    (Tiered::new(Arc::new(records), Arc::new(storage), with, || NOW, id), folder)
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
