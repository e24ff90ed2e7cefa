//! Every statement but the hot one, written once for all databases.

use std::sync::Arc;

use hallpass_store::{
    Action, Batch, Column, Filter, Link, Operation, Order, Query, Row, Schema, StoreError, Table, Value,
};
use sea_query::{Cond, Condition, Expr, ExprTrait, Order as Direction, Query as Build, Values};

use crate::dialect::{Cell, Comparison, Dialect};

/// A statement that is ready to be sent to another thread and run there. It does not print: its values may be secrets.
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) values: Vec<Cell>,
    /// The table it works on, to read rows and to name columns in errors.
    pub(crate) table: Table,
    /// Whether it answers with rows that have every column of the table.
    pub(crate) returns: bool,
    /// Whether changing no row calls the batch off.
    pub(crate) guarded: bool,
    /// Whether it inserts a row whose id the database decides.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only Postgres asks"))]
    pub(crate) decides_id: bool,
    /// Values that are known when an earlier statement has run.
    pub(crate) links: Vec<LinkedValue>,
}

/// A value that is the id of the row an earlier statement has inserted.
pub(crate) struct LinkedValue {
    /// Which of the statement's values.
    pub(crate) value: usize,
    /// Which statement of the batch.
    pub(crate) statement: usize,
}

/// The limit that stands before an offset where no rows are to be left out at the end.
const NO_LIMIT: u64 = i64::MAX.unsigned_abs();

/// The statement of a query.
pub(crate) fn select(dialect: Dialect, schema: &Schema, query: &Query) -> Result<Statement, StoreError> {
    let table = table_of(schema, &query.table)?;
    let mut select = Build::select();
    select.columns(table.columns.iter().map(physical)).from(table.physical.to_string());
    select.cond_where(condition(dialect, table, &query.filter)?);
    if let Some((column, order)) = &query.order {
        let direction = match order {
            Order::Ascending => Direction::Asc,
            Order::Descending => Direction::Desc,
        };
        select.order_by(physical(column_of(table, column)?), direction);
    }
    let all = query.order.is_none() && query.filter == Filter::All;
    dialect.order_as_inserted(&mut select, table, all);
    match query.limit {
        Some(limit) => select.limit(u64::from(limit)),
        None if query.offset > 0 => select.limit(NO_LIMIT),
        None => &mut select,
    };
    if query.offset > 0 {
        select.offset(u64::from(query.offset));
    }
    finish(dialect, table, dialect.build(&select), true, false)
}

/// The statements of a batch, in order.
pub(crate) fn batch(dialect: Dialect, schema: &Schema, batch: &Batch) -> Result<Vec<Statement>, StoreError> {
    batch.operations().iter().map(|operation| write(dialect, schema, operation)).collect()
}

fn write(dialect: Dialect, schema: &Schema, operation: &Operation) -> Result<Statement, StoreError> {
    let table = table_of(schema, &operation.table)?;
    let mut returns = matches!(operation.action, Action::Take(_));
    let (mut links, mut decides_id) = (Vec::new(), false);
    let mut built = match &operation.action {
        Action::Insert(row) => {
            let given = given(table, row);
            returns = given.len() < table.columns.len();
            decides_id = returns;
            links = linked(&given, &operation.links)?;
            insert(dialect, table, &given, row)?
        }
        Action::Update { filter, set } => update(dialect, table, filter, set)?,
        Action::Increment { filter, column, by } => {
            let column = column_of(table, column)?;
            let sum = Expr::col(physical(column)).add(*by);
            let mut update = Build::update();
            update.table(table.physical.to_string()).value(physical(column), sum);
            dialect.build(update.cond_where(condition(dialect, table, filter)?))
        }
        Action::Delete(filter) => {
            let mut delete = Build::delete();
            delete.from_table(table.physical.to_string());
            dialect.build(delete.cond_where(condition(dialect, table, filter)?))
        }
        Action::Take(filter) => {
            let mut delete = Build::delete();
            delete
                .from_table(table.physical.to_string())
                .cond_where(condition(dialect, table, filter)?)
                .returning(Build::returning().columns(table.columns.iter().map(physical)));
            dialect.build(&delete)
        }
        _ => return Err(StoreError::misuse("this store does not know the action")),
    };
    if returns {
        built.0.push_str(&dialect.returning(table));
    }
    Ok(Statement { decides_id, links, ..finish(dialect, table, built, returns, operation.guarded)? })
}

/// The columns an insert names: every one, so that a cell that is not given holds no value even where the database has a
/// default; but not the id, where the database is to decide it.
fn given<'t>(table: &'t Table, row: &Row) -> Vec<&'t Column> {
    let decides = row.get("id").is_none_or(Value::is_null);
    table.columns.iter().filter(|column| !(decides && &*column.name == "id")).collect()
}

fn linked(given: &[&Column], links: &[Link]) -> Result<Vec<LinkedValue>, StoreError> {
    let find = |link: &Link| {
        let value = given.iter().position(|column| column.name == link.column);
        let value = value.ok_or_else(|| StoreError::misuse(format!("there is no column `{}` to link", link.column)))?;
        Ok(LinkedValue { value, statement: link.operation })
    };
    links.iter().map(find).collect()
}

