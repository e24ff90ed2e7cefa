//! Ids of Postgres' own types, and a connection to it that is encrypted.
#![cfg(feature = "postgres")]
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use hallpass_sql::{ConnectError, PostgresOptions, SqlStore};
use hallpass_store::{
    Batch, Filter, Lack, Mode, Query, Record, Row, Schema, Session, SessionId, SessionToken, Store, StoreError,
    Timestamp, User, UserId,
};
use hallpass_test_services::{Postgres, Settings};

const UUID: &str = "0b7a1c5e-6d0f-4c1b-9a53-3f1d1f0c2a11";
const NOW: Timestamp = Timestamp::from_millis(1_795_423_213_336);

async fn server() -> Postgres {
    Postgres::start().await.expect("these tests need Postgres")
}

#[tokio::test]
async fn uuids_get_the_columns_of_the_npm_package() {
    let store = SqlStore::connect(&server().await.database().await).await.unwrap();
    let schema = Schema::core().uuids();
    let steps = store.migrate(&schema, Mode::Apply).await.unwrap().steps;
    assert!(
        steps[0].starts_with(
            r#"create table "user" ("id" uuid default pg_catalog.gen_random_uuid() not null primary key, "name" text"#
        ) && steps[1].contains(r#""userId" uuid not null references "user" ("id") on delete cascade"#),
        "{steps:?}"
    );
    let user = User::new(UserId::new(UUID), "Ann", "ann@example.com", NOW);
    let session = Session::new(SessionId::new(UUID), SessionToken::new("t"), UserId::new(UUID), NOW, NOW);
    let both = Batch::new().insert("user", user.into_row()).insert("session", session.into_row());
    store.write(&schema, both).await.unwrap();
    let (session, user) =
        store.session_with_user(&schema, &SessionToken::new("t")).await.unwrap().unwrap().into_parts();
    assert_eq!((session.user_id.to_string(), user.id.to_string()), (UUID.to_owned(), UUID.to_owned()));
    // A row without an id gets one from the database.
    let mut other = User::new(UserId::new(""), "Ben", "ben@example.com", NOW).into_row();
    other.set("id", hallpass_store::Value::Null);
    let made = store.write(&schema, Batch::new().insert("user", other)).await.unwrap();
    assert_eq!(made[0].rows[0].get("id").and_then(hallpass_store::Value::as_text).unwrap().len(), 36);
}

/// Also where the configuration says nothing of it: the columns decide.
#[tokio::test]
async fn an_id_that_no_row_can_have_is_nobodys() {
    for (cached, type_of_ids, known) in
        [(true, "uuid", UUID), (false, "uuid", UUID), (true, "integer", "7"), (false, "bigint", "7")]
    {
        let server = server().await;
        let url = server.database().await;
        let options = PostgresOptions::new(&url).unwrap().connections(3).statement_cache(cached);
        let (store, schema) = (SqlStore::postgres(options).await.unwrap(), Schema::core());
        store.migrate(&schema, Mode::Apply).await.unwrap();
        for (table, column) in [("session", "userId"), ("account", "userId"), ("user", "id")] {
            let sql = format!(
                r#"ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{table}_{column}_fkey" CASCADE, ALTER COLUMN "{column}" TYPE {type_of_ids} USING NULL"#
            );
            server.statement(&url, &sql).await;
        }
        let user = User::new(UserId::new(known), "Ann", "ann@example.com", NOW).into_row();
        store.write(&schema, Batch::new().insert("user", user)).await.unwrap();
        let found = async |filter| store.find(&schema, Query::table("user").filter(filter)).await.unwrap().len();
        for odd in ["x", "", "99999999999999999999", "0b7a1c5e-6d0f-4c1b-9a53"] {
            assert_eq!(found(Filter::eq("id", odd)).await, 0, "{odd} {type_of_ids}");
            assert_eq!(found(Filter::In("id".into(), vec![odd.into(), known.into()])).await, 1, "{odd} {type_of_ids}");
            assert_eq!(found(Filter::eq("name", "Ann").and(Filter::eq("id", odd))).await, 0);
            let batch = Batch::new()
                .update("user", Filter::eq("id", known), Row::new().with("name", "Ann"))
                .delete("session", Filter::eq("userId", odd))
                .take("user", Filter::eq("id", odd));
            let outcomes = store.write(&schema, batch).await.unwrap();
            assert_eq!(outcomes.iter().map(|outcome| outcome.affected).collect::<Vec<_>>(), [1, 0, 0]);
        }
        assert_eq!(found(Filter::eq("id", known)).await, 1);
        let wrong = Batch::new().update("user", Filter::eq("id", known), Row::new().with("id", "x"));
        assert!(matches!(store.write(&schema, wrong).await.unwrap_err(), StoreError::Misuse(_)));
    }
}

#[tokio::test]
async fn what_is_missing_has_a_name() {
    let server = server().await;
    let url = server.database().await;
    let store = SqlStore::connect(&url).await.unwrap();
    let schema = Schema::core();
    let plan = store.migrate(&schema, Mode::Apply).await.unwrap();
    assert!(plan.lacks.contains(&Lack::Table { name: "session".into() }) && !plan.can_wait(), "{}", plan.missing());
    assert!(store.migrate(&schema, Mode::Plan).await.unwrap().lacks.is_empty());
    server.statement(&url, r#"DROP TRIGGER hallpass_update_v1 ON "session""#).await;
    let plan = store.migrate(&schema, Mode::Plan).await.unwrap();
    assert!(plan.lacks == [Lack::Changes { permitted: true }] && plan.can_wait() && !plan.is_empty());
    // Somebody who may read and write, and nothing else.
    server
        .statement(&url, "DO $$ BEGIN CREATE ROLE modest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        .await;
    server.statement(&url, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO modest").await;
    let (_, at) = url.rsplit_once('@').unwrap();
    let modest = SqlStore::connect(&format!("postgres://modest@{at}")).await.unwrap();
    let plan = modest.migrate(&schema, Mode::Apply).await.unwrap();
    assert!(plan.lacks == [Lack::Changes { permitted: false }] && plan.can_wait() && plan.is_empty(), "{plan}");
}

#[tokio::test]
async fn connections_are_encrypted_as_the_url_demands() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let Some(server) = Postgres::exclusive(Settings::default()).await else { return };
    let url = server.database().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let made = || rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (ours, other) = (made(), made());
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (name, text) in
        [("cert.pem", ours.cert.pem()), ("key.pem", ours.signing_key.serialize_pem()), ("other.pem", other.cert.pem())]
    {
        std::fs::write(path(name), text).unwrap();
    }
    // The server takes a key that is its own and nobody else's.
    let owner = std::fs::metadata(format!("/proc/{}", server.process().unwrap())).unwrap();
    std::fs::set_permissions(path("key.pem"), std::fs::Permissions::from_mode(0o600)).unwrap();
    chown(path("key.pem"), Some(owner.uid()), Some(owner.gid())).unwrap();
    let connect = async |options: &str| SqlStore::connect(&format!("{url}?{options}")).await;
    let plain = connect("sslmode=require").await.unwrap_err();
    assert!(matches!(plain, ConnectError::Tls { .. }), "{plain:?}");
    for (name, value) in [("ssl_cert_file", path("cert.pem")), ("ssl_key_file", path("key.pem")), ("ssl", "on".into())]
    {
        server.statement(&url, &format!("ALTER SYSTEM SET {name} = '{value}'")).await;
    }
    server.statement(&url, "SELECT pg_reload_conf()").await;
    encrypted(&server, &url).await;

    let (known, wrong) = (path("cert.pem"), path("other.pem"));
    for options in ["sslmode=prefer", "sslmode=require", &format!("sslmode=verify-full&sslrootcert={known}")] {
        let store = connect(options).await.expect(options);
        store.ping().await.unwrap();
        assert_eq!(server.statement(&url, "SELECT count(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'hallpass'").await, "t", "{options}");
        store.close().await.unwrap();
    }
    for options in ["sslmode=verify-full", &format!("sslmode=verify-full&sslrootcert={wrong}")] {
        let refused = connect(options).await.expect_err(options);
        assert!(matches!(refused, ConnectError::Tls { .. }), "{options}: {refused:?}");
    }
    // The certificate is for other names than this one.
    let elsewhere = url.replace("127.0.0.1", "127.0.0.2");
    let elsewhere = SqlStore::connect(&format!("{elsewhere}?sslmode=verify-full&sslrootcert={known}")).await;
    assert!(elsewhere.is_err());
}

/// The server reads its settings when it gets round to it.
async fn encrypted(server: &hallpass_test_services::Exclusive, url: &str) {
    let late = Instant::now() + Duration::from_mins(1);
    while SqlStore::connect(&format!("{url}?sslmode=require")).await.is_err() {
        assert!(Instant::now() < late, "the server does not encrypt. Its log:\n{}", server.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
