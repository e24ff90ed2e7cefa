//! The rate limiter with its counters in the database (CONTRACT §10.2).

use std::{sync::Arc, time::Duration};

use hallpass::{
    Hallpass,
    options::{CustomRule, RateLimitOptions, RateLimitStorage, Span},
    store::{Filter, MemoryStore, Mode, Query, Row, Store, Value},
};
use hallpass_sql::SqlStore;
use http::Method;
use serde_json::json;

use crate::support::{Fault, Stage, TestClock, stage_with};

fn in_database() -> RateLimitOptions {
    RateLimitOptions { enabled: Some(true), storage: Some(RateLimitStorage::Database), ..RateLimitOptions::default() }
}

fn limited() -> Stage {
    stage_with(|builder| builder.rate_limit(in_database()))
}

async fn rows(stage: &Stage) -> Vec<Row> {
    stage.memory.find(stage.auth.schema(), Query::table("rateLimit")).await.unwrap()
}

async fn row(stage: &Stage, key: &str) -> Option<Row> {
    rows(stage).await.into_iter().find(|row| row.get("key").and_then(Value::as_text) == Some(key))
}

async fn sign_in(auth: &Hallpass) -> u16 {
    let request = http::Request::post("/api/auth/sign-in/email").body(String::new()).unwrap();
    auth.handle(request).await.status().as_u16()
}

/// How many of 64 sign-ins at the same time are let in.
async fn admitted_of_64(auth: &Hallpass) -> usize {
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let auth = auth.clone();
            tokio::spawn(async move { sign_in(&auth).await })
        })
        .collect();
    let mut admitted = 0;
    for call in calls {
        let status = call.await.unwrap();
        assert!(matches!(status, 400 | 429), "{status}");
        admitted += usize::from(status == 400);
    }
    admitted
}