fn insert(dialect: Dialect, table: &Table, given: &[&Column], row: &Row) -> Result<(String, Values), StoreError> {
    for (column, _) in row.iter() {
        column_of(table, column)?;
    }
    let mut cells = Vec::with_capacity(given.len());
    for column in given {
        let value = row.get(&column.name).unwrap_or(&Value::Null);
        cells.push(Expr::val(dialect.encode(table, column, value)?));
    }
    let mut insert = Build::insert();
    insert.into_table(table.physical.to_string()).columns(given.iter().map(|column| physical(column)));
    insert.values(cells).map_err(|error| StoreError::misuse(error.to_string()))?;
    if given.len() < table.columns.len() {
        insert.returning(Build::returning().columns(table.columns.iter().map(physical)));
    }
    Ok(dialect.build(&insert))
}

fn update(dialect: Dialect, table: &Table, filter: &Filter, set: &Row) -> Result<(String, Values), StoreError> {
    let mut update = Build::update();
    update.table(table.physical.to_string());
    for (column, value) in set.iter() {
        let column = column_of(table, column)?;
        update.value(physical(column), dialect.encode(table, column, value)?);
    }
    if set.is_empty() {
        // Counts the rows that match, which is what a guard asks for.
        let id = physical(column_of(table, "id")?);
        update.value(id.clone(), Expr::col(id));
    }
    Ok(dialect.build(update.cond_where(condition(dialect, table, filter)?)))
}

fn finish(
    dialect: Dialect,
    table: &Table,
    (sql, values): (String, Values),
    returns: bool,
    guarded: bool,
) -> Result<Statement, StoreError> {
    if values.0.len() > dialect.max_parameters() {
        return Err(StoreError::misuse(format!("{} values are too many for one statement", values.0.len())));
    }
    let values: Result<Vec<Cell>, StoreError> = values.into_iter().map(Cell::try_from).collect();
    Ok(Statement { sql, values: values?, table: table.clone(), returns, guarded, decides_id: false, links: Vec::new() })
}

fn condition(dialect: Dialect, table: &Table, filter: &Filter) -> Result<Condition, StoreError> {
    Ok(match filter {
        Filter::All => Cond::all(),
        Filter::Eq(column, value) => Cond::all().add(compare(dialect, table, column, Comparison::Equal, value)?),
        Filter::Lt(column, value) => Cond::all().add(compare(dialect, table, column, Comparison::Less, value)?),
        Filter::Gt(column, value) => Cond::all().add(compare(dialect, table, column, Comparison::Greater, value)?),
        Filter::In(column, values) => one_of(dialect, table, column, values)?,
        Filter::And(parts) => parts
            .iter()
            .try_fold(Cond::all(), |all, part| Ok::<_, StoreError>(all.add(condition(dialect, table, part)?)))?,
        _ => return Err(StoreError::misuse("this store does not know the filter")),
    })
}

fn compare(
    dialect: Dialect,
    table: &Table,
    column: &str,
    comparison: Comparison,
    value: &Value,
) -> Result<Expr, StoreError> {
    let column = column_of(table, column)?;
    let cell = || Expr::col(physical(column));
    if value.is_null() {
        return Ok(if comparison == Comparison::Equal { cell().is_null() } else { never() });
    }
    if let Value::Date(date) = value {
        return Ok(dialect.compare_date(column, comparison, *date));
    }
    let Some(value) = dialect.compared(table, column, value)? else { return Ok(never()) };
    Ok(match comparison {
        Comparison::Equal => dialect.equals(column, value),
        Comparison::Less => cell().lt(value),
        Comparison::Greater => cell().gt(value),
    })
}

fn one_of(dialect: Dialect, table: &Table, column: &Arc<str>, values: &[Value]) -> Result<Condition, StoreError> {
    let described = column_of(table, column)?;
    if values.is_empty() {
        return Ok(Cond::all().add(never()));
    }
    let plain = |value: &Value| !value.is_null() && !matches!(value, Value::Date(_));
    if values.iter().all(plain) {
        let mut comparable = Vec::with_capacity(values.len());
        for value in values {
            comparable.extend(dialect.compared(table, described, value)?);
        }
        if comparable.is_empty() {
            return Ok(Cond::all().add(never()));
        }
        return Ok(Cond::all().add(dialect.one_of(described, comparable)));
    }
    values
        .iter()
        .try_fold(Cond::any(), |any, value| Ok(any.add(compare(dialect, table, column, Comparison::Equal, value)?)))
}

fn never() -> Expr {
    Expr::val(1).eq(0)
}

fn physical(column: &Column) -> String {
    column.physical.to_string()
}

pub(crate) fn table_of<'s>(schema: &'s Schema, name: &str) -> Result<&'s Table, StoreError> {
    schema.table(name).ok_or_else(|| StoreError::misuse(format!("there is no table `{name}`")))
}

pub(crate) fn column_of<'t>(table: &'t Table, name: &str) -> Result<&'t Column, StoreError> {
    table.get(name).ok_or_else(|| StoreError::misuse(format!("table `{}` has no column `{name}`", table.name)))
}
