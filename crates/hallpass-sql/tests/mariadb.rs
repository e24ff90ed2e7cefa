//! What only a server can do: have another's tables, stand in each other's way, die and come back, keep another time.
#![cfg(feature = "mysql")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recorded;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hallpass_sql::{ConnectError, MysqlOptions, SqlStore};
use hallpass_store::{
    Batch, Column,
    ColumnKind::{self, BigInteger, Boolean, Date, Integer, Json, Text},
    Filter, Mode, Query, Record, Row, Schema, Session, SessionId, SessionToken, Store, Table, Timestamp, User, UserId,
    Value,
};
use hallpass_test_services::{MariaDb, Relay, Settings};
use mysql_async::{Conn, Opts, prelude::Queryable};
use recorded::wide;

const NOW: Timestamp = Timestamp::from_millis(1_795_423_213_336);

/// A store on a new database of the server that all tests share, and the database's URL.
async fn fresh() -> Option<(SqlStore, String)> {
    let url = MariaDb::start().await?.database().await;
    Some((SqlStore::connect(&url).await.unwrap(), url))
}

async fn raw(url: &str) -> Conn {
    Conn::new(Opts::from_url(url).unwrap()).await.unwrap()
}

async fn run(conn: &mut Conn, sql: &str) {
    for statement in sql.trim().trim_end_matches(';').split(";\n\n") {
        conn.query_drop(statement).await.unwrap();
    }
}

/// What `mariadb-dump --no-data` writes, but for the order of tables.
async fn ddl(url: &str) -> Vec<String> {
    let mut conn = raw(url).await;
    let tables: Vec<String> = conn.query("SHOW TABLES").await.unwrap();
    let mut found = Vec::new();
    for table in tables {
        let (_, sql): (String, String) =
            conn.query_first(format!("SHOW CREATE TABLE `{table}`")).await.unwrap().unwrap();
        found.push(sql);
    }
    found
}

fn user(id: &str) -> Row {
    User::new(UserId::new(id), "Ann", format!("{id}@example.com"), NOW).into_row()
}

fn signed_in() -> Batch {
    let session = Session::new(SessionId::new("s1"), SessionToken::new("token"), UserId::new("u1"), NOW, NOW);
    Batch::new().insert("user", user("u1")).insert("session", session.into_row())
}

async fn check(store: &SqlStore, schema: &Schema) -> Result<bool, hallpass_store::StoreError> {
    Ok(store.session_with_user(schema, &SessionToken::new("token")).await?.is_some())
}

// What the npm package (1.7.25, with mysql2) makes, as its migrations say.
const CORE: &str = include_str!("npm-mysql/core.sql");
const FIELDS: &str = include_str!("npm-mysql/fields.sql");
const LATER: &str = include_str!("npm-mysql/later.sql");
const NUMBERED: &str = include_str!("npm-mysql/numbered.sql");

fn steps(sql: &str) -> Vec<String> {
    sql.trim().trim_end_matches(';').split(";\n\n").map(str::to_owned).collect()
}

#[tokio::test]
async fn a_new_database_has_the_tables_of_the_npm_package() {
    for (schema, theirs) in [(Schema::core(), CORE), (wide(), FIELDS), (Schema::core().numbered(), NUMBERED)] {
        let Some((store, url)) = fresh().await else { return };
        assert_eq!(store.migrate(&schema, Mode::Apply).await.unwrap().steps, steps(theirs));
        let Some((other, their_url)) = fresh().await else { return };
        run(&mut raw(&their_url).await, theirs).await;
        assert_eq!(ddl(&url).await, ddl(&their_url).await);
        assert!(other.migrate(&schema, Mode::Plan).await.unwrap().is_empty(), "theirs is served as it is");
    }
}

const ALL: &str =
    "SELECT CONCAT_WS('|', id, name, email, emailVerified, image, createdAt, updatedAt, nickname) FROM user";

