//! What only a database file can do: be locked, be shared, be damaged, be left behind by a process that died.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::PathBuf, thread, time::Duration};

use hallpass_sql::{ConnectError, SqlStore, SqliteOptions};
use hallpass_store::{
    Batch, Column, ColumnKind, Filter, Mode, Query, Record, Row, Schema, Session, SessionId, SessionToken, Store,
    StoreError, Table, Timestamp, User, UserId,
};
use rusqlite::Connection;
use tempfile::TempDir;

struct File {
    _folder: TempDir,
    path: PathBuf,
    schema: Schema,
}

impl File {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hallpass.db");
        Self { _folder: folder, path, schema: Schema::core() }
    }

    fn options(&self) -> SqliteOptions {
        SqliteOptions::new(&self.path).readers(2)
    }

    /// A migrated store with one user and one session, `token`.
    async fn store(&self) -> SqlStore {
        let store = SqlStore::sqlite(self.options().busy_timeout(Duration::from_millis(200))).await.unwrap();
        store.migrate(&self.schema, Mode::Apply).await.unwrap();
        store.write(&self.schema, Batch::new().insert("user", user("u1"))).await.unwrap();
        store.write(&self.schema, Batch::new().insert("session", session("s1", "token"))).await.unwrap();
        store
    }

    async fn is_signed_in(&self, store: &SqlStore) -> bool {
        store.session_with_user(&self.schema, &SessionToken::new("token")).await.unwrap().is_some()
    }

    /// Another program at the same file.
    fn raw(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }
}

fn user(id: &str) -> Row {
    User::new(UserId::new(id), "Ann", format!("{id}@example.com"), Timestamp::from_millis(0)).into_row()
}

fn session(id: &str, token: &str) -> Row {
    let now = Timestamp::from_millis(0);
    Session::new(SessionId::new(id), SessionToken::new(token), UserId::new("u1"), now, now).into_row()
}

#[tokio::test]
async fn reads_go_on_while_another_process_writes_and_writes_give_up_in_time() {
    let file = File::new();
    let store = file.store().await;
    let other = file.raw();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE \"user\" SET \"name\" = 'Bea'").unwrap();
    assert!(file.is_signed_in(&store).await);
    assert_eq!(store.find(&file.schema, Query::table("user")).await.unwrap().len(), 1);
    let refused = store.write(&file.schema, Batch::new().delete("session", Filter::All)).await.unwrap_err();
    assert!(refused.is_unavailable(), "{refused}");
    other.execute_batch("COMMIT").unwrap();
    let user =
        store.session_with_user(&file.schema, &SessionToken::new("token")).await.unwrap().unwrap().into_parts().1;
    assert_eq!(user.name, "Bea", "what another process wrote is seen at once");
    store.write(&file.schema, Batch::new().delete("session", Filter::All)).await.unwrap();
    assert!(!file.is_signed_in(&store).await);
}

