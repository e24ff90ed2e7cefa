//! The store contract on MariaDB: with `RETURNING`, and in the way that is meant for MySQL.
#![cfg(feature = "mysql")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hallpass_sql::{MysqlOptions, SqlStore};
use hallpass_store::{MemoryStore, Store, suite::Limits};
use hallpass_test_services::MariaDb;

/// A store on MariaDB; without one, the store in memory, so that there is something to run.
async fn store(with: impl FnOnce(MysqlOptions) -> MysqlOptions) -> Box<dyn Store> {
    let Some(server) = MariaDb::start().await else { return Box::new(MemoryStore::new()) };
    let options = with(MysqlOptions::new(&server.database().await).unwrap());
    Box::new(SqlStore::mysql(options).await.unwrap())
}

mod returning {
    use super::*;

    async fn make() -> (Forward, ()) {
        (Forward(store(|options| options).await), ())
    }

    hallpass_store::store_suite!(make, Limits::MYSQL);
}

mod locking {
    use super::*;

    async fn make() -> (Forward, ()) {
        (Forward(store(MysqlOptions::without_returning).await), ())
    }

    hallpass_store::store_suite!(make, Limits::MYSQL);
}

use forward::Forward;

/// A store behind a pointer.
mod forward {
    use hallpass_store::{Batch, Fut, Mode, Outcome, Plan, Query, Row, Schema, SessionAndUser, SessionToken, Store};

    pub(crate) struct Forward(pub(crate) Box<dyn Store>);

    impl Store for Forward {
        fn migrate<'a>(&'a self, schema: &'a Schema, mode: Mode) -> Fut<'a, Plan> {
            self.0.migrate(schema, mode)
        }
        fn session_with_user<'a>(
            &'a self,
            schema: &'a Schema,
            token: &'a SessionToken,
        ) -> Fut<'a, Option<SessionAndUser>> {
            self.0.session_with_user(schema, token)
        }
        fn find<'a>(&'a self, schema: &'a Schema, query: Query) -> Fut<'a, Vec<Row>> {
            self.0.find(schema, query)
        }
        fn write<'a>(&'a self, schema: &'a Schema, batch: Batch) -> Fut<'a, Vec<Outcome>> {
            self.0.write(schema, batch)
        }
        fn ping(&self) -> Fut<'_, ()> {
            self.0.ping()
        }
        fn close(&self) -> Fut<'_, ()> {
            self.0.close()
        }
    }
}
