//! Everything in this process, gone when it ends.
//!
//! [`MemoryStore`] keeps the whole contract: unique and required columns, references with cascading deletes, guards,
//! batches that happen all together or not at all. It suits tests and servers that may forget. It writes no log and gives
//! no memory back to the system, and every operation holds one lock.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    error::{Conflict, StoreError},
    found::SessionAndUser,
    query::{Action, Batch, Filter, Link, Operation, Order, Outcome, Query},
    record::{Record, Session, SessionToken, User},
    schema::{Column, ColumnKind, Schema, Table},
    store::{Fut, Mode, Plan, Store},
    value::{Row, Value},
};

/// A store in the memory of this process. Clones share their content.
///
/// Tables come into being when they are first written to; [`Store::migrate`] is allowed and not needed.
///
/// ```
/// use hallpass_store::{Batch, MemoryStore, Row, Schema, Store, Timestamp};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (store, schema) = (MemoryStore::new(), Schema::core());
/// let now = Timestamp::from_millis(0);
/// let orphan = Row::new()
///     .with("id", "s1").with("token", "t").with("userId", "nobody")
///     .with("expiresAt", now).with("createdAt", now).with("updatedAt", now);
/// let refused = store.write(&schema, Batch::new().insert("session", orphan)).await.unwrap_err();
/// assert!(refused.conflict().is_some());
/// # });
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // A panic inside the lock leaves at worst a batch half undone, which only a bug in this file can cause.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    /// Leaves out the content, which is full of secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn migrate<'a>(&'a self, schema: &'a Schema, mode: Mode) -> Fut<'a, Plan> {
        Box::pin(async move { self.lock().migrate(schema, mode) })
    }

    fn session_with_user<'a>(&'a self, schema: &'a Schema, token: &'a SessionToken) -> Fut<'a, Option<SessionAndUser>> {
        Box::pin(async move {
            let tables = self.lock();
            let Some(session) = tables.first(schema, "session", Filter::eq("token", token))? else { return Ok(None) };
            let owner = session.get("userId").cloned().unwrap_or(Value::Null);
            let Some(user) = tables.first(schema, "user", Filter::eq("id", owner))? else { return Ok(None) };
            Ok(Some(SessionAndUser::new(Session::from_row(session)?, User::from_row(user)?)))
        })
    }

    fn find<'a>(&'a self, schema: &'a Schema, query: Query) -> Fut<'a, Vec<Row>> {
        Box::pin(async move { self.lock().find(schema, &query) })
    }

    fn write<'a>(&'a self, schema: &'a Schema, batch: Batch) -> Fut<'a, Vec<Outcome>> {
        Box::pin(async move { self.lock().write(schema, batch) })
    }

    fn ping(&self) -> Fut<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Number of a row within its table; ascends with insertion.
type Place = u64;

/// What a row was before it was touched, so that it can be put back.
struct Change {
    table: Arc<str>,
    place: Place,
    before: Option<Row>,
}

#[derive(Default)]
struct Tables(HashMap<Arc<str>, Content>);

impl Tables {
    fn migrate(&mut self, schema: &Schema, mode: Mode) -> Result<Plan, StoreError> {
        let mut plan = Plan::default();
        for table in schema.tables() {
            let Some(content) = self.0.get(&table.name) else {
                plan.steps.push(format!("create table `{}`", table.name));
                continue;
            };
            for column in table.columns.iter().filter(|column| !content.columns.contains(&column.name)) {
                if column.required && column.default.is_none() && !content.rows.is_empty() {
                    return Err(StoreError::misuse(format!(
                        "table `{}` has rows, so the required column `{}` cannot be added without a default",
                        table.name, column.name
                    )));
                }
                plan.steps.push(format!("add column `{}` to table `{}`", column.name, table.name));
            }
        }
        if mode == Mode::Apply {
            schema.tables().iter().for_each(|table| self.prepare(table));
        }
        Ok(plan)
    }

    fn find(&self, schema: &Schema, query: &Query) -> Result<Vec<Row>, StoreError> {
        let table = table_of(schema, &query.table)?;
        check_filter(table, &query.filter)?;
        if let Some((column, _)) = &query.order {
            column_of(table, column)?;
        }
        let Some(content) = self.0.get(&table.name) else { return Ok(Vec::new()) };
        let mut rows: Vec<&Row> =
            content.matching(&query.filter).iter().filter_map(|place| content.rows.get(place)).collect();
        if let Some((column, order)) = &query.order {
            rows.sort_by(|a, b| match order {
                Order::Ascending => rank(cell(a, column), cell(b, column)),
                Order::Descending => rank(cell(b, column), cell(a, column)),
            });
        }
        let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
        Ok(rows.into_iter().skip(query.offset as usize).take(limit).map(|row| complete(table, row)).collect())
    }