#[tokio::test]
async fn a_write_waits_for_a_lock_that_is_held_a_moment() {
    let file = File::new();
    drop(file.store().await);
    let store = SqlStore::sqlite(file.options()).await.unwrap();
    let other = file.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let release = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        other.execute_batch("ROLLBACK").unwrap();
    });
    store.write(&file.schema, Batch::new().insert("user", user("u2"))).await.unwrap();
    release.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_queue_is_unavailable_and_reads_go_on() {
    let file = File::new();
    drop(file.store().await);
    let store = std::sync::Arc::new(SqlStore::sqlite(file.options().queue(2)).await.unwrap());
    let other = file.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writers: Vec<_> = (0..16)
        .map(|n| {
            let (store, schema) = (std::sync::Arc::clone(&store), file.schema.clone());
            let batch = Batch::new().insert("user", user(&format!("w{n}")));
            tokio::spawn(async move { store.write(&schema, batch).await })
        })
        .collect();
    thread::sleep(Duration::from_millis(200));
    assert!(file.is_signed_in(&store).await);
    other.execute_batch("COMMIT").unwrap();
    let (mut written, mut refused) = (0, 0);
    for writer in writers {
        match writer.await.unwrap() {
            Ok(_) => written += 1,
            Err(error) if error.is_unavailable() => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!((2..=3).contains(&written), "{written} written, {refused} refused");
    assert_eq!(store.find(&file.schema, Query::table("user")).await.unwrap().len(), 1 + written);
}

#[tokio::test]
async fn a_file_that_another_process_holds_locked_is_opened_when_it_lets_go() {
    let file = File::new();
    let other = file.raw();
    // A new file, not yet in WAL mode: the one lock keeps readers out too.
    other.execute_batch("BEGIN EXCLUSIVE; CREATE TABLE \"mine\" (\"id\" TEXT)").unwrap();
    let impatient = SqlStore::sqlite(file.options().busy_timeout(Duration::from_millis(100))).await;
    assert!(matches!(impatient, Err(ConnectError::Open { .. })), "{impatient:?}");
    let opening = tokio::spawn(SqlStore::sqlite(file.options()));
    tokio::time::sleep(Duration::from_millis(200)).await;
    other.execute_batch("COMMIT").unwrap();
    opening.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stores_of_several_processes_share_one_file_from_the_first_moment() {
    let file = File::new();
    let table = Table::new("tally").column(Column::new("count", ColumnKind::Integer));
    let schema = Schema::core().with_table(table);
    let processes: Vec<_> = (0..6)
        .map(|_| {
            let (options, schema) = (file.options(), schema.clone());
            tokio::spawn(async move {
                let store = SqlStore::sqlite(options).await.unwrap();
                store.migrate(&schema, Mode::Apply).await.unwrap();
                let row = Row::new().with("id", "all").with("count", 0_i64);
                // One of them is first; for the others it is there already.
                let first = store.write(&schema, Batch::new().insert("tally", row)).await;
                assert!(first.is_ok() || first.unwrap_err().conflict().is_some());
                for _ in 0..20 {
                    let add = Batch::new().increment("tally", Filter::eq("id", "all"), "count", 1).guarded();
                    store.write(&schema, add).await.unwrap();
                }
                store.close().await.unwrap();
            })
        })
        .collect();
    for process in processes {
        process.await.unwrap();
    }
    let counted: i64 = file.raw().query_row("SELECT \"count\" FROM \"tally\"", [], |row| row.get(0)).unwrap();
    assert_eq!(counted, 120);
    let store = SqlStore::sqlite(file.options()).await.unwrap();
    assert!(store.migrate(&schema, Mode::Plan).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_look_up_while_many_write() {
    let file = File::new();
    let store = std::sync::Arc::new(file.store().await);
    let mut tasks = Vec::new();
    for n in 0..8 {
        let (store, schema) = (std::sync::Arc::clone(&store), file.schema.clone());
        tasks.push(tokio::spawn(async move {
            for round in 0..50 {
                let row = session(&format!("{n}-{round}"), &format!("t{n}-{round}"));
                store.write(&schema, Batch::new().insert("session", row)).await.unwrap();
                let own = SessionToken::new(format!("t{n}-{round}"));
                // What was answered is seen by the very next look-up, on whichever connection it runs.
                assert!(store.session_with_user(&schema, &own).await.unwrap().is_some());
                store.write(&schema, Batch::new().delete("session", Filter::eq("token", &own))).await.unwrap();
                assert!(store.session_with_user(&schema, &own).await.unwrap().is_none());
                assert!(store.session_with_user(&schema, &SessionToken::new("token")).await.unwrap().is_some());
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.find(&file.schema, Query::table("session")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_killed_process_leaves_everything_it_answered() {
    let file = File::new();
    let store = file.store().await;
    // The files as they are at this moment, without any of the work of a shutdown, are what a killed process leaves.
    let left = tempfile::tempdir().unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("hallpass.db{suffix}");
        fs::copy(file.path.with_file_name(&name), left.path().join(&name)).unwrap();
    }
    let again = SqlStore::sqlite(SqliteOptions::new(left.path().join("hallpass.db"))).await.unwrap();
    assert!(file.is_signed_in(&again).await);
    // Dropping the store is no shutdown either.
    drop(store);
    assert!(file.is_signed_in(&SqlStore::sqlite(file.options()).await.unwrap()).await);
}

#[tokio::test]
async fn closing_empties_the_log_and_the_store_still_answers() {
    let file = File::new();
    let store = file.store().await;
    store.close().await.unwrap();
    assert_eq!(fs::metadata(file.path.with_file_name("hallpass.db-wal")).unwrap().len(), 0);
    assert!(file.is_signed_in(&store).await);
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_damaged_cell_is_named_and_its_content_is_not() {
    for (table, column, value, row) in [
        ("session", "expiresAt", "'soon'", "s1"),
        ("session", "userAgent", "x'00'", "s1"),
        ("session", "createdAt", "cast(x'ff' as text)", "s1"),
        ("user", "emailVerified", "'maybe'", "u1"),
        ("user", "name", "x'41'", "u1"),
        ("user", "updatedAt", "''", "u1"),
        ("user", "email", "cast(x'c328' as text)", "u1"),
    ] {
        let file = File::new();
        let store = file.store().await;
        file.raw().execute(&format!("UPDATE \"{table}\" SET \"{column}\" = {value}"), []).unwrap();
        let error = store.session_with_user(&file.schema, &SessionToken::new("token")).await.unwrap_err();
        let StoreError::Corrupt { table: in_table, column: in_column, row: in_row, reason } = &error else {
            panic!("{error}")
        };
        assert_eq!((&**in_table, &**in_column, &**in_row), (table, column, row));
        assert!(!error.to_string().contains("soon") && !reason.contains("maybe"));
        if !(table == "user" && column == "emailVerified") {
            let error = store.find(&file.schema, Query::table(table)).await.unwrap_err();
            assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        }
    }
}

#[tokio::test]
async fn a_damaged_file_is_unavailable_not_empty() {
    let file = File::new();
    let store = file.store().await;
    store.close().await.unwrap();
    drop(store);
    let mut bytes = fs::read(&file.path).unwrap();
    bytes.iter_mut().skip(4096).for_each(|byte| *byte = 0x5a);
    fs::write(&file.path, bytes).unwrap();
    let store = SqlStore::sqlite(file.options()).await.unwrap();
    let answer = store.session_with_user(&file.schema, &SessionToken::new("token")).await;
    assert!(answer.as_ref().unwrap_err().is_unavailable(), "{answer:?}");
    let answer = store.find(&file.schema, Query::table("user")).await;
    assert!(answer.as_ref().unwrap_err().is_unavailable(), "{answer:?}");
}

#[tokio::test]
async fn a_store_that_was_never_migrated_says_so() {
    let file = File::new();
    let store = SqlStore::sqlite(file.options()).await.unwrap();
    let error = store.session_with_user(&file.schema, &SessionToken::new("token")).await.unwrap_err();
    assert!(matches!(&error, StoreError::Misuse(reason) if reason.contains("migrated")), "{error}");
    let error = store.write(&file.schema, Batch::new().insert("user", user("u1"))).await.unwrap_err();
    assert!(matches!(&error, StoreError::Misuse(reason) if reason.contains("migrated")), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let file = File::new();
    let _store = file.store().await;
    for suffix in ["", "-wal", "-shm"] {
        let path = file.path.with_file_name(format!("hallpass.db{suffix}"));
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let connect = async |path: PathBuf| SqlStore::sqlite(SqliteOptions::new(path)).await.unwrap_err();
    let error = connect(folder.path().join("missing/hallpass.db")).await;
    assert!(matches!(error, ConnectError::Folder { .. }) && error.to_string().contains("make it first"), "{error}");
    let error = connect(folder.path().to_owned()).await;
    assert!(matches!(error, ConnectError::NotAFile { .. }) && error.to_string().contains("name a file"), "{error}");
    let text = folder.path().join("notes.txt");
    fs::write(&text, "no database, but long enough to look like one ".repeat(20)).unwrap();
    let error = connect(text.clone()).await;
    assert!(matches!(error, ConnectError::NotADatabase { .. }), "{error:?}");
    assert!(fs::read_to_string(&text).unwrap().starts_with("no database"), "the file is left alone");
}

#[tokio::test]
async fn a_file_that_may_only_be_read_is_refused() {
    let file = File::new();
    drop(file.store().await);
    // By its own header: a newer format that this version may read and not write. Permissions do not bind the root user.
    let patched = file.path.with_file_name("newer.db");
    file.raw().execute("VACUUM INTO ?1", [patched.to_str().unwrap()]).unwrap();
    let mut bytes = fs::read(&patched).unwrap();
    bytes[18] = 3;
    fs::write(&patched, bytes).unwrap();
    let error = SqlStore::sqlite(SqliteOptions::new(&patched)).await.unwrap_err();
    assert!(matches!(error, ConnectError::Permission { .. }), "{error:?}");
    // By its permissions.
    let mut permissions = fs::metadata(&file.path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file.path, permissions).unwrap();
    let opened = SqlStore::sqlite(file.options()).await;
    match fs::OpenOptions::new().write(true).open(&file.path) {
        Ok(_) => drop(opened.unwrap()),
        Err(_) => assert!(matches!(opened.unwrap_err(), ConnectError::Permission { .. })),
    }
}
