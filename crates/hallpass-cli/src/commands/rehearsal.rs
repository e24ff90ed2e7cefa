//! Whether stores take what signing in writes: tried, with nothing that stays.

use std::time::Duration;

use hallpass::{
    Clock, Randomness, SystemClock, SystemRandomness,
    store::{
        Batch, ColumnKind, Filter, Record as _, Row, Schema, SecondaryStorage, Session, SessionId, SessionToken, Store,
        StoreError, Timestamp, User, UserId,
    },
};
use hallpass_redis::RedisStorage;

/// Changes and deletes rows of each table that are not there, and inserts one that it takes back in the same transaction. A database refuses that
/// where its user lacks a right, and where it takes no writes at all.
pub(super) async fn database(store: &dyn Store, schema: &Schema) -> Result<(), StoreError> {
    for table in schema.tables() {
        let mut batch = Batch::new().delete(&*table.name, nobody());
        if let Some(text) =
            table.columns.iter().skip(1).find(|it| it.kind == ColumnKind::Text && it.references.is_none())
        {
            batch = batch.update(&*table.name, nobody(), Row::new().with(text.name.clone(), ""));
        }
        refused(store.write(schema, batch).await)?;
    }
    let (user, session) = strangers();
    let mut batch = Batch::new().insert(User::TABLE, user.into_row());
    if schema.table(Session::TABLE).is_some() {
        batch = batch.insert(Session::TABLE, session.into_row());
    }
    refused(store.write(schema, batch.delete(User::TABLE, nobody()).guarded()).await)
}

/// A database with ids or columns of its own kind refuses these rows, and not those that users make.
fn refused<T>(answer: Result<T, StoreError>) -> Result<(), StoreError> {
    match answer {
        Err(error) if error.is_unavailable() => Err(error),
        _ => Ok(()),
    }
}

fn nobody() -> Filter {
    Filter::eq("id", drawn())
}

/// Begins a session of a user who is nowhere else, finds it, and ends it. That asks for every right that sessions and counters need, with the
/// very commands. The token is known to nobody.
pub(super) async fn redis(storage: &RedisStorage, schema: &Schema) -> Result<(), StoreError> {
    let (user, session) = strangers();
    let (now, second) = (session.created_at, Duration::from_secs(1));
    let mark = storage.mark(&user.id).await?;
    storage.begin(&session, &user, mark, now).await?;
    storage.session(schema, &session.token).await?;
    storage.count(&format!("hallpass-doctor-{}", user.id.as_str()), second).await?;
    storage.revoke_all(&user.id, now, second).await?;
    Ok(())
}

fn strangers() -> (User, Session) {
    let now = SystemClock.now();
    let soon = Timestamp::from_millis(now.as_millis() + 5_000);
    let user = User::new(UserId::new(drawn()), "hallpass doctor", format!("{}@doctor.invalid", drawn()), now);
    let session = Session::new(SessionId::new(drawn()), SessionToken::new(drawn()), user.id.clone(), now, soon);
    (user, session)
}

/// 32 letters and digits, as ids and tokens have.
fn drawn() -> String {
    let mut bytes = [0; 16];
    SystemRandomness.fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}
