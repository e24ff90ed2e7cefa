//! Trying whether Redis does what sessions need.

use std::time::Duration;

use hallpass_store::{Begun, Schema, SecondaryStorage, Session, StoreError, User};

use crate::{
    RedisStorage,
    layout::{LIST, MARK, SET},
};

impl RedisStorage {
    /// Begins this session, finds it, counts once, and ends it, as with every session: what Redis does not do at the moment fails here. Session and
    /// user should be nobody's, and drawn for this. No key of theirs stays, whatever fails, as far as Redis deletes any.
    ///
    /// # Errors
    /// What Redis refused, or that it forgot the session at once.
    pub async fn rehearse(&self, schema: &Schema, session: &Session, user: &User) -> Result<(), StoreError> {
        let counter = format!("rehearsal|{}", user.id.as_str());
        let tried = self.try_out(schema, session, user, &counter).await;
        let id = user.id.as_str();
        let keys = [("", session.token.expose()), (LIST, id), (SET, id), (MARK, id), ("", &counter)];
        let keys: Vec<String> = keys.into_iter().map(|(name, rest)| self.key(name, rest)).collect();
        let cleared = self.ask::<()>(redis::cmd("DEL").arg(keys)).await;
        tried.and(cleared)
    }

    async fn try_out(&self, schema: &Schema, session: &Session, user: &User, counter: &str) -> Result<(), StoreError> {
        let (now, second) = (session.created_at, Duration::from_secs(1));
        let forgotten = || StoreError::unavailable("Redis has no session that was put into it a moment ago");
        let begun = self.begin(session, user, self.mark(&user.id).await?, now).await?;
        if begun != Begun::Yes || self.session(schema, &session.token).await?.is_none() {
            return Err(forgotten());
        }
        self.count(counter, second).await?;
        if self.revoke_all(&user.id, now, second).await?.ended != 1 {
            return Err(forgotten());
        }
        Ok(())
    }
}