    fn first(&self, schema: &Schema, table: &str, filter: Filter) -> Result<Option<Row>, StoreError> {
        Ok(self.find(schema, &Query::table(table).filter(filter).limit(1))?.pop())
    }

    fn write(&mut self, schema: &Schema, batch: Batch) -> Result<Vec<Outcome>, StoreError> {
        let mut undo = Vec::new();
        let mut outcomes = Vec::new();
        let failed = batch.into_operations().into_iter().enumerate().find_map(|(index, operation)| {
            let operated = self.operate(schema, index, operation, &outcomes, &mut undo);
            operated.map(|outcome| outcomes.push(outcome)).err()
        });
        if let Some(error) = failed {
            for change in undo.into_iter().rev() {
                if let Some(content) = self.0.get_mut(&change.table) {
                    content.put(change.place, change.before);
                }
            }
            return Err(error);
        }
        Ok(outcomes)
    }

    fn operate(
        &mut self,
        schema: &Schema,
        index: usize,
        operation: Operation,
        earlier: &[Outcome],
        undo: &mut Vec<Change>,
    ) -> Result<Outcome, StoreError> {
        let table = table_of(schema, &operation.table)?;
        self.prepare(table);
        let begun = undo.len();
        let links = operation.links;
        let outcome = match operation.action {
            Action::Insert(mut row) => {
                for Link { column, operation } in links {
                    row.set(column, given_id(earlier, operation)?);
                }
                check_row(table, &row)?;
                self.insert(table, &row, undo)?
            }
            Action::Update { filter, set } => {
                check_row(table, &set)?;
                self.change(table, &filter, undo, |row| row.merge(set.clone()))?
            }
            Action::Increment { filter, column, by } => {
                column_of(table, &column)?;
                self.change(table, &filter, undo, |row| {
                    let sum = add(cell(row, &column), by);
                    row.set(Arc::clone(&column), sum);
                })?
            }
            Action::Delete(filter) => {
                let rows = self.remove(schema, table, &filter, undo)?;
                Outcome { affected: rows.len() as u64, rows: Vec::new() }
            }
            Action::Take(filter) => {
                let rows = self.remove(schema, table, &filter, undo)?;
                Outcome { affected: rows.len() as u64, rows }
            }
        };
        if operation.guarded && outcome.affected == 0 {
            return Err(StoreError::Conflict(Conflict::Guard(index)));
        }
        let touched = undo.get(begun..).unwrap_or_default();
        touched.iter().try_for_each(|change| self.check_references(schema, change))?;
        Ok(outcome)
    }

    fn insert(&mut self, table: &Table, row: &Row, undo: &mut Vec<Change>) -> Result<Outcome, StoreError> {
        let place = self.0.get(&table.name).map_or(0, |content| content.next);
        let mut row = complete(table, row);
        let decides = cell(&row, "id").is_null();
        if decides && table.get("id").is_some_and(|id| id.kind == ColumnKind::RowNumber) {
            let greatest = self.0.get(&table.name).map_or(0, |content| content.greatest);
            row.set("id", greatest.saturating_add(1).to_string());
        }
        let rows = if decides { vec![row.clone()] } else { Vec::new() };
        self.set(table, place, row, undo)?;
        Ok(Outcome { affected: 1, rows })
    }

    fn change(
        &mut self,
        table: &Table,
        filter: &Filter,
        undo: &mut Vec<Change>,
        edit: impl Fn(&mut Row),
    ) -> Result<Outcome, StoreError> {
        let found = self.matching(table, filter)?;
        let affected = found.len() as u64;
        for (place, row) in found {
            let mut row = complete(table, &row);
            edit(&mut row);
            self.set(table, place, row, undo)?;
        }
        Ok(Outcome { affected, rows: Vec::new() })
    }

    /// Writes one row, unless a required or unique column forbids it.
    fn set(&mut self, table: &Table, place: Place, row: Row, undo: &mut Vec<Change>) -> Result<(), StoreError> {
        let row = fitted(table, row)?;
        let content = self.0.entry(Arc::clone(&table.name)).or_default();
        let names = |column: &Column| (table.name.to_string(), column.name.to_string());
        for column in table.columns.iter().filter(|column| column.required) {
            if cell(&row, &column.name).is_null() {
                let (table, column) = names(column);
                return Err(StoreError::Conflict(Conflict::NotNull { table, column }));
            }
        }
        for column in table.columns.iter().filter(|column| is_unique(column)) {
            let value = cell(&row, &column.name);
            if !value.is_null() && content.places(&column.name, value).iter().any(|other| *other != place) {
                let (table, column) = names(column);
                return Err(StoreError::Conflict(Conflict::Unique { table, column }));
            }
        }
        let before = content.put(place, Some(row));
        undo.push(Change { table: Arc::clone(&table.name), place, before });
        Ok(())
    }

