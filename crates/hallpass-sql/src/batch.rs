//! What running a batch is in every database: values that earlier statements have come to, and guards.

use std::borrow::Cow;

use hallpass_store::{Conflict, Outcome, StoreError, Value};

use crate::{dialect::Cell, statement::Statement};

/// The values of a statement, with what earlier statements have come to in its place.
pub(crate) fn parameters<'s>(statement: &'s Statement, earlier: &[Outcome]) -> Result<Vec<Cow<'s, Cell>>, StoreError> {
    let mut values: Vec<Cow<'s, Cell>> = statement.values.iter().map(Cow::Borrowed).collect();
    for link in &statement.links {
        let row = earlier.get(link.statement).and_then(|outcome| outcome.rows.first());
        let id = row.and_then(|row| row.get("id")).and_then(Value::as_text);
        let (Some(id), Some(value)) = (id, values.get_mut(link.value)) else {
            return Err(StoreError::misuse(format!(
                "operation {} inserts no row without an id before this one",
                link.statement
            )));
        };
        *value = Cow::Owned(Cell::Text(id.to_owned()));
    }
    Ok(values)
}

/// Calls the batch off where a guarded statement matched no row.
pub(crate) fn check_guard(index: usize, statement: &Statement, outcome: &Outcome) -> Result<(), StoreError> {
    if statement.guarded && outcome.affected == 0 {
        return Err(StoreError::Conflict(Conflict::Guard(index)));
    }
    Ok(())
}
