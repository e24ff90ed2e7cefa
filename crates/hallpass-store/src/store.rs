//! The trait a store fulfils.
//!
//! # Writing a store
//!
//! Implement [`Store`], then call the `suite` (feature `suite`) from a test: it is the contract in executable form. Points
//! that are easily missed:
//!
//! - **A write is all or nothing**, and the answer comes after it is durable for every later read on any node.
//! - **A failing store is [`StoreError::Unavailable`]**, never an empty answer: an empty answer signs people out.
//! - **Names are logical.** Ask the [`Schema`] for the physical ones, and for the kind of each column.
//! - **Nothing blocks the caller's thread** for longer than a look-up in memory or in a mapped file.
//! - **Guards count rows that match.** An update with nothing to set changes none of them, and still counts them; so does one
//!   that sets what is there already.
//! - **No value equals no value**: `Eq(_, Null)` finds empty cells, `Lt` and `Gt` never do. `In` may be refused when it is long;
//!   callers send a few hundred values at most.
//! - **An insert without an id** leaves it to the database; its outcome has the row as it was stored. [`Operation::links`](crate::Operation) are
//!   filled from such rows, so that a user and what belongs to it can be written in one batch.
//! - **An unknown table or column is [`StoreError::Misuse`]**, a broken rule [`StoreError::Conflict`] with the names of the schema.
//! - **Token look-ups are exact**: byte for byte, no collation, no trimming.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use crate::{
    changes::ChangeFeed,
    error::StoreError,
    found::SessionAndUser,
    query::{Batch, Outcome, Query},
    record::SessionToken,
    schema::Schema,
    value::Row,
};

/// What every operation of a store returns: a boxed future, so that `dyn Store` works.
pub type Fut<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Whether a migration is carried out or only shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only says what would be done.
    Plan,
    /// Does it.
    Apply,
}

/// What a migration does, or did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The statements, in order, as text a person can read.
    pub steps: Vec<String>,
    /// What was missing when the store was looked at. There may be something of which no step brings it.
    pub lacks: Vec<Lack>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether reading and writing work without the steps. A plan that does not say what is missing cannot wait.
    pub fn can_wait(&self) -> bool {
        if self.lacks.is_empty() {
            return self.steps.is_empty();
        }
        self.lacks.iter().all(|lack| match lack {
            Lack::Table { .. } | Lack::Column { .. } => false,
            Lack::Index { unique, .. } => !unique,
            Lack::Changes { .. } => true,
        })
    }

    /// What is missing, in words: `table "session", column "plan" of table "user" and 3 more`.
    ///
    /// ```
    /// use hallpass_store::{Lack, Plan};
    /// let lacks = vec![Lack::Table { name: "session".into() }];
    /// assert_eq!(Plan { lacks, ..Plan::default() }.missing(), "table \"session\"");
    /// ```
    pub fn missing(&self) -> String {
        const SHOWN: usize = 6;
        let shown: Vec<String> = self.lacks.iter().take(SHOWN).map(ToString::to_string).collect();
        let more = match self.lacks.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{}{more}", shown.join(", "))
    }
}

/// Something that a store has not got, by its name in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lack {
    /// A table, with all that belongs to it.
    Table {
        /// The table.
        name: String,
    },
    /// A column of a table that is there.
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// An index on a table that is there.
    Index {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Whether it keeps values apart; without any other one reading is merely slow.
        unique: bool,
    },
    /// What lets the database tell of changes that others make ([`Store::changes`]). Without it nothing that was read is kept.
    Changes {
        /// Whether this user may make it. If not, there is no step for it.
        permitted: bool,
    },
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table { name } => write!(f, "table {name:?}"),
            Self::Column { table, column } => write!(f, "column {column:?} of table {table:?}"),
            Self::Index { table, column, unique } => {
                let kind = if *unique { "unique index" } else { "index" };
                write!(f, "{kind} on column {column:?} of table {table:?}")
            }
            Self::Changes { permitted: true } => f.write_str("the triggers by which it tells of changes"),
            Self::Changes { permitted: false } => {
                f.write_str("the triggers by which it tells of changes, which this user may not create")
            }
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| writeln!(f, "{step};"))
    }
}

/// Keeps the records.
///
/// Object-safe on purpose: the engine holds an `Arc<dyn Store>`. There are no transaction closures, so nothing is held open
/// across an await and a [`Batch`] can be tried again as a whole when a database reports a deadlock.
pub trait Store: Send + Sync + 'static {
    /// Creates what is missing, or says what is. What is there and differs from the schema in a way the store does not
    /// understand is refused with [`StoreError::Misuse`], and nothing is changed.
    fn migrate<'a>(&'a self, schema: &'a Schema, mode: Mode) -> Fut<'a, Plan>;

    /// The session of a token together with its user, expired or not, in one step. `None` when either is missing.
    ///
    /// The one hot read of the whole system.
    fn session_with_user<'a>(&'a self, schema: &'a Schema, token: &'a SessionToken) -> Fut<'a, Option<SessionAndUser>>;

    /// The rows a query asks for, each with every column of its table, but for sessions that are documents
    /// (see [`sessions_are_documents`](Self::sessions_are_documents)).
    fn find<'a>(&'a self, schema: &'a Schema, query: Query) -> Fut<'a, Vec<Row>>;

    /// Carries out a batch, all or nothing; one outcome for each operation, in order.
    fn write<'a>(&'a self, schema: &'a Schema, batch: Batch) -> Fut<'a, Vec<Outcome>>;

    /// How this store tells of changes that others make; `None` where it cannot. Without one nothing that was read is kept.
    fn changes(&self) -> Option<Arc<dyn ChangeFeed>> {
        None
    }

    /// Whether sessions are documents rather than rows: of one, an additional field that was never given is then not there at all, instead of being
    /// empty, and clients see the difference.
    fn sessions_are_documents(&self) -> bool {
        false
    }

    /// Answers when the store can serve reads.
    fn ping(&self) -> Fut<'_, ()>;

    /// Finishes what is under way and puts everything where the next start finds it. Called once, at shutdown.
    fn close(&self) -> Fut<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}
