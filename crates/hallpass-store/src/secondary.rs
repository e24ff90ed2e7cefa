//! A second place for what is asked for all the time: sessions, verifications and counters outside the database.
//!
//! [`SecondaryStorage`] is to a key-value store what [`Store`](crate::Store) is to a database. Its operations are named for what they guarantee,
//! because `get` and `set` guarantee nothing: whoever reads a session, changes it and writes it back brings it to life again if it was revoked in between.
//! [`Tiered`](crate::Tiered) makes one store of a database and a secondary storage.
//!
//! The time is handed in, as everywhere. Spans are kept to the millisecond; what has no time left is not kept at all.

use std::{sync::Arc, time::Duration};

use crate::{
    changes::ChangeFeed,
    record::{Session, SessionToken, User, UserId, Verification},
    schema::Schema,
    store::Fut,
    timestamp::Timestamp,
    value::Row,
};

/// When all sessions of a user were last revoked: those that began before are dead, whatever else is stored of them. It grows with every such
/// revocation, so that it also tells whether there was one in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark(pub Option<Timestamp>);

/// What became of a session that was to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It is there.
    Yes,
    /// All sessions of its user have been revoked meanwhile, so it is not.
    RevokedMeanwhile,
    /// There is one with this token already.
    TokenTaken,
}

/// What a revocation of all sessions of a user did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokedAll {
    /// How many there were.
    pub ended: u64,
    /// The mark it left.
    pub mark: Mark,
}

/// A counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// What it stands at.
    pub count: u64,
    /// When it will be gone.
    pub left: Duration,
}

/// Keeps sessions with their users, verifications and counters.
///
/// A storage that cannot answer is [`StoreError::Unavailable`](crate::StoreError::Unavailable) within a bounded time, and a value that cannot be read is
/// [`StoreError::Corrupt`](crate::StoreError::Corrupt); neither is ever "there is none".
pub trait SecondaryStorage: Send + Sync + 'static {
    /// The session of a token with its user, if it is there and not older than its user's [`Mark`].
    fn session<'a>(&'a self, schema: &'a Schema, token: &'a SessionToken) -> Fut<'a, Option<(Session, User)>>;

    /// The sessions of a user that [`session`](Self::session) would find, the one that ends first first.
    fn sessions_of<'a>(&'a self, schema: &'a Schema, user: &'a UserId, now: Timestamp) -> Fut<'a, Vec<Session>>;

    /// Some sessions, whoever's, and where to go on; begins and ends with 0. Reads everything there is, so it is for tools.
    fn walk_sessions<'a>(&'a self, schema: &'a Schema, from: u64) -> Fut<'a, (Vec<Session>, u64)>;

    /// The mark of a user, to be read before whatever allows a session is checked, and given to [`begin`](Self::begin) after.
    fn mark<'a>(&'a self, user: &'a UserId) -> Fut<'a, Mark>;

    /// Adds a session, if its user's mark is still this one: of a session that begins and a revocation of all, the revocation wins.
    fn begin<'a>(&'a self, session: &'a Session, user: &'a User, mark: Mark, now: Timestamp) -> Fut<'a, Begun>;

    /// Sets cells of a session that is there, as one step, and lets it live until its `expiresAt`. One that is not there is not brought back. Whether it was.
    fn update<'a>(&'a self, schema: &'a Schema, token: &'a SessionToken, set: &'a Row, now: Timestamp)
    -> Fut<'a, bool>;

    /// Ends sessions. How many of them there were.
    fn revoke<'a>(&'a self, tokens: &'a [SessionToken], now: Timestamp) -> Fut<'a, u64>;

    /// Ends all sessions of a user, also those that others are about to add, and keeps the mark of it for so long.
    fn revoke_all<'a>(&'a self, user: &'a UserId, now: Timestamp, kept_for: Duration) -> Fut<'a, RevokedAll>;

    /// Puts the user as it is now into all of its live sessions.
    fn replace_user<'a>(&'a self, user: &'a User, now: Timestamp) -> Fut<'a, ()>;

    /// Keeps a verification until it expires, in place of an older one with its identifier.
    fn put_verification<'a>(&'a self, verification: &'a Verification, now: Timestamp) -> Fut<'a, ()>;

    /// Puts a verification back that was taken, unless there is a newer one.
    fn restore_verification<'a>(&'a self, verification: &'a Verification, now: Timestamp) -> Fut<'a, ()>;

    /// The verification of an identifier. Its `id` names exactly this value, and tells nothing of it.
    fn verification<'a>(&'a self, identifier: &'a str) -> Fut<'a, Option<Verification>>;

    /// Removes exactly this verification, as one step: of any number of takers one is told that it did.
    fn take_verification<'a>(&'a self, identifier: &'a str, id: &'a str) -> Fut<'a, bool>;

    /// Removes the verification of an identifier, whichever it is. Whether there was one.
    fn delete_verification<'a>(&'a self, identifier: &'a str) -> Fut<'a, bool>;

    /// Some verifications, and where to go on; begins and ends with 0. Reads everything there is.
    fn walk_verifications(&self, from: u64) -> Fut<'_, (Vec<Verification>, u64)>;

    /// Counts one more, as one step. A counter begins with 1 and is gone when its window is over, however often it was counted.
    fn count<'a>(&'a self, key: &'a str, window: Duration) -> Fut<'a, Counted>;

    /// How it tells of changes to what [`session`](Self::session) answers; `None` where it cannot.
    fn changes(&self) -> Option<Arc<dyn ChangeFeed>> {
        None
    }

    /// Answers when it can serve.
    fn ping(&self) -> Fut<'_, ()>;

    /// Called once, at shutdown.
    fn close(&self) -> Fut<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}
