//! Whether stores take what signing in writes: tried, with nothing that stays.

use std::time::{Duration, Instant};

use hallpass::{
    Clock, Hallpass, Randomness, SystemClock, SystemRandomness,
    store::{
        Batch, Filter, Row, Schema, SecondaryStorage, Session, SessionId, SessionToken, Store, StoreError, Timestamp,
        User, UserId,
    },
};
use hallpass_redis::RedisStorage;
use tokio::time::sleep;

use crate::config::Config;

/// The tables that the database is to have.
pub(super) fn in_database(config: &Config, engine: &Hallpass) -> Schema {
    let mut schema = engine.schema().clone();
    if config.secondary_storage.url.is_some() {
        if !config.session.store_session_in_database {
            schema = schema.without_table("session");
        }
        if !config.verification.store_in_database {
            schema = schema.without_table("verification");
        }
    }
    schema
}

/// Deletes and changes rows of each table that are not there. A database refuses that where its user lacks the right, and where it takes no writes at
/// all. As no row is met, each transaction is called off, and takes with it what the operator's own triggers may have done in it. The right to insert is
/// not looked at: whoever has the others is assumed to have it, and a row that is called off has still used up a number of those that the database gives out.
pub(crate) async fn database(store: &dyn Store, schema: &Schema) -> Result<(), StoreError> {
    for table in schema.tables() {
        // Always two operations, as one alone is no transaction.
        let batch = Batch::new().delete(&*table.name, nobody());
        let batch = if table.columns.iter().any(|column| &*column.name == "updatedAt") {
            batch.update(&*table.name, nobody(), Row::new().with("updatedAt", SystemClock.now()))
        } else {
            batch.delete(&*table.name, nobody())
        };
        match store.write(schema, batch.guarded()).await {
            Err(error) if error.is_unavailable() => return Err(error),
            // Called off, or by a rule of the operator's own, which what users write may fit.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

fn nobody() -> Filter {
    Filter::eq("id", drawn())
}

/// How long a connection to Redis may take that has just begun to be made.
const PATIENCE: Duration = Duration::from_secs(3);

/// Begins a session of a user who is nowhere else, and ends it. Its token is told to nobody but Redis, and worth nothing after 5 seconds.
pub(super) async fn redis(storage: &RedisStorage, schema: &Schema) -> Result<(), StoreError> {
    let begun = Instant::now();
    while storage.ping().await.is_err() && begun.elapsed() < PATIENCE {
        sleep(Duration::from_millis(100)).await;
    }
    let now = SystemClock.now();
    let soon = Timestamp::from_millis(now.as_millis() + 5_000);
    let user = User::new(UserId::new(drawn()), "hallpass doctor", "doctor@hallpass.invalid", now);
    let session = Session::new(SessionId::new(drawn()), SessionToken::new(drawn()), user.id.clone(), now, soon);
    storage.rehearse(schema, &session, &user).await
}

/// 32 letters and digits, as ids and tokens have.
fn drawn() -> String {
    let mut bytes = [0; 16];
    SystemRandomness.fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}