    /// Removes the rows that match, and all that refer to them.
    fn remove(
        &mut self,
        schema: &Schema,
        table: &Table,
        filter: &Filter,
        undo: &mut Vec<Change>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut taken = Vec::new();
        for (place, row) in self.matching(table, filter)? {
            // A row that refers to another of the same table may have gone with it.
            if self.0.get_mut(&table.name).and_then(|content| content.put(place, None)).is_none() {
                continue;
            }
            undo.push(Change { table: Arc::clone(&table.name), place, before: Some(row.clone()) });
            for (child, column, target) in children(schema, table) {
                let key = cell(&row, target);
                if !key.is_null() {
                    self.prepare(child);
                    self.remove(schema, child, &Filter::Eq(Arc::clone(&column.name), key.clone()), undo)?;
                }
            }
            taken.push(complete(table, &row));
        }
        Ok(taken)
    }

    /// Refuses a row that refers to nothing, and the loss of a key that rows refer to.
    fn check_references(&self, schema: &Schema, change: &Change) -> Result<(), StoreError> {
        let Some(table) = schema.table(&change.table) else { return Ok(()) };
        let now = self.0.get(&change.table).and_then(|content| content.rows.get(&change.place));
        for column in &table.columns {
            let (Some(reference), Some(row)) = (&column.references, now) else { continue };
            let key = cell(row, &column.name);
            if !key.is_null() && !self.exists(&reference.table, &reference.column, key) {
                return Err(StoreError::Conflict(Conflict::Reference));
            }
        }
        let Some(before) = &change.before else { return Ok(()) };
        for (child, column, target) in children(schema, table) {
            let key = cell(before, target);
            let lost = !key.is_null() && !self.exists(&table.name, target, key);
            if lost && self.exists(&child.name, &column.name, key) {
                return Err(StoreError::Conflict(Conflict::Reference));
            }
        }
        Ok(())
    }

    fn exists(&self, table: &str, column: &str, value: &Value) -> bool {
        self.0.get(table).is_some_and(|content| !content.places(column, value).is_empty())
    }

    fn matching(&self, table: &Table, filter: &Filter) -> Result<Vec<(Place, Row)>, StoreError> {
        check_filter(table, filter)?;
        let Some(content) = self.0.get(&table.name) else { return Ok(Vec::new()) };
        let places = content.matching(filter);
        Ok(places.into_iter().filter_map(|place| Some((place, content.rows.get(&place)?.clone()))).collect())
    }

    /// Makes the table, or the columns it lacks.
    fn prepare(&mut self, table: &Table) {
        let content = self.0.entry(Arc::clone(&table.name)).or_default();
        for column in &table.columns {
            if !content.columns.contains(&column.name) {
                content.columns.insert(Arc::clone(&column.name));
                if let Some(default) = &column.default {
                    content.rows.values_mut().for_each(|row| row.set(Arc::clone(&column.name), default.clone()));
                }
            }
            let looked_up = is_unique(column) || column.indexed || column.references.is_some();
            if looked_up && !content.indexes.contains_key(&column.name) {
                content.index(&column.name);
            }
        }
    }
}

/// The content of one table.
#[derive(Default)]
struct Content {
    columns: BTreeSet<Arc<str>>,
    rows: BTreeMap<Place, Row>,
    next: Place,
    /// The greatest number that was an id.
    greatest: u64,
    indexes: HashMap<Arc<str>, HashMap<Key, BTreeSet<Place>>>,
}

impl Content {
    /// Sets or removes a row, and hands back what was there.
    fn put(&mut self, place: Place, row: Option<Row>) -> Option<Row> {
        self.next = self.next.max(place + 1);
        let before = self.rows.remove(&place);
        for (column, index) in &mut self.indexes {
            if let Some(key) = before.as_ref().and_then(|row| Key::of(cell(row, column)))
                && let Some(places) = index.get_mut(&key)
            {
                places.remove(&place);
                if places.is_empty() {
                    index.remove(&key);
                }
            }
            if let Some(key) = row.as_ref().and_then(|row| Key::of(cell(row, column))) {
                index.entry(key).or_default().insert(place);
            }
        }
        if let Some(row) = row {
            let number = cell(&row, "id").as_text().and_then(|id| id.parse().ok());
            self.greatest = self.greatest.max(number.unwrap_or(0));
            self.rows.insert(place, row);
        }
        before
    }

