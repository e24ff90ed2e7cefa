//! Ids that are made otherwise (`advanced.database.generate_id`; CONTRACT §6), through a whole life of a session.

use std::sync::{Arc, Mutex};

use hallpass::{
    Bearer, Builder, Context,
    options::{AdvancedOptions, DatabaseOptions, GenerateId, RateLimitOptions, RateLimitStorage},
    plugin::{DatabaseHooks, HookFuture, Verdict},
    store::{MemoryStore, Mode, Query, Row, Store, Value},
};
use hallpass_sql::SqlStore;
use serde_json::{Value as Json, json};

use crate::support::{PASSWORD, Stage, stage_with};

fn advanced(generate_id: GenerateId) -> AdvancedOptions {
    let database = DatabaseOptions { generate_id: Some(generate_id) };
    AdvancedOptions { database, ..AdvancedOptions::default() }
}

async fn stage_on(store: Arc<dyn Store>, configure: impl FnOnce(Builder) -> Builder) -> Stage {
    let stage = stage_with(|builder| configure(builder.plugin(Bearer::new()).shared_store(store)));
    stage.auth.migrate(Mode::Apply).await.unwrap();
    stage
}

async fn sql() -> Arc<dyn Store> {
    Arc::new(SqlStore::connect("sqlite::memory:").await.unwrap())
}

async fn rows(stage: &Stage, table: &str) -> Vec<Row> {
    stage.auth.store().find(stage.auth.schema(), Query::table(table)).await.unwrap()
}

async fn ids(stage: &Stage, table: &str) -> Vec<String> {
    let text = |row: &Row| row.get("id").and_then(Value::as_text).unwrap().to_owned();
    rows(stage, table).await.iter().map(text).collect()
}

