//! Ids that differ from those records were drafted with.
//!
//! A record is drafted with 32 random letters for an id, and others refer to it by them. Where ids are made otherwise the draft's
//! id only stands for the real one, which is known when the record joins a transaction, or, where the database decides it, once
//! that is written.

use std::sync::Arc;

use hallpass_store::{Outcome, Row, Value};

/// What stands for what, in one transaction.
#[derive(Debug, Default)]
pub(crate) struct RowIds {
    made: Vec<(Value, Value)>,
    inserted: Vec<(Value, usize)>,
}

impl RowIds {
    /// From now on `made` is meant where `drafted` stands.
    pub(crate) fn is_made(&mut self, drafted: Value, made: Value) {
        self.made.push((drafted, made));
    }

    /// From now on the id that the database gives the row of an operation is meant where `drafted` stands.
    pub(crate) fn is_inserted(&mut self, drafted: Value, operation: usize) {
        self.inserted.push((drafted, operation));
    }

    /// Puts ids that are known in their places.
    pub(crate) fn put_into(&self, row: &mut Row) {
        replace(row, &self.made);
    }

    /// The cells that hold an id which only the database will know, and the operation that makes it.
    pub(crate) fn links<'r>(&self, row: &'r Row) -> impl Iterator<Item = (&'r str, usize)> {
        row.iter().filter_map(|(column, value)| {
            let (_, operation) = self.inserted.iter().find(|(drafted, _)| drafted == value)?;
            Some((column, *operation))
        })
    }

    /// What the database has decided.
    pub(crate) fn given<'s>(&'s self, outcomes: &'s [Outcome]) -> impl Iterator<Item = (Value, Value)> + 's {
        self.inserted.iter().filter_map(|(drafted, operation)| {
            let row = outcomes.get(*operation)?.rows.first()?;
            Some((drafted.clone(), row.get("id")?.clone()))
        })
    }
}

/// Puts ids in the place of those they were drafted with.
pub(crate) fn replace(row: &mut Row, ids: &[(Value, Value)]) {
    let real = |value: &Value| ids.iter().find(|(drafted, _)| drafted == value).map(|(_, real)| real.clone());
    let found: Vec<(Arc<str>, Value)> =
        row.iter().filter_map(|(column, value)| Some((column.into(), real(value)?))).collect();
    for (column, id) in found {
        row.set(column, id);
    }
}
