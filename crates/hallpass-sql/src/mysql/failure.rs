//! What went wrong, in the store's words.

use hallpass_store::{Conflict, StoreError, Table};
use mysql_async::{DriverError, Error, ServerError};

use crate::migrate::index_name;

/// Whether the connection is of no use any more, and what was asked last may never have arrived.
pub(super) fn is_broken(error: &Error) -> bool {
    match error {
        // The server is shutting down, the connection was killed or idle for too long, a statement is no longer known.
        Error::Server(error) => matches!(error.code, 1053 | 1243 | 1615 | 1927 | 4031),
        _ => true,
    }
}

/// Whether the transaction was rolled back because others were in its way, so that all of it can be tried again.
pub(super) fn is_deadlock(error: &Error) -> bool {
    // 1020: a row has changed since it was read, which MariaDB says under snapshot isolation.
    matches!(error, Error::Server(ServerError { code: 1213 | 1020, .. }))
}

pub(super) fn store_error(error: Error, table: Option<&Table>) -> StoreError {
    let server = match error {
        Error::Server(server) => server,
        Error::Driver(DriverError::PacketTooLarge) => {
            return StoreError::misuse("a statement is too long for the server");
        }
        other => return StoreError::unavailable(other),
    };
    if let Some(conflict) = conflict(&server, table) {
        return StoreError::Conflict(conflict);
    }
    match server.code {
        1146 | 1054 => StoreError::misuse(format!("the server says: {}; was the database migrated?", server.message)),
        // The value itself stays out of it: it may be a secret.
        1406 => StoreError::misuse(format!("a text is too long for its column ({})", column_in(&server.message))),
        4025 | 3819 => StoreError::misuse("the database has a rule of its own that forbids the value"),
        // `SIGNAL SQLSTATE '45000'`, which is how a trigger refuses.
        1644 => StoreError::misuse("the database was told by a trigger to refuse the write"),
        1153 => StoreError::misuse("a statement is too long for the server"),
        // What was not granted can be granted while we wait.
        1142 | 1143 => StoreError::unavailable(format!(
            "the server says: {}; grant the user of database.url SELECT, INSERT, UPDATE and DELETE on every table",
            server.message
        )),
        // Locks that were waited for in vain, no connection, no space, read-only, and the like.
        1205 | 1213 | 1020 | 1040 | 1044 | 1045 | 1049 | 1203 | 1226 | 1290 | 1836 | 1021 | 1114 => {
            StoreError::unavailable(server)
        }
        code if server.state.starts_with("22") || matches!(code, 1264 | 1292 | 1366) => StoreError::misuse(format!(
            "a value does not fit its column (error {code}, {})",
            column_in(&server.message)
        )),
        code if server.state.starts_with("42") || server.state.starts_with("21") => {
            StoreError::misuse(format!("the server refused a statement (error {code})"))
        }
        _ => StoreError::unavailable(server),
    }
}

fn conflict(error: &ServerError, table: Option<&Table>) -> Option<Conflict> {
    let name = table.map(|table| table.name.to_string()).unwrap_or_default();
    match error.code {
        1062 | 1586 => Some(Conflict::Unique { table: name, column: unique_column(&error.message, table) }),
        1048 => {
            let column = error.message.strip_prefix("Column '").and_then(|rest| rest.strip_suffix("' cannot be null"));
            Some(Conflict::NotNull { table: name, column: logical(column.unwrap_or_default(), table) })
        }
        1364 => {
            let column = error
                .message
                .strip_prefix("Field '")
                .and_then(|rest| rest.strip_suffix("' doesn't have a default value"));
            Some(Conflict::NotNull { table: name, column: logical(column.unwrap_or_default(), table) })
        }
        1216 | 1217 | 1451 | 1452 => Some(Conflict::Reference),
        _ => None,
    }
}

/// The name of the unique key that was violated, where it does not say which column it is on.
pub(super) fn unknown_key<'e>(error: &'e Error, table: &Table) -> Option<&'e str> {
    let Error::Server(server) = error else { return None };
    let is_unknown = matches!(server.code, 1062 | 1586) && unique_column(&server.message, Some(table)).is_empty();
    key_of(&server.message, table).filter(|_| is_unknown)
}

/// The conflict on a column with this name in the database.
pub(super) fn conflict_on(table: &Table, physical: &str) -> StoreError {
    let column = logical(physical, Some(table));
    StoreError::Conflict(Conflict::Unique { table: table.name.to_string(), column })
}

