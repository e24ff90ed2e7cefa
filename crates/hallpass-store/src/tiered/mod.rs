//! One store of two: records in a database, sessions and verifications in a secondary storage.
//!
//! | File | What |
//! |---|---|
//! | `mod` | [`Tiered`] itself: which question goes where |
//! | `plan` | what the operations of a batch come to on either side, before anything is written |
//! | `carry_out` | the order in which they are written, and why |
//! | `lookup` | reading sessions and verifications by filters |

mod carry_out;
mod lookup;
mod plan;

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    changes::ChangeFeed,
    found::SessionAndUser,
    query::{Batch, Outcome, Query},
    record::{Record, Session, SessionToken, Verification},
    schema::Schema,
    secondary::SecondaryStorage,
    store::{Fut, Mode, Plan, Store},
    timestamp::Timestamp,
    value::Row,
};

/// What is kept where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TieredOptions {
    /// Sessions are in the database too, and the database is right where the two differ.
    pub store_session_in_database: bool,
    /// Sessions that ended stay in the database, with the moment in which they did. What is in the database then makes no session live.
    pub preserve_session_in_database: bool,
    /// Verifications are in the database too, and the database is right where the two differ.
    pub verification_in_database: bool,
    /// How long a session lives at most; for so long it is remembered that all sessions of a user were revoked.
    pub session_life: Duration,
}

impl Default for TieredOptions {
    fn default() -> Self {
        Self {
            store_session_in_database: false,
            preserve_session_in_database: false,
            verification_in_database: false,
            session_life: Duration::from_hours(7 * 24),
        }
    }
}

impl TieredOptions {
    /// Whether a session that is in the database alone is one.
    const fn falls_back(&self) -> bool {
        self.store_session_in_database && !self.preserve_session_in_database
    }

    const fn preserves(&self) -> bool {
        self.store_session_in_database && self.preserve_session_in_database
    }
}

type Now = Box<dyn Fn() -> Timestamp + Send + Sync>;
type NewId = Box<dyn Fn() -> String + Send + Sync>;

/// A store that keeps sessions and verifications in a secondary storage, and everything else in a database.
///
/// It takes the queries and batches that the engine makes, so whatever takes a [`Store`] works with it. What the layout of a secondary storage cannot do is
/// [`StoreError::Misuse`](crate::StoreError::Misuse). A session can be found by anything, but only its token and its user lead to it directly;
/// for other filters everything there is has to be read.
///
/// A batch that touches both sides is not one transaction, since there is none that spans them. The order is such that a failure never leaves a live token where
/// there should be none; `carry_out.rs` has the reasons.
pub struct Tiered {
    records: Arc<dyn Store>,
    secondary: Arc<dyn SecondaryStorage>,
    options: TieredOptions,
    now: Now,
    new_id: NewId,
}

impl Tiered {
    /// Puts the two together. `now` tells the time; `new_id` makes the id of a session or verification whose id is left to the database.
    pub fn new(
        records: Arc<dyn Store>,
        secondary: Arc<dyn SecondaryStorage>,
        options: TieredOptions,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        new_id: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        Self { records, secondary, options, now: Box::new(now), new_id: Box::new(new_id) }
    }

    fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// For how long a revocation of all sessions is remembered; a day at least, as in the npm package.
    fn mark_life(&self) -> Duration {
        self.options.session_life.max(Duration::from_hours(24))
    }
}

impl fmt::Debug for Tiered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tiered").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Store for Tiered {
    fn migrate<'a>(&'a self, schema: &'a Schema, mode: Mode) -> Fut<'a, Plan> {
        Box::pin(async move {
            let mut schema = schema.clone();
            if !self.options.store_session_in_database {
                schema = schema.without_table(Session::TABLE);
            }
            if !self.options.verification_in_database {
                schema = schema.without_table(Verification::TABLE);
            }
            self.records.migrate(&schema, mode).await
        })
    }

    fn session_with_user<'a>(&'a self, schema: &'a Schema, token: &'a SessionToken) -> Fut<'a, Option<SessionAndUser>> {
        Box::pin(async move {
            match self.secondary.session(schema, token).await? {
                None if self.options.falls_back() => self.records.session_with_user(schema, token).await,
                found => Ok(found.map(SessionAndUser::from)),
            }
        })
    }

    fn find<'a>(&'a self, schema: &'a Schema, query: Query) -> Fut<'a, Vec<Row>> {
        Box::pin(async move {
            match &*query.table {
                Session::TABLE if !self.options.falls_back() => self.find_sessions(schema, &query).await,
                Verification::TABLE if !self.options.verification_in_database => {
                    self.find_verifications(schema, &query).await
                }
                _ => self.records.find(schema, query).await,
            }
        })
    }

    fn write<'a>(&'a self, schema: &'a Schema, batch: Batch) -> Fut<'a, Vec<Outcome>> {
        Box::pin(async move {
            if batch.operations().iter().any(plan::concerns_secondary) {
                let plan = self.plan(schema, batch).await?;
                self.carry_out(schema, plan).await
            } else {
                self.records.write(schema, batch).await
            }
        })
    }

    /// Only where every answer comes out of the secondary storage: it tells of its own changes, not of the database's.
    fn changes(&self) -> Option<Arc<dyn ChangeFeed>> {
        if self.options.falls_back() { None } else { self.secondary.changes() }
    }

    /// Where a session is a row as well, that row's columns are what its document begins with.
    fn sessions_are_documents(&self) -> bool {
        !self.options.store_session_in_database
    }

    fn ping(&self) -> Fut<'_, ()> {
        Box::pin(async {
            self.secondary.ping().await?;
            self.records.ping().await
        })
    }

    fn close(&self) -> Fut<'_, ()> {
        Box::pin(async {
            let closed = self.secondary.close().await;
            self.records.close().await.and(closed)
        })
    }
}
