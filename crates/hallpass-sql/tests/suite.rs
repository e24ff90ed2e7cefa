//! The store contract on SQLite: once in a file, once in memory.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hallpass_sql::{SqlStore, SqliteOptions};
use tempfile::TempDir;

mod file {
    use super::*;

    async fn make() -> (SqlStore, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqlStore::sqlite(SqliteOptions::new(folder.path().join("hallpass.db"))).await.unwrap();
        (store, folder)
    }

    hallpass_store::store_suite!(make);
}

mod memory {
    use super::*;

    async fn make() -> (SqlStore, ()) {
        (SqlStore::connect("sqlite::memory:").await.unwrap(), ())
    }

    hallpass_store::store_suite!(make);
}
