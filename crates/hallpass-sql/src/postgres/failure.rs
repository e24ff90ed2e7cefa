//! What went wrong, in the store's words.
//!
//! The server's messages may hold what a client typed (`invalid input syntax for type integer: "…"`), so of most errors only the code
//! is passed on.

use hallpass_store::{Conflict, StoreError, Table};
use tokio_postgres::{
    Error,
    error::{DbError, SqlState},
};

/// Whether the whole of it may be tried again: nothing was written, and another time it may go well.
pub(super) fn may_pass(error: &Error) -> bool {
    matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
        || is_stale(error)
}

/// Whether a statement that was prepared no longer fits, because a migration changed its table or the server forgot it.
pub(super) fn is_stale(error: &Error) -> bool {
    match error.as_db_error() {
        Some(told) if *told.code() == SqlState::FEATURE_NOT_SUPPORTED => {
            told.routine() == Some("RevalidateCachedQuery")
        }
        Some(told) => *told.code() == SqlState::INVALID_SQL_STATEMENT_NAME,
        None => false,
    }
}

/// Whether the connection is gone.
pub(super) fn is_gone(error: &Error) -> bool {
    match error.code() {
        Some(code) => code.code().starts_with("57P0") || code.code().starts_with("08"),
        None => true,
    }
}

/// Why a statement failed.
pub(super) struct Failure {
    pub(super) error: StoreError,
    /// Whether the server could not make of a text what its column holds.
    pub(super) misfit: bool,
}

impl Failure {
    pub(super) fn new(error: Error, table: Option<&Table>) -> Self {
        let misfit = matches!(
            error.code(),
            Some(&SqlState::INVALID_TEXT_REPRESENTATION | &SqlState::NUMERIC_VALUE_OUT_OF_RANGE)
        );
        Self { error: store_error(error, table), misfit }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { error, misfit: false }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

pub(super) fn store_error(error: Error, table: Option<&Table>) -> StoreError {
    let Some(told) = error.as_db_error() else { return StoreError::unavailable(error) };
    let code = told.code().code();
    let says = |what: &str| StoreError::misuse(format!("Postgres {what} (SQLSTATE {code})"));
    match code {
        "23505" => StoreError::Conflict(unique(told, table)),
        "23502" => {
            let (table, column) = logical(told, told.column().unwrap_or_default(), table);
            StoreError::Conflict(Conflict::NotNull { table, column })
        }
        "23503" | "23001" => StoreError::Conflict(Conflict::Reference),
        "42P01" | "42703" => {
            StoreError::misuse(format!("Postgres says: {}; was the database migrated?", told.message()))
        }
        // It names a table or a schema, and what it was granted can be granted while we wait.
        "42501" => {
            // Row-level security refuses with the same code, and is mended in another way.
            let hint = match told.routine() {
                Some("aclcheck_error") => {
                    "; grant the user of database.url SELECT, INSERT, UPDATE and DELETE on every table, and USAGE on their schema"
                }
                _ => "",
            };
            StoreError::unavailable(format!("Postgres says: {} (SQLSTATE {code}){hint}", told.message()))
        }
        "25006" => StoreError::unavailable(
            "Postgres is read-only at the moment: a standby, or a database or role that is set so",
        ),
        "26000" | "42P05" => StoreError::unavailable(format!(
            "Postgres and we do not agree on which statements are prepared (SQLSTATE {code}); where a pooler is in between, set \
             database.statement_cache = false, and database.listen_url to lead past it"
        )),
        _ if code.starts_with("22") => says("cannot store or compare such a value"),
        _ if code.starts_with("23") => says("has a rule of its own that forbids the write"),
        _ if code.starts_with("42") || code.starts_with("0A") || code.starts_with("54") => {
            says("refuses the statement")
        }
        _ if code == "P0001" => says("was told by a trigger to refuse the write"),
        _ => StoreError::unavailable(format!("Postgres cannot serve (SQLSTATE {code})")),
    }
}

fn unique(told: &DbError, table: Option<&Table>) -> Conflict {
    let column = told.detail().and_then(key_of).or_else(|| {
        // Without the right to read the column the server does not name it; the constraint's usual name does.
        let rest = told.constraint()?.strip_prefix(told.table()?)?.strip_prefix('_')?;
        match rest {
            "pkey" => Some("id".to_owned()),
            named => named.strip_suffix("_key").or_else(|| named.strip_suffix("_uidx")).map(str::to_owned),
        }
    });
    let (table, column) = logical(told, &column.unwrap_or_default(), table);
    Conflict::Unique { table, column }
}

/// The first column of `Key (email)=(…) already exists.`, in whichever language; never its value.
fn key_of(detail: &str) -> Option<String> {
    let (_, rest) = detail.split_once('(')?;
    let (columns, _) = rest.split_once(")=(")?;
    Some(match columns.strip_prefix('"') {
        Some(quoted) => {
            let quoted = quoted
                .split_once("\", ")
                .map_or_else(|| quoted.strip_suffix('"').unwrap_or(quoted), |(first, _)| first);
            quoted.replace("\"\"", "\"")
        }
        None => columns.split(", ").next().unwrap_or_default().to_owned(),
    })
}

fn logical(told: &DbError, column: &str, table: Option<&Table>) -> (String, String) {
    let physical = told.table().unwrap_or_default();
    match table {
        Some(table) if *table.physical == *physical => {
            let known = table.columns.iter().find(|known| *known.physical == *column);
            (table.name.to_string(), known.map_or(column, |known| &known.name).to_owned())
        }
        _ => (physical.to_owned(), column.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_of_a_conflict_is_read_and_its_value_is_not() {
        for (detail, column) in [
            ("Key (email)=(ann@example.com) already exists.", Some("email")),
            ("Key (\"userId\")=(u) already exists.", Some("userId")),
            ("Key (\"the \"\"label\"\"\")=(one) already exists.", Some("the \"label\"")),
            ("Key (\"userId\", kind)=(u, k) already exists.", Some("userId")),
            ("Schlüssel »(a, b)=(1, 2)« existiert bereits.", Some("a")),
            ("nothing of the kind", None),
        ] {
            assert_eq!(key_of(detail).as_deref(), column, "{detail}");
        }
    }
}
