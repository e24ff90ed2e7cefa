//! Reading and writing, in terms every store understands.

use std::sync::Arc;

use crate::value::{Row, Value};

/// Which rows are meant. Names are logical ones.
///
/// ```
/// use hallpass_store::{Filter, Timestamp};
/// let live = Filter::eq("userId", "u1").and(Filter::gt("expiresAt", Timestamp::from_millis(0)));
/// assert!(matches!(live, Filter::And(parts) if parts.len() == 2));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Filter {
    /// Every row.
    All,
    /// Rows whose cell equals the value.
    Eq(Arc<str>, Value),
    /// Rows whose cell is less than the value.
    Lt(Arc<str>, Value),
    /// Rows whose cell is greater than the value.
    Gt(Arc<str>, Value),
    /// Rows whose cell equals one of the values; none, when there are no values.
    In(Arc<str>, Vec<Value>),
    /// Rows that all of these match.
    And(Vec<Filter>),
}

impl Filter {
    /// Rows whose `column` equals `value`.
    pub fn eq(column: impl Into<Arc<str>>, value: impl Into<Value>) -> Self {
        Self::Eq(column.into(), value.into())
    }

    /// Rows whose `column` is less than `value`.
    pub fn lt(column: impl Into<Arc<str>>, value: impl Into<Value>) -> Self {
        Self::Lt(column.into(), value.into())
    }

    /// Rows whose `column` is greater than `value`.
    pub fn gt(column: impl Into<Arc<str>>, value: impl Into<Value>) -> Self {
        Self::Gt(column.into(), value.into())
    }

    /// Rows that this filter and the other both match.
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::And(mut parts) => {
                parts.push(other);
                Self::And(parts)
            }
            first => Self::And(vec![first, other]),
        }
    }
}

/// In which order rows come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Smallest first.
    Ascending,
    /// Greatest first.
    Descending,
}

/// Which rows to read. Without an order they come as the store keeps them, which is the order of insertion where it has one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Query {
    /// The table, by logical name.
    pub table: Arc<str>,
    /// Which rows.
    pub filter: Filter,
    /// Ordered by this column.
    pub order: Option<(Arc<str>, Order)>,
    /// At most this many.
    pub limit: Option<u32>,
    /// Leaving out this many first; only with an order.
    pub offset: u32,
}

impl Query {
    /// Every row of a table.
    pub fn table(table: impl Into<Arc<str>>) -> Self {
        Self { table: table.into(), filter: Filter::All, order: None, limit: None, offset: 0 }
    }

    /// Only rows that match.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// In the order of a column.
    pub fn order_by(mut self, column: impl Into<Arc<str>>, order: Order) -> Self {
        self.order = Some((column.into(), order));
        self
    }

    /// At most this many rows.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Leaves out the first rows.
    pub fn offset(mut self, offset: u32) -> Self {
        self.offset = offset;
        self
    }
}

/// What one operation of a [`Batch`] does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Adds a row. Columns not given hold no value; an `id` not given is for the database to decide, and the outcome tells it.
    Insert(Row),
    /// Sets cells of every row that matches.
    Update {
        /// Which rows.
        filter: Filter,
        /// The cells to set.
        set: Row,
    },
    /// Removes every row that matches, and rows that refer to it.
    Delete(Filter),
    /// Removes every row that matches and hands them back: of any number of concurrent takers exactly one gets a row.
    Take(Filter),
    /// Adds to a number in every row that matches, as one step.
    Increment {
        /// Which rows.
        filter: Filter,
        /// The column.
        column: Arc<str>,
        /// What is added.
        by: i64,
    },
}

/// One operation on one table.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Operation {
    /// The table, by logical name.
    pub table: Arc<str>,
    /// What is done.
    pub action: Action,
    /// Whether matching no row calls the whole batch off, with [`Conflict::Guard`](crate::Conflict::Guard).
    pub guarded: bool,
    /// Cells of an insert that get the id of a row inserted earlier in the batch, which the database decides.
    pub links: Vec<Link>,
}

/// A cell that gets the id of a row which is inserted earlier in the same batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// The column.
    pub column: Arc<str>,
    /// The operation that inserts the row, counted from 0.
    pub operation: usize,
}

/// What an operation did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// How many rows it added, changed or removed (not counting rows that went because they referred to one).
    pub affected: u64,
    /// The rows an [`Action::Take`] removed; the row an [`Action::Insert`] without an id has added.
    pub rows: Vec<Row>,
}

impl FromIterator<Operation> for Batch {
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        Self(operations.into_iter().collect())
    }
}

/// Writes that happen all together or not at all, in order.
///
/// ```
/// use hallpass_store::{Batch, Filter, Row};
/// let batch = Batch::new()
///     .delete("session", Filter::eq("userId", "u1"))
///     .update("account", Filter::eq("id", "a1"), Row::new().with("password", "…"))
///     .guarded();
/// assert_eq!(batch.operations().len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch(Vec<Operation>);

impl Batch {
    /// Nothing to write yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a row.
    pub fn insert(self, table: impl Into<Arc<str>>, row: Row) -> Self {
        self.then(table, Action::Insert(row))
    }

    /// Sets cells of every row that matches.
    pub fn update(self, table: impl Into<Arc<str>>, filter: Filter, set: Row) -> Self {
        self.then(table, Action::Update { filter, set })
    }

    /// Removes every row that matches.
    pub fn delete(self, table: impl Into<Arc<str>>, filter: Filter) -> Self {
        self.then(table, Action::Delete(filter))
    }

    /// Removes every row that matches and hands them back.
    pub fn take(self, table: impl Into<Arc<str>>, filter: Filter) -> Self {
        self.then(table, Action::Take(filter))
    }

    /// Adds to a number in every row that matches.
    pub fn increment(self, table: impl Into<Arc<str>>, filter: Filter, column: impl Into<Arc<str>>, by: i64) -> Self {
        self.then(table, Action::Increment { filter, column: column.into(), by })
    }

    /// Calls the whole batch off when the operation added last matches no row.
    pub fn guarded(mut self) -> Self {
        if let Some(last) = self.0.last_mut() {
            last.guarded = true;
        }
        self
    }

    /// Fills a cell of the row inserted last with the id that the database gives the row of an earlier operation.
    ///
    /// ```
    /// use hallpass_store::{Batch, Row};
    /// let batch = Batch::new()
    ///     .insert("user", Row::new().with("name", "Ann"))
    ///     .insert("session", Row::new().with("token", "t"))
    ///     .linked("userId", 0);
    /// assert_eq!(batch.operations()[1].links.len(), 1);
    /// ```
    pub fn linked(mut self, column: impl Into<Arc<str>>, operation: usize) -> Self {
        if let Some(last) = self.0.last_mut() {
            last.links.push(Link { column: column.into(), operation });
        }
        self
    }

    /// Appends another batch.
    pub fn append(mut self, mut other: Self) -> Self {
        let earlier = self.0.len();
        other.0.iter_mut().flat_map(|operation| &mut operation.links).for_each(|link| link.operation += earlier);
        self.0.extend(other.0);
        self
    }

    /// The operations in order.
    pub fn operations(&self) -> &[Operation] {
        &self.0
    }

    /// Takes the operations out.
    pub fn into_operations(self) -> Vec<Operation> {
        self.0
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an operation as it is.
    pub(crate) fn push(&mut self, operation: Operation) {
        self.0.push(operation);
    }

    fn then(mut self, table: impl Into<Arc<str>>, action: Action) -> Self {
        self.0.push(Operation { table: table.into(), action, guarded: false, links: Vec::new() });
        self
    }
}