    fn index(&mut self, column: &Arc<str>) {
        let mut index: HashMap<Key, BTreeSet<Place>> = HashMap::new();
        for (place, row) in &self.rows {
            if let Some(key) = Key::of(cell(row, column)) {
                index.entry(key).or_default().insert(*place);
            }
        }
        self.indexes.insert(Arc::clone(column), index);
    }

    /// Where the rows are whose cell equals this value.
    fn places(&self, column: &str, value: &Value) -> Vec<Place> {
        if let (Some(index), Some(key)) = (self.indexes.get(column), Key::of(value)) {
            return index.get(&key).into_iter().flatten().copied().collect();
        }
        let equal = |(_, row): &(&Place, &Row)| equals(cell(row, column), value);
        self.rows.iter().filter(equal).map(|(place, _)| *place).collect()
    }

    /// Where the rows are that match, in order of insertion.
    fn matching(&self, filter: &Filter) -> Vec<Place> {
        let matching = |place: &Place| self.rows.get(place).is_some_and(|row| matches(row, filter));
        match indexed_part(filter, &self.indexes) {
            Some((column, value)) => self.places(column, value).into_iter().filter(matching).collect(),
            None => self.rows.keys().copied().filter(matching).collect(),
        }
    }
}

/// The first part of a filter that an index answers.
fn indexed_part<'f, I>(filter: &'f Filter, indexes: &HashMap<Arc<str>, I>) -> Option<(&'f str, &'f Value)> {
    match filter {
        Filter::Eq(column, value) if !value.is_null() && indexes.contains_key(column) => Some((column, value)),
        Filter::And(parts) => parts.iter().find_map(|part| indexed_part(part, indexes)),
        _ => None,
    }
}

pub(crate) fn matches(row: &Row, filter: &Filter) -> bool {
    match filter {
        Filter::All => true,
        Filter::Eq(column, value) => equals(cell(row, column), value),
        Filter::Lt(column, value) => compare(cell(row, column), value) == Some(Ordering::Less),
        Filter::Gt(column, value) => compare(cell(row, column), value) == Some(Ordering::Greater),
        Filter::In(column, values) => values.iter().any(|value| equals(cell(row, column), value)),
        Filter::And(parts) => parts.iter().all(|part| matches(row, part)),
    }
}

fn equals(a: &Value, b: &Value) -> bool {
    (a.is_null() && b.is_null()) || compare(a, b) == Some(Ordering::Equal)
}

/// Compares two values of one kind; no value compares to nothing.
fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Boolean(a), Value::Boolean(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Integer(a), Value::Integer(b)) => Some(a.cmp(b)),
        (Value::Integer(_) | Value::Number(_), Value::Integer(_) | Value::Number(_)) => {
            number(a)?.partial_cmp(&number(b)?)
        }
        (Value::Json(a), Value::Json(b)) if a == b => Some(Ordering::Equal),
        _ => None,
    }
}

/// The order in which rows are sorted: no value first, as SQL databases do.
pub(crate) fn rank(a: &Value, b: &Value) -> Ordering {
    b.is_null().cmp(&a.is_null()).then_with(|| compare(a, b).unwrap_or(Ordering::Equal))
}

#[expect(clippy::cast_precision_loss, reason = "numbers past 2^53 compare as JavaScript compares them")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

/// Adds to a number; what holds no number stays as it is, as it does in SQL.
#[expect(clippy::cast_precision_loss, reason = "past 2^53 sums are JavaScript numbers")]
fn add(value: &Value, by: i64) -> Value {
    match value {
        Value::Integer(number) => match number.checked_add(by) {
            Some(sum) => Value::Integer(sum),
            None => Value::Number(*number as f64 + by as f64),
        },
        Value::Number(number) => Value::Number(number + by as f64),
        other => other.clone(),
    }
}

/// A value as an index has it: values are equal exactly when their keys are.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Text(String),
    Integer(i64),
    Number(u64),
    Boolean(bool),
    Date(i64),
    Json(String),
}

