//! What the cache says it takes is what it takes. A process of its own, because it looks at all of the process' memory.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, sync::Arc, time::Duration};

use hallpass_cache::{CacheOptions, CachedStore};
use hallpass_sql::{SqlStore, SqliteOptions};
use hallpass_store::{Mode, Schema, SessionToken, Store, Timestamp};
use rusqlite::Connection;

const SESSIONS: u64 = 20_000;

#[tokio::test]
async fn the_memory_it_takes_is_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let (file, schema) = (folder.path().join("auth.db"), Schema::core());
    let store = SqlStore::sqlite(SqliteOptions::new(&file)).await.unwrap();
    store.migrate(&schema, Mode::Apply).await.unwrap();
    fill(&file);
    let options = CacheOptions::default().max_bytes(256 << 20).accept_stale(Duration::from_hours(1));
    let cache = CachedStore::new(Arc::new(store), &schema, &options, || Timestamp::from_millis(0)).unwrap();
    // What the database keeps in memory it has by now.
    for n in 0..SESSIONS {
        cache.inner().session_with_user(&schema, &token(n)).await.unwrap().unwrap();
    }

    let before = anonymous();
    for n in 0..SESSIONS {
        // As whoever is asked for it over HTTP does.
        cache.session_with_user(&schema, &token(n)).await.unwrap().unwrap().json().unwrap();
    }
    let (took, stats) = (anonymous() - before, cache.stats());
    assert_eq!(stats.entries, SESSIONS, "{stats:?}");
    let told = format!("{} bytes an entry, and it says {}", took / SESSIONS, stats.bytes / SESSIONS);
    println!("{told}");
    assert!((0.85..1.15).contains(&ratio(took, stats.bytes)), "{told}");
}

#[expect(clippy::cast_precision_loss, reason = "megabytes are exact")]
fn ratio(one: u64, other: u64) -> f64 {
    one as f64 / other as f64
}

/// Rows as they are in life, made in the database, so that nothing of it stays in our memory.
fn fill(file: &std::path::Path) {
    let database = Connection::open(file).unwrap();
    let rows = format!("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {SESSIONS} - 1)");
    let (begun, ends) = ("2026-01-01T00:00:00.000Z", "2026-01-08T00:00:00.000Z");
    database
        .execute_batch(&format!(
            r#"INSERT INTO "user" ("id", "name", "email", "emailVerified", "createdAt", "updatedAt")
               {rows} SELECT printf('u%031d', i), 'Ann Example', printf('%020d@example.com', i), 1, '{begun}', '{begun}' FROM n;
               INSERT INTO "session" ("id", "expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId")
               {rows} SELECT printf('s%031d', i), '{ends}', printf('%032d', i), '{begun}', '{begun}', '203.0.113.9',
                             'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', printf('u%031d', i) FROM n"#
        ))
        .unwrap();
}

fn token(n: u64) -> SessionToken {
    SessionToken::new(format!("{n:032}"))
}

/// Bytes of this process that are no file's.
fn anonymous() -> u64 {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup.lines().find(|line| line.starts_with("Anonymous:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