#[tokio::test]
async fn fields_added_later_are_added_by_the_same_statements_and_nothing_is_lost() {
    let Some((store, url)) = fresh().await else { return };
    let mut conn = raw(&url).await;
    run(&mut conn, CORE).await;
    conn.query_drop(
        "ALTER TABLE user ADD COLUMN nickname varchar(80) NOT NULL DEFAULT 'none', ADD KEY mine (nickname)",
    )
    .await
    .unwrap();
    conn.query_drop("INSERT INTO user (id, name, email, emailVerified, nickname) VALUES ('u', 'n', 'e', 1, 'x')")
        .await
        .unwrap();
    let before: Vec<String> = conn.query(ALL).await.unwrap();
    assert_eq!(store.migrate(&wide(), Mode::Plan).await.unwrap().steps, steps(LATER));
    assert_eq!(store.migrate(&wide(), Mode::Apply).await.unwrap().steps, steps(LATER));
    assert!(store.migrate(&wide(), Mode::Plan).await.unwrap().is_empty());
    assert_eq!(conn.query::<String, _>(ALL).await.unwrap(), before);
}

#[tokio::test]
async fn a_migration_that_stopped_half_way_is_finished_by_the_next() {
    let Some((store, url)) = fresh().await else { return };
    let all = steps(CORE);
    run(&mut raw(&url).await, &all[..5].join(";\n\n")).await;
    let rest = store.migrate(&Schema::core(), Mode::Apply).await.unwrap().steps;
    assert!(all.ends_with(&rest) && !rest.is_empty(), "{rest:?}");
    assert!(store.migrate(&Schema::core(), Mode::Plan).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_at_once_migrate_once() {
    let Some((_, url)) = fresh().await else { return };
    let nodes: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let store = SqlStore::connect(&url).await.unwrap();
                store.migrate(&wide(), Mode::Apply).await.unwrap().steps.len()
            })
        })
        .collect();
    let mut done = Vec::new();
    for node in nodes {
        done.push(node.await.unwrap());
    }
    done.sort_unstable();
    assert_eq!(done, [0, 0, 0, 0, 0, steps(FIELDS).len()]);
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused() {
    let Some((store, url)) = fresh().await else { return };
    let mut conn = raw(&url).await;
    run(&mut conn, CORE).await;
    conn.query_drop("ALTER TABLE user ADD COLUMN age blob").await.unwrap();
    let schema = Schema::core()
        .with_column("user", Column::new("before", Text).optional())
        .with_column("user", Column::new("age", Integer).optional());
    let before = ddl(&url).await;
    let said = store.migrate(&schema, Mode::Apply).await.unwrap_err().to_string();
    assert!(said.contains("`age`") && said.contains("`blob`"), "{said}");
    assert_eq!(ddl(&url).await, before);
    // An index of another table can have the same name.
    let schema = Schema::core().with_column("user", Column::new("plan", Text).optional().indexed());
    conn.query_drop("CREATE INDEX user_plan_idx ON account (userId)").await.unwrap();
    assert_eq!(store.migrate(&schema, Mode::Apply).await.unwrap().steps.len(), 2);
}

