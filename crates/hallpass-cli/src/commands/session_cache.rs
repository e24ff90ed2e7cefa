//! Whether session look-ups are answered from memory, and if not, why and what can be done about it.

use std::time::Duration;

use hallpass::{
    Hallpass,
    cache::{CachedStore, WhyOff},
    store::{Schema, SessionToken, Store as _},
};
use tokio::time::{sleep, timeout};

use crate::config::Config;

/// Why there can be no session cache, as the rest of a sentence.
pub(super) fn explained(config: &Config, why: WhyOff) -> String {
    let has_redis = config.secondary_storage.url.is_some();
    match why {
        WhyOff::StoreCannotTell if has_redis && config.session.store_session_in_database => {
            "with session.store_session_in_database a session that Redis does not have is looked up in the database, of whose changes \
             Redis does not tell; leave that key out once Redis has every session"
        }
        WhyOff::StoreCannotTell if !has_redis && config.database.is_deaf() => {
            "with database.statement_cache = false, as behind pgbouncer, nobody hears of changes; set database.listen_url to a way \
             straight to Postgres"
        }
        WhyOff::StoreCannotTell if !has_redis => "this database does not tell of changes that others make",
        why => return why.to_string(),
    }
    .to_owned()
}

/// Begins to listen, and waits for the proof that changes are heard of; so long at most.
pub(super) async fn is_proven(cache: &CachedStore, schema: &Schema, patience: Duration) -> bool {
    cache.start();
    timeout(patience, async {
        // A database is listened to for the tables that it was asked for. Nobody has this token.
        let _ = cache.session_with_user(schema, &SessionToken::new("-")).await;
        while !cache.stats().is_proven {
            sleep(Duration::from_millis(25)).await;
        }
    })
    .await
    .is_ok()
}

/// How long a store may take to prove it, before somebody is told.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Says that the cache is on once it is, and after a while that it is not, unless that was `told`.
pub(super) async fn tell_when_on(auth: Hallpass, told: bool) {
    let Ok(cache) = auth.session_cache() else { return };
    if !is_proven(cache, auth.schema(), PATIENCE).await {
        if !told {
            tracing::warn!("the session cache is not on: nothing has shown so far that changes by others are heard of");
        }
        while !is_proven(cache, auth.schema(), PATIENCE).await {}
    }
    tracing::info!("the session cache is on");
}