/// The key that a message names at its end. The value before it can hold anything.
fn key_of<'m>(message: &'m str, table: &Table) -> Option<&'m str> {
    let (_, key) = message.rsplit_once("for key '")?;
    let key = key.strip_suffix('\'').unwrap_or(key);
    // MySQL puts the table before it.
    Some(key.strip_prefix(&*table.physical).and_then(|rest| rest.strip_prefix('.')).unwrap_or(key))
}

/// The column of the key that a message names, as far as the key's name tells it.
fn unique_column(message: &str, table: Option<&Table>) -> String {
    let Some((key, table)) = table.and_then(|table| Some((key_of(message, table)?, table))) else {
        return String::new();
    };
    let is_key_of = |column: &hallpass_store::Column| match key {
        "PRIMARY" => &*column.name == "id",
        key => {
            *column.physical == *key
                || index_name(&table.physical, &column.physical, true) == key
                // A second index of one name gets a number.
                || key.strip_prefix(&*column.physical).and_then(|rest| rest.strip_prefix('_')).is_some_and(|rest| {
                    !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
                })
        }
    };
    table.columns.iter().find(|column| is_key_of(column)).map(|column| column.name.to_string()).unwrap_or_default()
}

fn logical(physical: &str, table: Option<&Table>) -> String {
    let known = table.and_then(|table| table.columns.iter().find(|column| *column.physical == *physical));
    known.map_or(physical, |known| &known.name).to_owned()
}

/// `column 'x'`, where a message says it; never a value.
fn column_in(message: &str) -> String {
    match message.rsplit_once("for column ") {
        Some((_, rest)) => format!("column {}", rest.split(" at row").next().unwrap_or_default()),
        None => "no column named".into(),
    }
}

#[cfg(test)]
mod tests {
    use hallpass_store::{Column, ColumnKind};

    use super::*;

    fn failed(code: u16, state: &str, message: &str) -> StoreError {
        let mut table = Table::new("user").column(Column::new("email", ColumnKind::Text).unique().named("e.mail"));
        table.physical = "users".into();
        store_error(Error::Server(ServerError { code, message: message.into(), state: state.into() }), Some(&table))
    }

    #[test]
    fn conflicts_carry_logical_names() {
        for (message, column) in [
            ("Duplicate entry 'x' for key 'e.mail'", "email"),
            ("Duplicate entry 'x' for key 'users.e.mail'", "email"),
            ("Duplicate entry 'x' for key 'e.mail_2'", "email"),
            ("Duplicate entry 'a' for key 'PRIMARY' for key 'users_e.mail_uidx'", "email"),
            ("Duplicate entry 'x' for key 'PRIMARY'", "id"),
            ("Duplicate entry 'x' for key 'other'", ""),
        ] {
            let expected = Conflict::Unique { table: "user".into(), column: column.into() };
            assert_eq!(failed(1062, "23000", message).conflict(), Some(&expected), "{message}");
        }
        let expected = Conflict::NotNull { table: "user".into(), column: "email".into() };
        assert_eq!(failed(1048, "23000", "Column 'e.mail' cannot be null").conflict(), Some(&expected));
        assert_eq!(failed(1451, "23000", "…").conflict(), Some(&Conflict::Reference));
    }

    #[test]
    fn values_stay_out_of_errors() {
        for (code, state, message) in [
            (1366, "22007", "Incorrect integer value: 'hunter2' for column `a`.`t`.`n` at row 1"),
            (1292, "22007", "Truncated incorrect INTEGER value: 'hunter2'"),
            (1064, "42000", "You have an error near 'hunter2'"),
        ] {
            let error = failed(code, state, message);
            assert!(matches!(error, StoreError::Misuse(_)) && !error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_server_that_cannot_is_unavailable() {
        for code in [1040, 1203, 1205, 1213, 1290, 1836, 1021, 1114, 1053, 1927] {
            assert!(failed(code, "HY000", "…").is_unavailable(), "{code}");
        }
        for code in [1142, 1143] {
            assert!(failed(code, "42000", "UPDATE command denied").is_unavailable(), "{code}");
        }
        assert!(failed(1644, "45000", "hush").to_string().ends_with("refuse the write"));
        assert!(failed(1146, "42S02", "Table 'a.b' doesn't exist").to_string().contains("migrated"));
    }
}