#[tokio::test]
async fn a_session_check_is_one_query() {
    let Some(server) = MariaDb::exclusive(Settings::default()).await else { return };
    let (url, schema) = (server.database().await, Schema::core());
    let store = SqlStore::connect(&url).await.unwrap();
    store.migrate(&schema, Mode::Apply).await.unwrap();
    store.write(&schema, signed_in()).await.unwrap();
    assert!(check(&store, &schema).await.unwrap());
    let mut conn = raw(&url).await;
    let mut counts = async || {
        let sql = "SELECT variable_value + 0 FROM information_schema.global_status WHERE variable_name IN \
                   ('Questions', 'Com_stmt_prepare', 'Com_stmt_reset', 'Com_reset_connection', 'Com_admin_commands') \
                   ORDER BY variable_name";
        let counts: Vec<f64> = conn.query(sql).await.unwrap();
        counts.iter().sum::<f64>()
    };
    let first = counts().await;
    let second = counts().await;
    for _ in 0..10 {
        assert!(check(&store, &schema).await.unwrap());
    }
    let third = counts().await;
    let (own, ten) = (second - first, third - second);
    assert!((ten - own - 10.0).abs() < 0.1, "ten checks were {} commands", ten - own);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_that_stand_in_each_others_way_all_happen() {
    let Some((store, url)) = fresh().await else { return };
    let (store, schema) = (Arc::new(store), Arc::new(Schema::core()));
    store.migrate(&schema, Mode::Apply).await.unwrap();
    store.write(&schema, Batch::new().insert("user", user("u1")).insert("user", user("u2"))).await.unwrap();
    let deadlocks = async || {
        let sql =
            "SELECT variable_value + 0 FROM information_schema.global_status WHERE variable_name = 'Innodb_deadlocks'";
        raw(&url).await.query_first::<f64, _>(sql).await.unwrap().unwrap()
    };
    let before = deadlocks().await;
    let tasks: Vec<_> = (0..120)
        .map(|n| {
            let (store, schema) = (Arc::clone(&store), Arc::clone(&schema));
            tokio::spawn(async move {
                let set = |id: &str| (Filter::eq("id", id), Row::new().with("name", format!("n{n}")));
                let order = if n % 2 == 0 { ["u1", "u2"] } else { ["u2", "u1"] };
                let batch = order.into_iter().fold(Batch::new(), |batch, id| {
                    let (filter, row) = set(id);
                    batch.update("user", filter, row).guarded()
                });
                store.write(&schema, batch).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(deadlocks().await > before, "none was provoked");
    let names: Vec<String> = raw(&url).await.query("SELECT DISTINCT name FROM user").await.unwrap();
    assert_eq!(names.len(), 1, "both rows are of one batch");
}

#[tokio::test]
async fn an_operation_that_is_given_up_leaves_no_transaction_open() {
    let Some((store, url)) = fresh().await else { return };
    let (store, schema) = (Arc::new(store), Arc::new(Schema::core()));
    store.migrate(&schema, Mode::Apply).await.unwrap();
    store.write(&schema, signed_in()).await.unwrap();
    let mut other = raw(&url).await;
    other.query_drop("START TRANSACTION").await.unwrap();
    other.query_drop("UPDATE user SET name = 'held' WHERE id = 'u1'").await.unwrap();
    let task = tokio::spawn({
        let (store, schema) = (Arc::clone(&store), Arc::clone(&schema));
        let batch = Batch::new().insert("user", user("u2")).update(
            "user",
            Filter::eq("id", "u1"),
            Row::new().with("name", "late"),
        );
        async move { store.write(&schema, batch).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    other.query_drop("COMMIT").await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let found = store.session_with_user(&schema, &SessionToken::new("token")).await.unwrap().unwrap().into_parts().1;
    assert_eq!(found.name, "held");
    store.write(&schema, Batch::new().insert("user", user("u2"))).await.unwrap();
}

#[tokio::test]
async fn a_server_that_dies_is_unavailable_and_then_found_again() {
    let Some(mut server) = MariaDb::exclusive(Settings::default()).await else { return };
    let (url, schema) = (server.database().await, Schema::core());
    let store = SqlStore::connect(&url).await.unwrap();
    store.migrate(&schema, Mode::Apply).await.unwrap();
    store.write(&schema, signed_in()).await.unwrap();
    server.kill();
    let begun = Instant::now();
    assert!(check(&store, &schema).await.unwrap_err().is_unavailable());
    assert!(store.write(&schema, Batch::new().insert("user", user("u2"))).await.unwrap_err().is_unavailable());
    assert!(store.ping().await.unwrap_err().is_unavailable());
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    server.start().await;
    let back = Instant::now();
    while check(&store, &schema).await.is_err() {
        assert!(back.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    store.write(&schema, Batch::new().insert("user", user("u2"))).await.unwrap();
    // A restart that nobody notices in between costs no request.
    server.stop().await;
    server.start().await;
    store.write(&schema, Batch::new().insert("user", user("u3"))).await.unwrap();
    assert!(check(&store, &schema).await.unwrap());
}

#[tokio::test]
async fn packets_that_are_dropped_are_unavailable_in_time() {
    let Some(server) = MariaDb::exclusive(Settings::default()).await else { return };
    let relay = Relay::start(server.address()).await;
    let (url, schema) = (relay.through(&server.database().await), Schema::core());
    let timeout = Duration::from_millis(400);
    let options = MysqlOptions::new(&url).unwrap().statement_timeout(timeout).connect_timeout(timeout);
    let store = SqlStore::mysql(options).await.unwrap();
    store.migrate(&schema, Mode::Apply).await.unwrap();
    store.write(&schema, signed_in()).await.unwrap();
    relay.cut();
    let begun = Instant::now();
    assert!(check(&store, &schema).await.unwrap_err().is_unavailable());
    assert!(check(&store, &schema).await.unwrap_err().is_unavailable());
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    relay.mend();
    let back = Instant::now();
    while check(&store, &schema).await.is_err() {
        assert!(back.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn times_are_those_of_node_servers_on_the_same_database() {
    let Some(server) = MariaDb::exclusive(Settings::default().with("default-time-zone", "+05:00")).await else {
        return;
    };
    let (url, schema) = (server.database().await, Schema::core());
    let told = SqlStore::connect(&url).await.unwrap();
    let untold = SqlStore::mysql(MysqlOptions::new(&url).unwrap().time_zone(None)).await.unwrap();
    told.migrate(&schema, Mode::Apply).await.unwrap();
    // mysql2 writes and reads the time of its process, and leaves the session's zone as it is.
    let mut node = raw(&url).await;
    for (store, name, text) in [
        (&told, "in the zone of the server", "2026-11-23 13:40:13.336"),
        (&untold, "in UTC", "2026-11-23 08:40:13.336"),
    ] {
        let sql = format!("INSERT INTO verification VALUES ('{name}', 'i', 'v', '{text}', '{text}', '{text}')");
        node.query_drop(sql).await.unwrap();
        let query = || Query::table("verification").filter(Filter::eq("id", name));
        let row = store.find(&schema, query()).await.unwrap().remove(0);
        let moment: Timestamp = "2026-11-23T08:40:13.336Z".parse().unwrap();
        assert_eq!(row.get("expiresAt"), Some(&Value::Date(moment)), "{name}");
        let ours = row.with("id", format!("ours {name}"));
        store.write(&schema, Batch::new().insert("verification", ours)).await.unwrap();
        let sql = format!("SELECT CAST(expiresAt AS CHAR) FROM verification WHERE id = 'ours {name}'");
        assert_eq!(node.query_first::<String, _>(sql).await.unwrap().unwrap(), text);
    }
}

#[tokio::test]
async fn what_connecting_fails_of_is_said() {
    let Some((_, url)) = fresh().await else { return };
    let (server, _) = url.rsplit_once('/').unwrap();
    let error = SqlStore::connect(&format!("{server}/nowhere_{}", std::process::id())).await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::NoDatabase { .. }) && error.to_string().contains("CREATE DATABASE"),
        "{error}"
    );
    let at = server.rsplit_once('@').map_or(server, |(_, at)| at);
    let error = SqlStore::connect(&format!("mysql://nobody:hunter2@{at}/x")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { .. }) && !format!("{error:?}").contains("hunter2"), "{error:?}");
    let error = SqlStore::connect("mysql://root@127.0.0.1:1/x").await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    let error = SqlStore::connect(&format!("{url}?ssl-mode=required")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
}

/// Stored as the npm package stores them through `mysql2`, which sends numbers and truth values as such and documents as texts.
#[tokio::test]
async fn values_are_stored_as_the_npm_package_stores_them() {
    let Some((store, url)) = fresh().await else { return };
    let kinds: [(&str, ColumnKind); 6] =
        [("text", Text), ("num", Integer), ("big", BigInteger), ("bool", Boolean), ("date", Date), ("json", Json)];
    let table = kinds
        .into_iter()
        .fold(Table::new("value"), |table, (name, kind)| table.column(Column::new(name, kind).optional()));
    let schema = Schema::core().with_table(table);
    store.migrate(&schema, Mode::Apply).await.unwrap();
    let mut conn = raw(&url).await;
    for (n, (column, value, stored)) in [
        ("text", Value::Integer(5), "5"),
        ("text", Value::Number(5.5), "5.5"),
        ("text", Value::Boolean(true), "1"),
        ("num", Value::Number(5.5), "6"),
        ("num", Value::Boolean(true), "1"),
        ("num", Value::from("7"), "7"),
        ("big", Value::Integer(9_007_199_254_740_991), "9007199254740991"),
        ("bool", Value::Boolean(false), "0"),
        ("json", Value::Json(serde_json::json!({"b": [1, 2.5, "x"], "a": null})), r#"{"b":[1,2.5,"x"],"a":null}"#),
    ]
    .into_iter()
    .enumerate()
    {
        let row = Row::new().with("id", format!("v{n}")).with(column, value.clone());
        store.write(&schema, Batch::new().insert("value", row)).await.unwrap();
        let sql = format!("SELECT CAST(`{column}` AS CHAR) FROM `value` WHERE id = 'v{n}'");
        assert_eq!(conn.query_first::<String, _>(sql).await.unwrap().unwrap(), stored, "{value:?} in {column}");
    }
    for (column, value) in [("num", Value::from("x")), ("text", "x".repeat(70_000).into()), ("json", "abc".into())] {
        let row = Row::new().with("id", "no").with(column, value);
        let error = store.write(&schema, Batch::new().insert("value", row)).await.unwrap_err();
        assert!(matches!(error, hallpass_store::StoreError::Misuse(_)), "{column}: {error}");
    }
}

#[tokio::test]
async fn connections_are_encrypted_as_the_url_demands() {
    use std::{fs, os::unix::fs::PermissionsExt};
    let folder = tempfile::tempdir().unwrap();
    // The server runs as somebody else.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("cert.pem"), made.cert.pem()).unwrap();
    fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let settings = Settings::default().with("ssl-cert", &path("cert.pem")).with("ssl-key", &path("key.pem"));
    let Some(server) = MariaDb::exclusive(settings).await else { return };
    let url = server.database().await;
    let mut conn = raw(&url).await;
    conn.query_drop("CREATE USER careful@'%' IDENTIFIED BY 'secret' REQUIRE SSL").await.unwrap();
    conn.query_drop("GRANT ALL ON *.* TO careful@'%'").await.unwrap();
    let (_, at) = url.rsplit_once('@').unwrap();
    let connect =
        async |parameters: &str| SqlStore::connect(&format!("mysql://careful:secret@{at}?{parameters}")).await;
    assert!(matches!(connect("ssl-mode=disabled").await.unwrap_err(), ConnectError::Refused { .. }));
    for parameters in ["ssl-mode=preferred", "ssl-mode=required"] {
        connect(parameters).await.unwrap().ping().await.unwrap();
    }
    let unknown = connect("ssl-mode=verify-identity").await.unwrap_err();
    assert!(matches!(unknown, ConnectError::Tls { .. }), "{unknown:?}");
    let known = format!("ssl-mode=verify-identity&ssl-ca={}", path("cert.pem"));
    connect(&known).await.unwrap().ping().await.unwrap();
}

/// The default collations take `é` for `e` and `A` for `a`; for a store they are different.
#[tokio::test]
async fn texts_are_equal_to_the_last_byte() {
    let Some((store, _)) = fresh().await else { return };
    let schema = Schema::core();
    store.migrate(&schema, Mode::Apply).await.unwrap();
    store.write(&schema, Batch::new().insert("user", user("jose"))).await.unwrap();
    let find = async |email: &str| {
        let one = Query::table("user").filter(Filter::eq("email", email));
        let any = Query::table("user").filter(Filter::In("email".into(), vec![email.into(), "x".into()]));
        (store.find(&schema, one).await.unwrap().len(), store.find(&schema, any).await.unwrap().len())
    };
    assert_eq!(find("jose@example.com").await, (1, 1));
    for other in ["jos\u{e9}@example.com", "JOSE@example.com", "jose@example.com "] {
        assert_eq!(find(other).await, (0, 0), "{other}");
    }
    // A column that the database keeps unique by its collation is still that.
    let twin = User::new(UserId::new("u2"), "Ann", "jos\u{e9}@example.com", NOW).into_row();
    let error = store.write(&schema, Batch::new().insert("user", twin)).await.unwrap_err();
    assert!(error.conflict().is_some(), "{error}");
}

#[tokio::test]
async fn a_conflict_names_the_column_whatever_the_index_is_called() {
    let Some((store, url)) = fresh().await else { return };
    let schema = Schema::core().with_column("user", Column::new("handle", Text).optional().named("nick"));
    store.migrate(&schema, Mode::Apply).await.unwrap();
    let mut conn = raw(&url).await;
    conn.query_drop("ALTER TABLE user MODIFY nick varchar(80), ADD UNIQUE KEY `owner's own` (nick)").await.unwrap();
    let named = |id: &str| {
        let mut row = User::new(UserId::new(id), id, format!("{id}@example.com"), NOW).into_row();
        row.set("handle", "same");
        Batch::new().insert("user", row)
    };
    store.write(&schema, named("a")).await.unwrap();
    let error = store.write(&schema, named("b")).await.unwrap_err();
    let expected = hallpass_store::Conflict::Unique { table: "user".into(), column: "handle".into() };
    assert_eq!(error.conflict(), Some(&expected), "{error}");
    assert_eq!(store.find(&schema, Query::table("user")).await.unwrap().len(), 1);
}