async fn sign_up(stage: &Stage, name: &str) -> Json {
    let body = json!({"name": name, "email": format!("{name}@example.com"), "password": PASSWORD});
    let answer = stage.post("/sign-up/email").json(body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Signs up and in, changes and ends, and checks that everything refers to what it should.
async fn life(stage: &Stage) {
    let first = sign_up(stage, "first").await;
    let ann = sign_up(stage, "ann").await;
    let id = ann["user"]["id"].as_str().unwrap();
    assert_ne!(first["user"]["id"], ann["user"]["id"]);
    assert_eq!(ids(stage, "user").await[1], id);

    let token = ann["token"].as_str().unwrap();
    assert_eq!(token.len(), 32, "session tokens are letters whatever ids are");
    let found = stage.get("/get-session").bearer(token).await.json();
    assert_eq!(found["user"]["id"], id);
    assert_eq!(found["session"]["userId"], id);
    assert_eq!(found["session"]["id"], ids(stage, "session").await[1].as_str());
    for account in rows(stage, "account").await.iter().skip(1) {
        assert_eq!((account.get("userId"), account.get("accountId")), (Some(&id.into()), Some(&id.into())));
    }
    let accounts = stage.get("/list-accounts").bearer(token).await.json();
    assert_eq!(accounts[0]["userId"], id);

    let change = json!({"currentPassword": PASSWORD, "newPassword": "another password", "revokeOtherSessions": true});
    let changed = stage.post("/change-password").bearer(token).json(change).await.json();
    assert_eq!(changed["user"]["id"], id);
    let body = json!({"email": "ann@example.com", "password": "another password"});
    let again = stage.post("/sign-in/email").json(body).await.json();
    assert_eq!(again["user"]["id"], id);
    let token = again["token"].as_str().unwrap();
    let listed = stage.get("/list-sessions").bearer(token).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(listed.as_array().unwrap().iter().all(|session| session["userId"] == id));
    assert_eq!(stage.post("/sign-out").bearer(token).await.status, 200);
    assert_eq!(stage.get("/get-session").bearer(token).await.json(), Json::Null);
    assert!(!stage.get("/get-session").bearer(first["token"].as_str().unwrap()).await.json().is_null());
}

#[tokio::test]
async fn uuids() {
    for store in [sql().await, Arc::new(MemoryStore::new())] {
        let stage = stage_on(store, |it| it.advanced(advanced(GenerateId::Uuid))).await;
        life(&stage).await;
        for id in [ids(&stage, "user").await, ids(&stage, "session").await, ids(&stage, "account").await].concat() {
            let parts: Vec<usize> = id.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
            assert!(id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
        }
    }
}

#[tokio::test]
async fn numbers() {
    for store in [sql().await, Arc::new(MemoryStore::new())] {
        let counted = RateLimitOptions {
            enabled: Some(true),
            max: Some(1_000),
            custom_rules: [("/sign-*/**".to_owned(), hallpass::options::CustomRule::Switch(false))]
                .into_iter()
                .collect(),
            storage: Some(RateLimitStorage::Database),
            ..RateLimitOptions::default()
        };
        let stage = stage_on(store, |it| it.advanced(advanced(GenerateId::Serial)).rate_limit(counted)).await;
        life(&stage).await;
        for table in ["user", "session", "account", "rateLimit"] {
            let found = ids(&stage, table).await;
            assert!(!found.is_empty() && found.iter().all(|id| id.parse::<u32>().is_ok()), "{table} {found:?}");
        }
        assert_eq!(ids(&stage, "user").await, ["1", "2"]);
    }
}

#[tokio::test]
async fn what_the_database_makes_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ids.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    let dates = r#""createdAt" date not null, "updatedAt" date not null"#;
    let id = r#""id" text not null primary key default (lower(hex(randomblob(8))))"#;
    database
        .execute_batch(&format!(
            r#"create table "user" ({id}, "name" text not null, "email" text not null unique, "emailVerified" integer not null, "image" text, {dates});
               create table "session" ({id}, "expiresAt" date not null, "token" text not null unique, {dates}, "ipAddress" text, "userAgent" text, "userId" text not null references "user" ("id") on delete cascade);
               create table "account" ({id}, "accountId" text not null, "providerId" text not null, "userId" text not null references "user" ("id") on delete cascade, "password" text, {dates});"#
        ))
        .unwrap();
    let store = Arc::new(SqlStore::connect(&format!("sqlite://{}", file.display())).await.unwrap());
    let stage = stage_on(store, |it| it.advanced(advanced(GenerateId::Database))).await;
    life(&stage).await;
    assert!(ids(&stage, "user").await.iter().all(|id| id.len() == 16));
}

#[tokio::test]
async fn a_function_of_ones_own() {
    let stage = stage_on(sql().await, |it| {
        let next = Mutex::new(0);
        it.generate_id(move |table| {
            let mut next = next.lock().unwrap();
            *next += 1;
            format!("{table}_{next}")
        })
    })
    .await;
    life(&stage).await;
    assert!(ids(&stage, "user").await.iter().all(|id| id.starts_with("user_")));
    assert!(ids(&stage, "session").await.iter().all(|id| id.starts_with("session_")));
}

/// Notes the ids of rows before and after they are written.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<Seen>>>);

/// What happened, and the row's `id` and `userId`.
type Seen = (String, Option<String>, Option<String>);

impl Noted {
    fn note(&self, when: &str, table: &str, row: &Row) {
        let text = |column: &str| row.get(column).and_then(Value::as_text).map(Into::into);
        self.0.lock().unwrap().push((format!("{when} {table}"), text("id"), text("userId")));
    }
}

impl DatabaseHooks for Noted {
    fn before_create<'a>(&'a self, _: &'a Context, table: &'a str, row: &'a mut Row) -> HookFuture<'a, Verdict> {
        self.note("before", table, row);
        Box::pin(async { Ok(Verdict::Proceed) })
    }
    fn after_create<'a>(&'a self, _: &'a Context, table: &'a str, row: &'a Row) -> HookFuture<'a, ()> {
        self.note("after", table, row);
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn hooks_see_real_ids_once_they_are_known() {
    let noted = Noted::default();
    let hooks = noted.clone();
    let stage = stage_on(sql().await, |it| it.advanced(advanced(GenerateId::Serial)).database_hooks(hooks)).await;
    sign_up(&stage, "ann").await;
    let seen = noted.0.lock().unwrap().clone();
    assert_eq!((&*seen[0].0, &seen[0].1), ("before user", &None));
    let after: Vec<_> = seen.iter().filter(|(event, ..)| event.starts_with("after")).collect();
    assert_eq!(after.len(), 3);
    assert!(after.iter().all(|(_, id, _)| id.as_deref() == Some("1")), "{after:?}");
    assert!(after[1..].iter().all(|(_, _, user)| user.as_deref() == Some("1")), "{after:?}");
}

#[tokio::test]
async fn a_row_that_cannot_be_written_leaves_none_of_the_others() {
    let stage = stage_on(sql().await, |it| it.advanced(advanced(GenerateId::Serial))).await;
    sign_up(&stage, "ann").await;
    let body = json!({"name": "x", "email": "ann@example.com", "password": PASSWORD});
    assert_eq!(stage.post("/sign-up/email").json(body).await.status, 422);
    assert_eq!((rows(&stage, "user").await.len(), rows(&stage, "account").await.len()), (1, 1));
}
