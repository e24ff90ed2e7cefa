//! How a store fails.

use std::{error::Error, fmt};

/// Why a store could not do what it was asked.
///
/// "Not found" is no error: look-ups answer `Option` or an empty list. The text is for operators; clients never see it.
///
/// ```
/// use hallpass_store::StoreError;
/// let away = StoreError::unavailable(std::io::Error::other("connection refused"));
/// assert!(away.is_unavailable());
/// assert_eq!(away.to_string(), "the store is unavailable");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached, is overloaded, read-only or out of space. The request may be tried again later.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The data already there forbids the write; nothing of the batch was written.
    #[error("the write conflicts with stored data: {0}")]
    Conflict(Conflict),
    /// A stored value makes no sense for its column.
    #[error("table `{table}`, column `{column}`, row `{row}` holds a value that cannot be understood: {reason}")]
    Corrupt {
        /// The table, by its logical name.
        table: String,
        /// The column, by its logical name.
        column: String,
        /// The row's id, or empty where none was read.
        row: String,
        /// What is wrong, without the value itself (it may be a secret).
        reason: String,
    },
    /// The caller asked for something that cannot be, such as an unknown table. A bug, not a state of the data.
    #[error("the store was asked for what cannot be: {0}")]
    Misuse(String),
}

impl StoreError {
    /// Wraps a driver's failure as [`StoreError::Unavailable`].
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// Makes a [`StoreError::Misuse`].
    pub fn misuse(what: impl Into<String>) -> Self {
        Self::Misuse(what.into())
    }

    /// Makes a [`StoreError::Corrupt`].
    pub fn corrupt(table: &str, column: &str, row: &str, reason: impl Into<String>) -> Self {
        Self::Corrupt { table: table.into(), column: column.into(), row: row.into(), reason: reason.into() }
    }

    /// Whether the store could not be reached, as opposed to having refused.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// The conflict, when the data already there forbade the write.
    pub fn conflict(&self) -> Option<&Conflict> {
        match self {
            Self::Conflict(conflict) => Some(conflict),
            _ => None,
        }
    }
}

/// Which rule a refused write would have broken. Names are logical ones.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// Another row has this value in a unique column.
    Unique {
        /// The table.
        table: String,
        /// The column; empty where the database does not say.
        column: String,
    },
    /// A required column would hold no value.
    NotNull {
        /// The table.
        table: String,
        /// The column; empty where the database does not say.
        column: String,
    },
    /// A row refers to one that does not exist.
    Reference,
    /// The operation at this index of the batch was guarded and matched no row.
    Guard(usize),
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unique { table, column } => write!(f, "`{table}.{column}` must be unique"),
            Self::NotNull { table, column } => write!(f, "`{table}.{column}` must have a value"),
            Self::Reference => write!(f, "a row it refers to does not exist"),
            Self::Guard(index) => write!(f, "operation {index} matched no row"),
        }
    }
}
