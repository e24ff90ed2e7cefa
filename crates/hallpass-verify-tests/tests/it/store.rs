//! The shared store.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hallpass_sql::SqlStore;
use hallpass_verify::{
    Guard, StoreSource,
    store::{Batch, Fut, Mode, Outcome, Plan, Query, Row, Schema, SessionAndUser, SessionToken, Store, StoreError},
};
use serde_json::json;

use crate::{
    auth_server::{SECRET, Server, raw, tokens},
    node::Node,
    table::{self, Tokens},
};

/// A database that counts look-ups, and can be slow or cut off.
#[derive(Clone)]
struct Watched {
    store: Arc<SqlStore>,
    look_ups: Arc<AtomicUsize>,
    /// Milliseconds for each look-up; none are answered at `AWAY`.
    pace: Arc<AtomicUsize>,
}

const AWAY: usize = usize::MAX;

impl Store for Watched {
    fn migrate<'a>(&'a self, schema: &'a Schema, mode: Mode) -> Fut<'a, Plan> {
        self.store.migrate(schema, mode)
    }
    fn session_with_user<'a>(&'a self, schema: &'a Schema, token: &'a SessionToken) -> Fut<'a, Option<SessionAndUser>> {
        self.look_ups.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            match self.pace.load(Ordering::SeqCst) {
                AWAY => return Err(StoreError::unavailable("cut off")),
                millis => tokio::time::sleep(Duration::from_millis(millis as u64)).await,
            }
            self.store.session_with_user(schema, token).await
        })
    }
    fn find<'a>(&'a self, schema: &'a Schema, query: Query) -> Fut<'a, Vec<Row>> {
        self.store.find(schema, query)
    }
    fn write<'a>(&'a self, schema: &'a Schema, batch: Batch) -> Fut<'a, Vec<Outcome>> {
        self.store.write(schema, batch)
    }
    fn ping(&self) -> Fut<'_, ()> {
        self.store.ping()
    }
}

async fn check(base: &str, database: &str) {
    let tokens = tokens(base, database).await;
    let store = Watched {
        store: Arc::new(SqlStore::connect(&format!("sqlite://{database}")).await.unwrap()),
        look_ups: Arc::default(),
        pace: Arc::default(),
    };
    let source = StoreSource::new(store.clone(), SECRET);
    table::run(&source, &tokens).await;

    let before = store.look_ups.load(Ordering::SeqCst);
    assert_eq!(table::ask(source.clone(), &[&format!("Bearer {}", tokens.forged)], "").await, table::invalid());
    assert_eq!(store.look_ups.load(Ordering::SeqCst), before, "a forged token reached the store");

    let bare = format!("Bearer {}", raw(&tokens.valid));
    assert_eq!(table::ask(source.clone(), &[&bare], "").await.status, 200);
    assert_eq!(table::ask(source.clone().require_signature(true), &[&bare], "").await, table::invalid());

    store.pace.store(AWAY, Ordering::SeqCst);
    table::is_unavailable(&source, &tokens.valid, "down").await;
    store.pace.store(60_000, Ordering::SeqCst);
    let slow = Guard::new(source.clone()).timeout(Duration::from_millis(200));
    assert_eq!(table::ask(slow, &[&format!("Bearer {}", tokens.valid)], "").await.status, 503, "slow");
    store.pace.store(0, Ordering::SeqCst);
    observed(&source, &store, &tokens).await;
    assert_eq!(table::ask(source, &[&format!("Bearer {}", tokens.valid)], "").await.status, 200, "back again");
}

/// Whoever watches learns what clients do not.
async fn observed(source: &StoreSource, store: &Watched, tokens: &Tokens) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noting = Arc::clone(&seen);
    let guard = Guard::new(source.clone()).on_verdict(move |check| noting.lock().unwrap().push(check.seen.as_str()));
    for token in [&tokens.valid, &tokens.expired, &tokens.revoked, &tokens.forged, "two words"] {
        table::ask(guard.clone(), &[&format!("Bearer {token}")], "").await;
    }
    table::ask(guard.clone(), &[], "").await;
    table::ask(guard.clone().authorize(|_| false), &[&format!("Bearer {}", tokens.valid)], "").await;
    store.pace.store(AWAY, Ordering::SeqCst);
    table::ask(guard, &[&format!("Bearer {}", tokens.valid)], "").await;
    store.pace.store(0, Ordering::SeqCst);
    let expected = ["live", "expired", "unknown", "bad_signature", "malformed", "missing", "forbidden", "unavailable"];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hallpass_writes() {
    let server = Server::start().await;
    check(&server.base, &server.database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_the_npm_package_writes() {
    let Some(node) = Node::start(&json!({})).await else { return };
    check(&node.base, &node.database()).await;
}

/// A database that lost its tables is no answer either.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_tables() {
    let folder = tempfile::TempDir::new().unwrap();
    let store = SqlStore::connect(&format!("sqlite://{}", folder.path().join("empty.db").display())).await.unwrap();
    table::is_unavailable(&StoreSource::new(store, SECRET), "abcdefghijklmnopqrstuvwxyzABCDEF", "no tables").await;
}
