//! What went wrong, in the store's words.

use hallpass_store::{Conflict, StoreError, Table};
use rusqlite::{Error, ErrorCode, ffi};

/// Either SQLite failed, or what it answered makes no sense.
#[derive(Debug)]
pub(super) enum Failure {
    Driver(Error),
    Store(StoreError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Failure {
    /// Whether waiting would have helped.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Driver(error) if is_locked(error))
    }

    /// The failure for the caller, with names from the table that was worked on.
    pub(super) fn into_store_error(self, table: Option<&Table>) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Driver(error) => store_error(error, table),
        }
    }
}

/// Whether somebody else holds what was asked for.
pub(super) fn is_locked(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

pub(super) fn store_error(error: Error, table: Option<&Table>) -> StoreError {
    let (code, message) = match &error {
        Error::SqliteFailure(code, message) => (*code, message.as_deref().unwrap_or_default()),
        Error::SqlInputError { error: code, msg, .. } => (*code, msg.as_str()),
        other => return StoreError::misuse(format!("SQLite was misused: {other}")),
    };
    match code.code {
        ErrorCode::ConstraintViolation => match conflict(code.extended_code, message, table) {
            Some(conflict) => StoreError::Conflict(conflict),
            None => StoreError::misuse(format!("the database has a rule of its own: {message}")),
        },
        // The plain "error" code: a table or column is missing, or a statement is wrong.
        ErrorCode::Unknown => StoreError::misuse(format!("SQLite says: {message}; was the database migrated?")),
        ErrorCode::TypeMismatch | ErrorCode::TooBig | ErrorCode::ApiMisuse | ErrorCode::ParameterOutOfRange => {
            StoreError::misuse(format!("SQLite says: {message}"))
        }
        _ => StoreError::unavailable(error),
    }
}

fn conflict(extended_code: i32, message: &str, table: Option<&Table>) -> Option<Conflict> {
    let named = |prefix: &str| logical(message.strip_prefix(prefix).unwrap_or_default(), table);
    match extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            let (table, column) = named("UNIQUE constraint failed: ");
            Some(Conflict::Unique { table, column })
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => {
            let (table, column) = named("NOT NULL constraint failed: ");
            Some(Conflict::NotNull { table, column })
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Some(Conflict::Reference),
        _ => None,
    }
}

/// The logical names of what SQLite calls `table.column`, the first of them where it names several.
fn logical(physical: &str, table: Option<&Table>) -> (String, String) {
    if let Some(table) = table
        && let Some(rest) = physical.strip_prefix(&*table.physical).and_then(|rest| rest.strip_prefix('.'))
    {
        let separator = format!(", {}.", table.physical);
        let column = rest.split(&separator).next().unwrap_or_default();
        let known = table.columns.iter().find(|known| *known.physical == *column);
        return (table.name.to_string(), known.map_or(column, |known| &known.name).to_owned());
    }
    let (table, column) = physical.split_once('.').unwrap_or_default();
    (table.to_owned(), column.to_owned())
}

#[cfg(test)]
mod tests {
    use hallpass_store::{Column, ColumnKind};

    use super::*;

    fn failed(code: i32, message: &str) -> StoreError {
        let mut table = Table::new("user").column(Column::new("email", ColumnKind::Text).named("e.mail"));
        table.physical = "app.users".into();
        let error = Error::SqliteFailure(ffi::Error::new(code), Some(message.into()));
        store_error(error, Some(&table))
    }

    #[test]
    fn conflicts_carry_logical_names() {
        let unique = ("user", "email");
        for (code, message, (table, column)) in [
            (ffi::SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: app.users.e.mail", unique),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: app.users.e.mail, app.users.x", unique),
            (ffi::SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed: other.id", ("other", "id")),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: index 'x'", ("", "")),
        ] {
            let expected = Conflict::Unique { table: table.into(), column: column.into() };
            assert_eq!(failed(code, message).conflict(), Some(&expected), "{message}");
        }
        let reference = failed(ffi::SQLITE_CONSTRAINT_FOREIGNKEY, "FOREIGN KEY constraint failed");
        assert_eq!(reference.conflict(), Some(&Conflict::Reference));
    }

    #[test]
    fn what_may_pass_is_unavailable_and_what_is_wrong_is_misuse() {
        use ffi::{
            SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT, SQLITE_CANTOPEN, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_INTERRUPT,
            SQLITE_IOERR_READ, SQLITE_LOCKED, SQLITE_NOMEM, SQLITE_NOTADB, SQLITE_READONLY, SQLITE_READONLY_DBMOVED,
        };
        for code in [
            SQLITE_BUSY,
            SQLITE_BUSY_SNAPSHOT,
            SQLITE_LOCKED,
            SQLITE_CANTOPEN,
            SQLITE_IOERR_READ,
            SQLITE_FULL,
            SQLITE_READONLY,
            SQLITE_READONLY_DBMOVED,
            SQLITE_CORRUPT,
            SQLITE_NOTADB,
            SQLITE_NOMEM,
            SQLITE_INTERRUPT,
        ] {
            assert!(failed(code, "").is_unavailable(), "{code}");
        }
        for code in [ffi::SQLITE_ERROR, ffi::SQLITE_MISMATCH, ffi::SQLITE_CONSTRAINT_CHECK] {
            assert!(matches!(failed(code, "x"), StoreError::Misuse(_)), "{code}");
        }
    }
}