impl Key {
    fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Text(text) => Self::Text(text.clone()),
            Value::Integer(number) => Self::Integer(*number),
            Value::Number(number) => whole(*number).map_or(Self::Number(number.to_bits()), Self::Integer),
            Value::Boolean(flag) => Self::Boolean(*flag),
            Value::Date(moment) => Self::Date(moment.as_millis()),
            Value::Json(json) => Self::Json(json.to_string()),
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only numbers that an i64 holds exactly are cast")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

fn is_unique(column: &Column) -> bool {
    column.unique || &*column.name == "id"
}

/// The cell's content; a cell that is not there holds no value.
fn cell<'r>(row: &'r Row, column: &str) -> &'r Value {
    row.get(column).unwrap_or(&Value::Null)
}

/// The id that an earlier operation's row was given.
fn given_id(earlier: &[Outcome], operation: usize) -> Result<Value, StoreError> {
    let row = earlier.get(operation).and_then(|outcome| outcome.rows.first());
    row.and_then(|row| row.get("id").cloned()).ok_or_else(|| {
        StoreError::misuse(format!("operation {operation} inserts no row without an id before this one"))
    })
}

/// The row with every column of its table, in the table's order.
pub(crate) fn complete(table: &Table, row: &Row) -> Row {
    table.columns.iter().map(|column| (Arc::clone(&column.name), cell(row, &column.name).clone())).collect()
}

/// Every column that refers to this table: its own table, itself, and the column it refers to.
fn children<'s>(schema: &'s Schema, table: &Table) -> impl Iterator<Item = (&'s Table, &'s Column, &'s str)> {
    let parent = Arc::clone(&table.name);
    schema.tables().iter().flat_map(|child| child.columns.iter().map(move |column| (child, column))).filter_map(
        move |(child, column)| {
            let reference = column.references.as_ref().filter(|reference| reference.table == parent)?;
            Some((child, column, &*reference.column))
        },
    )
}

pub(crate) fn table_of<'s>(schema: &'s Schema, name: &str) -> Result<&'s Table, StoreError> {
    schema.table(name).ok_or_else(|| StoreError::misuse(format!("there is no table `{name}`")))
}

pub(crate) fn column_of<'t>(table: &'t Table, name: &str) -> Result<&'t Column, StoreError> {
    table.get(name).ok_or_else(|| StoreError::misuse(format!("table `{}` has no column `{name}`", table.name)))
}

/// The row as SQLite would keep it: a number or a truth value in a text column becomes a text, and a document none at all.
fn fitted(table: &Table, row: Row) -> Result<Row, StoreError> {
    let fit = |(name, value): (Arc<str>, Value)| {
        let kind = column_of(table, &name)?.kind;
        let is_text = kind == ColumnKind::Text;
        let value = match value {
            Value::Integer(_) | Value::Number(_) if is_text => {
                Value::Text(format!("{:?}", number(&value).unwrap_or(0.0)))
            }
            Value::Integer(number) if kind == ColumnKind::RowNumber => Value::Text(number.to_string()),
            Value::Boolean(flag) if is_text => Value::Text(if flag { "1.0" } else { "0.0" }.into()),
            Value::Json(_) if is_text => {
                return Err(StoreError::misuse(format!(
                    "`{}.{name}` is a text and cannot hold a document",
                    table.name
                )));
            }
            value => value,
        };
        Ok((name, value))
    };
    row.into_iter().map(fit).collect()
}

pub(crate) fn check_row(table: &Table, row: &Row) -> Result<(), StoreError> {
    row.iter().try_for_each(|(column, _)| column_of(table, column).map(drop))
}

pub(crate) fn check_filter(table: &Table, filter: &Filter) -> Result<(), StoreError> {
    match filter {
        Filter::All => Ok(()),
        Filter::Eq(column, _) | Filter::Lt(column, _) | Filter::Gt(column, _) | Filter::In(column, _) => {
            column_of(table, column).map(drop)
        }
        Filter::And(parts) => parts.iter().try_for_each(|part| check_filter(table, part)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_looked_up_without_a_scan() {
        let mut tables = Tables::default();
        let table = Table::new("session").column(Column::new("token", crate::ColumnKind::Text).unique());
        tables.prepare(&table);
        for n in 0..3 {
            let row = Row::new().with("id", format!("s{n}")).with("token", format!("t{n}"));
            tables.set(&table, n, row, &mut Vec::new()).unwrap();
        }
        let content = &tables.0["session"];
        assert!(indexed_part(&Filter::gt("id", "").and(Filter::eq("token", "t1")), &content.indexes).is_some());
        assert_eq!(content.matching(&Filter::eq("token", "t1")), [1]);
    }

    #[test]
    fn equal_numbers_have_one_key() {
        assert_eq!(Key::of(&Value::Number(2.0)), Key::of(&Value::Integer(2)));
        assert_ne!(Key::of(&Value::Number(2.5)), Key::of(&Value::Integer(2)));
    }
}
