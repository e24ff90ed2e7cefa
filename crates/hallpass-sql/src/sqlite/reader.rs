//! Reading.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex, PoisonError, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
};

use hallpass_store::{Row, Schema, SessionAndUser, SessionToken, StoreError};
use rusqlite::{Connection, Params, params_from_iter, types::ValueRef};

use super::failure::{Failure, store_error};
use crate::{
    decode::{self, BYTES, CellRef, Cells},
    dialect::Dialect,
    lookup::Lookup,
    statement::Statement,
};

/// Connections on which any thread can look up a session, without waiting for anything.
#[derive(Debug)]
pub(super) struct Inline {
    slots: Vec<Mutex<Slot>>,
}

#[derive(Debug)]
struct Slot {
    connection: Connection,
    /// The statement for the schema that was asked for last.
    lookup: Option<Arc<Lookup>>,
}

impl Inline {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let slot = |connection| Mutex::new(Slot { connection, lookup: None });
        Self { slots: connections.into_iter().map(slot).collect() }
    }

    /// The answer, or `None` when it could not be had at once.
    pub(super) fn session_with_user(
        &self,
        schema: &Schema,
        token: &SessionToken,
    ) -> Option<Result<Option<SessionAndUser>, StoreError>> {
        // Each thread begins at a slot of its own, so that threads seldom meet.
        let from = thread_number().checked_rem(self.slots.len())?;
        let mut slots = self.slots.iter().cycle().skip(from).take(self.slots.len());
        let mut slot = slots.find_map(|slot| match slot.try_lock() {
            Ok(slot) => Some(slot),
            Err(TryLockError::Poisoned(slot)) => Some(PoisonError::into_inner(slot)),
            Err(TryLockError::WouldBlock) => None,
        })?;
        match slot.session_with_user(schema, token) {
            Err(failure) if failure.is_busy() => None,
            answer => Some(answer.map_err(|failure| failure.into_store_error(None))),
        }
    }
}

impl Slot {
    fn session_with_user(&mut self, schema: &Schema, token: &SessionToken) -> Result<Option<SessionAndUser>, Failure> {
        let lookup = match &self.lookup {
            Some(lookup) if lookup.revision == schema.revision() => lookup,
            _ => self.lookup.insert(Arc::new(Lookup::new(Dialect::Sqlite, schema)?)),
        };
        session_with_user(&self.connection, lookup, token)
    }
}

/// Numbers threads as they come by.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    NUMBER.with(|number| {
        number.get().unwrap_or_else(|| {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            number.set(Some(next));
            next
        })
    })
}

/// A row as SQLite has it.
struct SqliteRow<'r>(&'r rusqlite::Row<'r>);

impl Cells for SqliteRow<'_> {
    type Error = Failure;

    fn cell(&self, index: usize) -> Result<CellRef<'_>, Failure> {
        Ok(match self.0.get_ref(index)? {
            ValueRef::Null => CellRef::Null,
            ValueRef::Text(bytes) => CellRef::Text(bytes),
            ValueRef::Integer(number) => CellRef::Integer(number),
            ValueRef::Real(number) => CellRef::Real(number),
            ValueRef::Blob(_) => CellRef::Unreadable(BYTES),
        })
    }
}

/// The hot look-up.
pub(super) fn session_with_user(
    connection: &Connection,
    lookup: &Lookup,
    token: &SessionToken,
) -> Result<Option<SessionAndUser>, Failure> {
    let mut statement = connection.prepare_cached(&lookup.sql)?;
    let mut rows = statement.query([token.expose()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (session, user) = decode::session_and_user(&SqliteRow(row), lookup)?;
    // A database with a collation of its own on this column finds more than the token that was asked for.
    Ok((session.token == *token).then(|| SessionAndUser::new(session, user)))
}

pub(super) fn find(connection: &Connection, statement: &Statement) -> Result<Vec<Row>, StoreError> {
    rows(connection, statement, params_from_iter(&statement.values))
        .map_err(|failure| failure.into_store_error(Some(&statement.table)))
}

/// Every row that a statement answers with.
pub(super) fn rows(connection: &Connection, statement: &Statement, values: impl Params) -> Result<Vec<Row>, Failure> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let mut found = prepared.query(values)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(decode::row(&SqliteRow(row), &statement.table)?);
    }
    Ok(rows)
}

/// Reads from the file, not only from what is cached.
pub(super) fn ping(connection: &Connection) -> Result<(), StoreError> {
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(())).map_err(|error| store_error(error, None))
}

#[cfg(test)]
mod tests {
    use hallpass_store::Batch;

    use super::*;
    use crate::{sqlite::writer, statement};

    fn migrated(schema: &Schema) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        writer::migrate(&mut connection, schema, hallpass_store::Mode::Apply).unwrap();
        connection
    }

    #[test]
    fn a_look_up_never_waits_for_a_connection() {
        let (schema, token) = (Schema::core(), SessionToken::new("t"));
        let inline = Inline::new(vec![migrated(&schema), migrated(&schema)]);
        let first = inline.slots[0].lock().unwrap();
        assert!(matches!(inline.session_with_user(&schema, &token), Some(Ok(None))), "the other one serves");
        let second = inline.slots[1].lock().unwrap();
        assert!(inline.session_with_user(&schema, &token).is_none());
        drop((first, second));
        assert!(inline.session_with_user(&schema, &token).is_some());
        assert!(Inline::new(Vec::new()).session_with_user(&schema, &token).is_none());
    }

    #[test]
    fn a_look_up_follows_the_schema_it_is_given() {
        use hallpass_store::{Column, ColumnKind, Record, Timestamp, User, UserId};
        let plain = Schema::core();
        let wide = Schema::core().with_column("user", Column::new("plan", ColumnKind::Text).optional());
        let mut connection = migrated(&wide);
        let now = Timestamp::from_millis(0);
        let user = User::new(UserId::new("u"), "n", "e", now).into_row().with("plan", "free");
        let id = hallpass_store::SessionId::new("s");
        let session = hallpass_store::Session::new(id, SessionToken::new("t"), UserId::new("u"), now, now).into_row();
        let batch = Batch::new().insert("user", user).insert("session", session);
        let statements = statement::batch(Dialect::Sqlite, &wide, &batch).unwrap();
        writer::write(&mut connection, &statements).unwrap();
        let inline = Inline::new(vec![connection]);
        let extras = |schema: &Schema| {
            let found = inline.session_with_user(schema, &SessionToken::new("t"));
            found.unwrap().unwrap().unwrap().user.extra.len()
        };
        assert_eq!([&plain, &wide, &plain, &wide].map(extras), [0, 1, 0, 1]);
    }

    /// What the engine asks of a store for one request is counted in its own tests; this is what SQLite is asked for that.
    #[test]
    fn a_look_up_is_one_statement() {
        use std::sync::mpsc::channel;

        use rusqlite::trace::{TraceEvent, TraceEventCodes};
        let (schema, (asked, heard)) = (Schema::core(), channel());
        let mut connection = migrated(&schema);
        let listener = move |event: TraceEvent<'_>| {
            if let TraceEvent::Stmt(statement, _) = event {
                asked.send(statement.sql().into_owned()).unwrap();
            }
        };
        connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(listener)).unwrap();
        let inline = Inline::new(vec![connection]);
        for _ in 0..2 {
            assert!(matches!(inline.session_with_user(&schema, &SessionToken::new("t")), Some(Ok(None))));
            let statements: Vec<String> = heard.try_iter().collect();
            assert!(matches!(&*statements, [one] if one.starts_with("SELECT ")), "{statements:?}");
        }
    }
}
