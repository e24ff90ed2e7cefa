//! Postgres behind pgbouncer in transaction mode, where every transaction may meet another connection of the server.
#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use hallpass_sql::{PostgresOptions, SqlStore};
use hallpass_store::{
    Batch, Change, ChangeListener, Filter, Mode, Query, Record, Row, Schema, Session, SessionId, SessionToken, Store,
    Timestamp, User, UserId,
};
use hallpass_test_services::{PgBouncer, Postgres};
use tokio::sync::{Notify, OnceCell};

/// One for all tests of this process, with fewer connections to each database than a store has to it: which of them a transaction meets is
/// anybody's guess.
async fn bouncer() -> &'static PgBouncer {
    static BOUNCER: OnceCell<PgBouncer> = OnceCell::const_new();
    let start = async || PgBouncer::start(server().await.url(), 2).await.expect("these tests need pgbouncer");
    BOUNCER.get_or_init(start).await
}

async fn server() -> Postgres {
    Postgres::start().await.expect("these tests need Postgres")
}

async fn store() -> (SqlStore, ()) {
    let url = bouncer().await.through(&server().await.database().await);
    let options = PostgresOptions::new(&url).unwrap().connections(6).statement_cache(false);
    (SqlStore::postgres(options).await.unwrap(), ())
}

mod contract {
    hallpass_store::store_suite!(super::store);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_get_their_own_answers() {
    let (store, ()) = store().await;
    let schema = Arc::new(Schema::core());
    store.migrate(&schema, Mode::Apply).await.unwrap();
    let store = Arc::new(store);
    let tasks: Vec<_> = (0..40).map(|n| tokio::spawn(live(Arc::clone(&store), Arc::clone(&schema), n))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.find(&schema, Query::table("session")).await.unwrap().len(), 0);
}

/// One of many: what it reads is always its own, and what it takes it gets once.
async fn live(store: Arc<SqlStore>, schema: Arc<Schema>, n: usize) {
    let now = Timestamp::from_millis(1_795_423_213_336);
    let (id, token) = (format!("u{n}"), SessionToken::new(format!("t{n}")));
    let user = User::new(UserId::new(&*id), &*id, format!("{id}@example.com"), now);
    let session = Session::new(SessionId::new(format!("s{n}")), token.clone(), UserId::new(&*id), now, now);
    let both = Batch::new().insert("user", user.into_row()).insert("session", session.into_row());
    store.write(&schema, both).await.unwrap();
    for round in 0..20 {
        let (session, user) =
            store.session_with_user(&schema, &token).await.unwrap().expect("a live session").into_parts();
        assert_eq!((session.token.clone(), &*user.email), (token.clone(), &*format!("{id}@example.com")));
        let mine = Query::table("user").filter(Filter::eq("id", &*id));
        assert_eq!(store.find(&schema, mine).await.unwrap().len(), 1);
        let set = Row::new().with("name", format!("{id}-{round}"));
        store.write(&schema, Batch::new().update("user", Filter::eq("id", &*id), set).guarded()).await.unwrap();
    }
    let take = || Batch::new().take("session", Filter::eq("token", token.expose()));
    let (one, other) = tokio::join!(store.write(&schema, take()), store.write(&schema, take()));
    let taken = one.unwrap().into_iter().chain(other.unwrap()).map(|outcome| outcome.rows.len());
    assert_eq!(taken.sum::<usize>(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_heard_past_the_bouncer_and_nowhere_without_a_way() {
    let (deaf, ()) = store().await;
    assert!(deaf.changes().is_none());
    let url = server().await.database().await;
    let options = PostgresOptions::new(&bouncer().await.through(&url)).unwrap().statement_cache(false);
    let store = SqlStore::postgres(options.listen_url(&url).unwrap()).await.unwrap();
    let schema = Schema::core();
    store.migrate(&schema, Mode::Apply).await.unwrap();
    // The tables to watch are known once a session was looked up.
    assert!(store.session_with_user(&schema, &SessionToken::new("t")).await.unwrap().is_none());
    let heard = Arc::new(Heard(Mutex::default(), Notify::new()));
    store.changes().expect("a way past the bouncer").start(Duration::from_secs(4), Arc::clone(&heard) as _);
    until(&heard, |heard| heard.proofs > 0).await;
    let now = Timestamp::from_millis(1_795_423_213_336);
    let user = User::new(UserId::new("u"), "Ann", "ann@example.com", now);
    store.write(&schema, Batch::new().insert("user", user.into_row())).await.unwrap();
    store.write(&schema, Batch::new().delete("user", Filter::eq("id", "u"))).await.unwrap();
    until(&heard, |heard| heard.changes.contains(&Change::User(UserId::new("u")))).await;
}

/// What is told reaches nobody there: a proof would be a lie.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_proven_where_others_changes_do_not_arrive() {
    let (url, other) = (server().await.database().await, server().await.database().await);
    let (schema, bouncer) = (Schema::core(), bouncer().await);
    for url in [&url, &other] {
        SqlStore::postgres(PostgresOptions::new(url).unwrap())
            .await
            .unwrap()
            .migrate(&schema, Mode::Apply)
            .await
            .unwrap();
    }
    let (direct, through) =
        (PostgresOptions::new(&url).unwrap(), PostgresOptions::new(&bouncer.through(&url)).unwrap());
    let statements = through.clone().statement_cache(false);
    server().await.statement(&url, "CREATE SCHEMA other").await;
    let elsewhere =
        format!("{url}{}options=-c%20search_path%3Dother,public", if url.contains('?') { '&' } else { '?' });
    for (what, options) in [
        ("triggers that tell on another schema's channel", PostgresOptions::new(&elsewhere).unwrap()),
        ("the bouncer, and nobody said so", through),
        ("listening through the bouncer", statements.listen_url(&bouncer.through(&url)).unwrap()),
        ("listening at another database", direct.listen_url(&other).unwrap()),
    ] {
        let store = SqlStore::postgres(options.connections(2)).await.unwrap();
        assert!(store.session_with_user(&schema, &SessionToken::new("t")).await.unwrap().is_none(), "{what}");
        let heard = Arc::new(Heard(Mutex::default(), Notify::new()));
        store
            .changes()
            .expect("it looks as if it could tell")
            .start(Duration::from_millis(200), Arc::clone(&heard) as _);
        until(&heard, |heard| heard.changes.contains(&Change::Everything)).await;
        // It listens. Several round trips would be back by the end of this.
        tokio::time::sleep(Duration::from_secs(1)).await;
        store.close().await.unwrap();
        assert_eq!(heard.0.lock().unwrap().proofs, 0, "{what}");
    }
}

#[derive(Default)]
struct News {
    changes: Vec<Change>,
    proofs: usize,
}

struct Heard(Mutex<News>, Notify);

impl Heard {
    fn note(&self, change: impl FnOnce(&mut News)) {
        change(&mut self.0.lock().unwrap());
        self.1.notify_one();
    }
}

impl ChangeListener for Heard {
    fn changed(&self, change: Change) {
        self.note(|news| news.changes.push(change));
    }

    fn proven(&self, _begun: Instant) {
        self.note(|news| news.proofs += 1);
    }

    fn lost(&self) {}
}

async fn until(heard: &Heard, holds: impl Fn(&News) -> bool) {
    while !holds(&heard.0.lock().unwrap()) {
        tokio::time::timeout(Duration::from_mins(1), heard.1.notified()).await.expect("nothing is heard");
    }
}
