//! Writing records: database hooks around one all-or-nothing batch (CONTRACT §16).

use hallpass_store::{Batch, Conflict, Filter, Outcome, Query, Record, Row, StoreError, User, Value};

use crate::{
    context::Context,
    error::{ApiError, ErrorCode},
    plugin::Verdict,
    row_ids::{self, RowIds},
};

/// Writes that are collected, then happen together.
///
/// Before-hooks run as writes are collected, so a hook that cancels or refuses does so before anything is written. After-hooks run
/// once the batch is committed; nothing can be taken back then, so their errors are logged and change nothing.
pub(crate) struct Transaction<'c> {
    cx: &'c mut Context,
    batch: Batch,
    ids: RowIds,
    done: Vec<Event>,
}

enum Event {
    Created(&'static str, Row),
    Updated(&'static str, Row),
    Deleted(&'static str, Row),
}

impl Context {
    /// Begins to collect writes.
    pub(crate) fn transaction(&mut self) -> Transaction<'_> {
        Transaction { cx: self, batch: Batch::new(), ids: RowIds::default(), done: Vec::new() }
    }

    /// The records a filter matches.
    pub(crate) async fn find<R: Record>(&self, filter: Filter) -> Result<Vec<R>, StoreError> {
        let rows = self.store().find(self.schema(), Query::table(R::TABLE).filter(filter)).await?;
        rows.into_iter().map(R::from_row).collect()
    }

    /// A record with the ids that the database has given it and what it refers to, now that it is written.
    pub(crate) fn settled<R: Record>(&self, record: R) -> Result<R, StoreError> {
        if self.given_ids.is_empty() {
            return Ok(record);
        }
        let mut row = record.into_row();
        row_ids::replace(&mut row, &self.given_ids);
        R::from_row(row)
    }

    /// A user as the store has made of it: a number in a text column, say, has become a text. Where there are no additional
    /// fields nothing can have changed, and nothing is read.
    pub(crate) async fn as_stored(&self, user: User) -> User {
        if self.engine.user_fields.is_empty() {
            return user;
        }
        match self.find::<User>(Filter::eq("id", &user.id)).await {
            Ok(stored) => stored.into_iter().next().unwrap_or(user),
            Err(error) => {
                // The user is there; an error now would say otherwise.
                tracing::error!(error = &error as &dyn std::error::Error, "a new user could not be read back");
                user
            }
        }
    }
}

impl Transaction<'_> {
    /// The request it belongs to.
    pub(crate) fn context(&self) -> &Context {
        self.cx
    }

    /// Adds a record. Returns it as hooks have left it, or `None` when one cancelled. Where the database decides ids,
    /// [`Context::settled`] puts the real one into it once it is written; hooks see none before.
    pub(crate) async fn create<R: Record>(&mut self, record: R) -> Result<Option<R>, ApiError> {
        let mut row = record.into_row();
        let drafted = row.get("id").cloned().unwrap_or(Value::Null);
        self.make_id(R::TABLE, &drafted, &mut row);
        for hooks in &self.cx.engine.database {
            if hooks.before_create(self.cx, R::TABLE, &mut row).await? == Verdict::Cancel {
                return Ok(None);
            }
        }
        let place = self.batch.operations().len();
        let inserted = std::mem::take(&mut self.batch).insert(R::TABLE, row.clone());
        self.batch = self.ids.links(&row).fold(inserted, |batch, (column, owner)| batch.linked(column, owner));
        if row.get("id").is_none_or(Value::is_null) {
            row.set("id", drafted.clone());
            self.ids.is_inserted(drafted, place);
        }
        self.note(|| Event::Created(R::TABLE, row.clone()));
        Ok(Some(R::from_row(row)?))
    }

    /// Gives a row the id that it is to have in place of the one it was drafted with, and likewise what it refers to.
    fn make_id(&mut self, table: &str, drafted: &Value, row: &mut Row) {
        let ids = &self.cx.engine.ids;
        if ids.are_letters() {
            return;
        }
        let made = ids.make(table);
        row.set("id", made.clone());
        if !made.is_null() {
            self.ids.is_made(drafted.clone(), made);
        }
        self.ids.put_into(row);
    }

    /// Sets cells. Whether it will happen: false when a hook cancelled.
    pub(crate) async fn update(&mut self, table: &'static str, filter: Filter, mut set: Row) -> Result<bool, ApiError> {
        for hooks in &self.cx.engine.database {
            if hooks.before_update(self.cx, table, &mut set).await? == Verdict::Cancel {
                return Ok(false);
            }
        }
        self.note(|| Event::Updated(table, set.clone()));
        self.add(Batch::new().update(table, filter, set));
        Ok(true)
    }

    /// Calls everything off unless a row like this is still there when it is written.
    pub(crate) fn require(&mut self, table: &'static str, filter: Filter) {
        self.add(Batch::new().update(table, filter, Row::new()).guarded());
    }

    /// Sets cells of rows that must still be there when it is written, or calls everything off.
    pub(crate) async fn update_guarded(
        &mut self,
        table: &'static str,
        filter: Filter,
        set: Row,
    ) -> Result<bool, ApiError> {
        let proceeds = self.update(table, filter, set).await?;
        if proceeds {
            self.batch = std::mem::take(&mut self.batch).guarded();
        }
        Ok(proceeds)
    }

    /// Removes rows that must still be there when it is written, or calls everything off: of any number of transactions that take
    /// the same row, one happens.
    pub(crate) async fn take_guarded(&mut self, table: &'static str, filter: Filter) -> Result<bool, ApiError> {
        let proceeds = self.announce_deletion(table, &filter).await?;
        if proceeds {
            self.add(Batch::new().take(table, filter).guarded());
        }
        Ok(proceeds)
    }

    /// Removes rows. Where hooks are registered each row is read first, so that they can be told which.
    pub(crate) async fn delete(&mut self, table: &'static str, filter: Filter) -> Result<(), ApiError> {
        if self.announce_deletion(table, &filter).await? {
            self.add(Batch::new().delete(table, filter));
        }
        Ok(())
    }

    /// Asks the hooks about rows that are to be removed. Whether it may go on.
    async fn announce_deletion(&mut self, table: &'static str, filter: &Filter) -> Result<bool, ApiError> {
        if self.cx.engine.database.is_empty() {
            return Ok(true);
        }
        let rows = self.cx.store().find(self.cx.schema(), Query::table(table).filter(filter.clone())).await?;
        for row in &rows {
            for hooks in &self.cx.engine.database {
                if hooks.before_delete(self.cx, table, row).await? == Verdict::Cancel {
                    return Ok(false);
                }
            }
        }
        self.done.extend(rows.into_iter().map(|row| Event::Deleted(table, row)));
        Ok(true)
    }

    /// Writes it all, or nothing.
    pub(crate) async fn commit(mut self) -> Result<Vec<Outcome>, StoreError> {
        if self.batch.is_empty() {
            return Ok(Vec::new());
        }
        let outcomes = self.cx.store().write(self.cx.schema(), self.batch).await?;
        let given: Vec<_> = self.ids.given(&outcomes).collect();
        for event in &mut self.done {
            if let Event::Created(_, row) = event {
                row_ids::replace(row, &given);
            }
            announce(self.cx, event).await;
        }
        self.cx.given_ids.extend(given);
        Ok(outcomes)
    }

    /// Writes it all, or nothing; `gone` is the answer when something that was required is no longer there.
    pub(crate) async fn commit_unless(self, gone: ErrorCode) -> Result<(), ApiError> {
        if self.commit_if_guards_hold().await? { Ok(()) } else { Err(gone.into()) }
    }

    /// Writes it all, or nothing. Whether everything that was required was still there.
    pub(crate) async fn commit_if_guards_hold(self) -> Result<bool, StoreError> {
        match self.commit().await {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.conflict(), Some(Conflict::Guard(_))) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn add(&mut self, more: Batch) {
        self.batch = std::mem::take(&mut self.batch).append(more);
    }

    fn note(&mut self, event: impl FnOnce() -> Event) {
        if !self.cx.engine.database.is_empty() {
            self.done.push(event());
        }
    }
}

async fn announce(cx: &Context, event: &Event) {
    for hooks in &cx.engine.database {
        let told = match event {
            Event::Created(table, row) => hooks.after_create(cx, table, row).await,
            Event::Updated(table, set) => hooks.after_update(cx, table, set).await,
            Event::Deleted(table, row) => hooks.after_delete(cx, table, row).await,
        };
        if let Err(error) = told {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a database hook failed after the write was committed"
            );
        }
    }
}