/// Several servers at one store: no limit may be had once for each of them.
async fn never_more_than_the_limit(store: Arc<dyn Store>) {
    let clock = TestClock::default();
    let server = || {
        Hallpass::builder()
            .environment(hallpass::Environment::Development)
            .secret("a secret of at least thirty-two characters")
            .shared_store(Arc::clone(&store))
            .clock(clock.clone())
            .rate_limit(in_database())
            .build()
            .unwrap()
    };
    let (one, other) = (server(), server());
    one.migrate(Mode::Apply).await.unwrap();
    assert_eq!(admitted_of_64(&one).await, 3, "the first row");
    assert_eq!(admitted_of_64(&other).await, 0, "the other server counts the same");
    clock.advance(Duration::from_secs(10));
    let (here, there) = tokio::join!(admitted_of_64(&one), admitted_of_64(&other));
    assert_eq!(here + there, 3, "a window that both begin anew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_concurrent_calls_exactly_the_limit_is_let_in_with_memory_store() {
    never_more_than_the_limit(Arc::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_concurrent_calls_exactly_the_limit_is_let_in_with_sql_store() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("limits.db").display());
    never_more_than_the_limit(Arc::new(SqlStore::connect(&url).await.unwrap())).await;
}

#[tokio::test]
async fn the_answers_are_those_of_the_limiter_in_memory() {
    let stage = limited();
    for _ in 0..3 {
        assert_eq!(stage.post("/sign-in/email").await.status, 400);
        stage.clock.advance(Duration::from_secs(4));
    }
    let answer = stage.post("/sign-in/email").await;
    let expected = json!({"message": "Too many requests. Please try again later."});
    assert_eq!((answer.status, answer.json()), (429, expected));
    assert_eq!(answer.header("x-retry-after"), Some("6"), "the window began anew with the third");
    stage.clock.advance(Duration::from_millis(5_999));
    let nearly = stage.post("/sign-in/email").await;
    assert_eq!((nearly.status, nearly.header("x-retry-after")), (429, Some("1")));
    stage.clock.advance(Duration::from_millis(1));
    assert_eq!(stage.post("/sign-in/email").await.status, 400);
}

#[tokio::test]
async fn a_row_says_what_was_counted_and_a_refusal_leaves_it_alone() {
    let stage = limited();
    for _ in 0..5 {
        stage.post("/sign-in/email").header("x-forwarded-for", "9.9.9.9").await;
    }
    let row = row(&stage, "9.9.9.9|/sign-in/email").await.unwrap();
    assert_eq!(row.get("count"), Some(&Value::Integer(3)));
    assert_eq!(row.get("lastRequest"), Some(&Value::Integer(crate::support::START)));
    assert_eq!(row.get("id").and_then(Value::as_text).unwrap().len(), 32);
}

#[tokio::test]
async fn rows_older_than_the_longest_window_go_when_a_window_begins_anew() {
    let rule = CustomRule::Limit { window: Span::from_secs(90), max: 5 };
    let custom_rules = [("/ok".to_owned(), rule)].into_iter().collect();
    let stage = stage_with(|builder| builder.rate_limit(RateLimitOptions { custom_rules, ..in_database() }));
    stage.get("/nowhere").await;
    stage.get("/ok").await;
    stage.clock.advance(Duration::from_mins(1));
    stage.get("/elsewhere").await;
    stage.clock.advance(Duration::from_secs(30));
    stage.get("/elsewhere").await;
    assert_eq!(rows(&stage).await.len(), 3, "90 seconds is not older than 90 seconds");
    stage.clock.advance(Duration::from_secs(11));
    stage.get("/elsewhere").await;
    assert_eq!(rows(&stage).await.len(), 1);
}

/// Whoever overloads the database must not be rid of the limits.
#[tokio::test]
async fn what_cannot_be_counted_is_not_let_in() {
    let stage = limited();
    for fault in [Fault::Away, Fault::WritesAway, Fault::FindsAway] {
        stage.faults.set(fault);
        let answer = stage.get("/ok").await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{fault:?}");
        assert_eq!(answer.json()["code"], "SERVICE_UNAVAILABLE");
    }
    stage.faults.set(None);
    assert_eq!(stage.get("/ok").await.status, 200);
}

#[tokio::test]
async fn a_path_of_any_length_takes_little_room() {
    let stage = limited();
    let [one, other] = ["a", "b"].map(|end| format!("/{}{end}", "x".repeat(5_000)));
    stage.get(&one).await;
    stage.get(&other).await;
    let keys: Vec<usize> =
        rows(&stage).await.iter().map(|row| row.get("key").and_then(Value::as_text).unwrap().len()).collect();
    assert!(keys.len() == 2 && keys.iter().all(|length| *length < 100), "{keys:?}");
}

#[tokio::test]
async fn without_the_limiter_in_the_database_there_is_no_table_for_it() {
    let stage = stage_with(|builder| builder.rate_limit(RateLimitOptions { storage: None, ..in_database() }));
    assert!(stage.auth.schema().table("rateLimit").is_none());
    let query = Query::table("rateLimit").filter(Filter::All);
    assert!(stage.memory.find(stage.auth.schema(), query).await.is_err());
}

#[tokio::test]
async fn path_normalisation_comes_before_the_limiter() {
    for storage in [RateLimitStorage::Memory, RateLimitStorage::Database] {
        let stage =
            stage_with(|builder| builder.rate_limit(RateLimitOptions { storage: Some(storage), ..in_database() }));
        let spellings = [
            "/api/auth/x/../sign-in/email",
            "/x/../api/auth/sign-in/email",
            "/api/auth/x/%2e%2e/sign-in/./email",
            "/api/auth/sign-in/email//",
            "/api/auth/sign-in/email?x=1",
        ];
        let mut statuses = Vec::new();
        for spelling in spellings {
            statuses.push(stage.raw(Method::POST, spelling).await.status);
        }
        assert_eq!(statuses[3..], [429, 429], "{storage:?}: {statuses:?}");
        assert!(!statuses[..3].contains(&429), "{storage:?}: {statuses:?}");
    }
}

#[tokio::test]
async fn ipv6_clients_are_counted_by_their_slash_64() {
    let stage = limited();
    for end in ["1", "2", "ffff:ffff:ffff:ffff"] {
        let address = format!("2001:db8:1:1:{}{end}", if end.len() > 1 { "" } else { ":" });
        stage.post("/sign-in/email").header("x-forwarded-for", address).await;
    }
    let row = row(&stage, "2001:0db8:0001:0001:0000:0000:0000:0000|/sign-in/email").await.unwrap();
    assert_eq!(row.get("count"), Some(&Value::Integer(3)));
    let neighbour = stage.post("/sign-in/email").header("x-forwarded-for", "2001:db8:1:2::1").await;
    assert_eq!(neighbour.status, 400);
}
