//! What a database lacks, and the statements that add it.
//!
//! Names, types and the order of statements are those of the npm package's built-in migration (CONTRACT §13.1), down to the text,
//! so that either of the two can continue what the other began. The statements are written here rather than with the query builder
//! because that one moves references behind the columns and cannot add a column that has one.
//!
//! Refused, with nothing changed:
//! - a column whose type is none that the npm package accepts for its kind;
//! - a required column without a default on a table that has rows;
//! - an index whose name is taken by another one;
//! - a view where a table belongs.

use hallpass_store::{Column, ColumnKind, Lack, Plan, Schema, StoreError, Table};

use crate::{
    dialect::Dialect,
    statement::{column_of, table_of},
};

/// What is there, as far as the schema is concerned.
#[derive(Debug, Default)]
pub(crate) struct Existing {
    pub(crate) tables: Vec<ExistingTable>,
    /// Every index of the database, with its table.
    pub(crate) index_names: Vec<(String, String)>,
}

/// A table, or something that has its name.
#[derive(Debug)]
pub(crate) struct ExistingTable {
    pub(crate) name: String,
    pub(crate) is_view: bool,
    pub(crate) has_rows: bool,
    pub(crate) columns: Vec<ExistingColumn>,
    /// Complete indexes, the primary key among them.
    pub(crate) indexes: Vec<ExistingIndex>,
}

/// A column of a table.
#[derive(Debug)]
pub(crate) struct ExistingColumn {
    pub(crate) name: String,
    /// Its type as declared.
    pub(crate) declared: String,
    /// Whether an insert that does not name it is refused.
    pub(crate) insists: bool,
}

/// An index of a table.
#[derive(Debug)]
pub(crate) struct ExistingIndex {
    pub(crate) unique: bool,
    pub(crate) columns: Vec<String>,
}

/// The statements that bring a database up to a schema, in order.
pub(crate) fn plan(dialect: Dialect, schema: &Schema, existing: &Existing) -> Result<Plan, StoreError> {
    let (mut added, mut created, mut indexes) = (Vec::new(), Vec::new(), Vec::new());
    let mut lacks = Vec::new();
    for table in schema.tables() {
        let known = existing.tables.iter().find(|known| dialect.same_name(&known.name, &table.physical));
        if let Some(known) = known {
            complete(dialect, schema, table, known, &mut added, &mut indexes)?;
            continue;
        }
        lacks.push(Lack::Table { name: table.physical.to_string() });
        created.push(create(dialect, schema, table)?);
        let plain = table.columns.iter().filter(|column| column.indexed && !column.unique);
        indexes.extend(plain.map(|column| Index { table, column, unique: false }));
    }
    // The order of the npm package: what is added to tables that exist comes first, indexes come last.
    let (mut steps, columns): (Vec<String>, Vec<Lack>) = added.into_iter().unzip();
    lacks.extend(columns);
    steps.append(&mut created);
    for index in &indexes {
        steps.push(index.statement(dialect, existing)?);
        let lack = index.lack();
        // A table or column that is missing brings its indexes with it.
        if !lacks.iter().any(|known| brings(known, &lack)) {
            lacks.push(lack);
        }
    }
    Ok(Plan { steps, lacks })
}

fn brings(lack: &Lack, index: &Lack) -> bool {
    let Lack::Index { table, column, .. } = index else { return false };
    match lack {
        Lack::Table { name } => name == table,
        Lack::Column { table: of, column: name } => of == table && name == column,
        _ => false,
    }
}

/// What a table that exists lacks.
fn complete<'s>(
    dialect: Dialect,
    schema: &Schema,
    table: &'s Table,
    known: &ExistingTable,
    added: &mut Vec<(String, Lack)>,
    indexes: &mut Vec<Index<'s>>,
) -> Result<(), StoreError> {
    if known.is_view {
        return Err(refusal(table, "is a view in the database; rename the view, or the table in the configuration"));
    }
    for column in &table.columns {
        let found = known.columns.iter().find(|known| dialect.same_name(&known.name, &column.physical));
        if let Some(found) = found {
            check_type(dialect, table, column, found)?;
        } else {
            let lack = Lack::Column { table: table.physical.to_string(), column: column.physical.to_string() };
            added.push((add(dialect, schema, table, column, known.has_rows)?, lack));
        }
        let on_column = |index: &&ExistingIndex| {
            index.columns.first().is_some_and(|first| dialect.same_name(first, &column.physical))
        };
        let has_unique = known.indexes.iter().filter(on_column).any(|index| index.unique && index.columns.len() == 1);
        if column.unique && !has_unique {
            indexes.push(Index { table, column, unique: true });
        } else if column.indexed && !column.unique && !known.indexes.iter().any(|index| on_column(&index)) {
            indexes.push(Index { table, column, unique: false });
        }
    }
    for found in &known.columns {
        let foreign = !table.columns.iter().any(|column| dialect.same_name(&column.physical, &found.name));
        if foreign && found.insists {
            tracing::warn!(
                table = &*table.name,
                column = found.name,
                "a column this configuration does not know requires a value; new rows will be refused"
            );
        }
    }
    Ok(())
}

fn check_type(dialect: Dialect, table: &Table, column: &Column, found: &ExistingColumn) -> Result<(), StoreError> {
    let declared = found.declared.to_ascii_lowercase();
    let bare = declared.split('(').next().unwrap_or_default().trim();
    let accepted = dialect.accepted_types(column);
    // The npm package never looks at the type of an id. Where rows are to be numbered it matters.
    let is_any = &*column.name == "id" && column.kind != ColumnKind::RowNumber;
    if accepted.contains(&bare) || is_any {
        return Ok(());
    }
    Err(refusal(
        table,
        &format!(
            "has a column `{}` of type `{}`, which cannot hold this field; expected `{}`",
            column.name,
            found.declared,
            accepted.join("` or `")
        ),
    ))
}

fn create(dialect: Dialect, schema: &Schema, table: &Table) -> Result<String, StoreError> {
    let columns: Result<Vec<String>, StoreError> = table
        .columns
        .iter()
        .map(|column| {
            let default = made_there(dialect, column).map(|made| format!(" default {made}")).unwrap_or_default();
            definition(dialect, schema, column, &default, if column.unique { " unique" } else { "" })
        })
        .collect();
    Ok(format!("create table {} ({})", dialect.quote(&table.physical), columns?.join(", ")))
}

fn add(
    dialect: Dialect,
    schema: &Schema,
    table: &Table,
    column: &Column,
    has_rows: bool,
) -> Result<String, StoreError> {
    let default = match made_there(dialect, column) {
        Some(made) => Some(made.to_owned()),
        None => default_of(dialect, table, column)?,
    };
    if column.required && default.is_none() && has_rows {
        return Err(refusal(
            table,
            &format!(
                "has rows, so the required column `{}` cannot be added without a default; give the field one, or add \
                 the column by hand and fill it",
                column.name
            ),
        ));
    }
    let default = default.map(|default| format!(" default {default}")).unwrap_or_default();
    // A unique column cannot be added as such; an index follows.
    let definition = definition(dialect, schema, column, &default, "")?;
    Ok(format!("alter table {} add column {definition}", dialect.quote(&table.physical)))
}

fn definition(
    dialect: Dialect,
    schema: &Schema,
    column: &Column,
    default: &str,
    unique: &str,
) -> Result<String, StoreError> {
    let (name, kind) = (dialect.quote(&column.physical), dialect.column_type(column));
    let required = if column.required { " not null" } else { "" };
    let key = if &*column.name == "id" { " primary key" } else { "" };
    let number = if !key.is_empty() && column.kind == ColumnKind::RowNumber { dialect.numbering() } else { "" };
    let text = format!("{name} {kind}{default}{required}{unique}{key}{number}");
    let Some(reference) = &column.references else { return Ok(text) };
    let target = table_of(schema, &reference.table)?;
    let target_column = column_of(target, &reference.column)?;
    let [target, target_column] = [&target.physical, &target_column.physical].map(|name| dialect.quote(name));
    Ok(format!("{text} references {target} ({target_column}) on delete cascade"))
}

/// What makes the value of a new column where a row comes without one: a moment, or the UUID of a row.
fn made_there(dialect: Dialect, column: &Column) -> Option<&'static str> {
    match column.kind {
        ColumnKind::Date if column.default_now => dialect.default_now(),
        ColumnKind::Uuid if &*column.name == "id" => dialect.default_uuid(),
        _ => None,
    }
}

/// The value that rows get which are there already. None for a unique column that may be empty: they would all be equal.
fn default_of(dialect: Dialect, table: &Table, column: &Column) -> Result<Option<String>, StoreError> {
    let Some(default) = column.default.as_ref().filter(|value| !value.is_null()) else { return Ok(None) };
    if column.unique && !column.required {
        return Ok(None);
    }
    let encoded = dialect.encode_default(table, column, default)?;
    match dialect.literal(&encoded) {
        Some(literal) => Ok(Some(literal)),
        None => Err(refusal(table, &format!("cannot have the default given for column `{}`", column.name))),
    }
}

/// An index that is to be made.
struct Index<'s> {
    table: &'s Table,
    column: &'s Column,
    unique: bool,
}

impl Index<'_> {
    fn lack(&self) -> Lack {
        let (table, column) = (self.table.physical.to_string(), self.column.physical.to_string());
        Lack::Index { table, column, unique: self.unique }
    }

    fn statement(&self, dialect: Dialect, existing: &Existing) -> Result<String, StoreError> {
        let (table, column) = (&*self.table.physical, &*self.column.physical);
        let name = index_name(table, column, self.unique);
        if let Some((_, other)) = existing.index_names.iter().find(|(known, of)| {
            dialect.same_name(known, &name) && (!dialect.names_indexes_by_table() || dialect.same_name(of, table))
        }) {
            return Err(refusal(
                self.table,
                &format!(
                    "needs an index on column `{}`, but table `{other}` has a different one of that name, `{name}`; \
                     rename that one",
                    self.column.name
                ),
            ));
        }
        let kind = if self.unique { "unique index" } else { "index" };
        let [name, table, column] = [&name, table, column].map(|name| dialect.quote(name));
        Ok(format!("create {kind} {name} on {table} ({column})"))
    }
}

/// Index names are at most this long, which is what Postgres has room for.
const LONGEST_NAME: usize = 63;

/// The name the npm package gives an index; a long one is cut and gets a hash of the whole.
pub(crate) fn index_name(table: &str, column: &str, unique: bool) -> String {
    let kind = if unique { "uidx" } else { "idx" };
    let name = format!("{table}_{column}_{kind}");
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let hash =
        name.encode_utf16().fold(0x811c_9dc5_u32, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193));
    let suffix = format!("_{hash:08x}_{kind}");
    let stem = format!("{table}_{column}");
    let room = LONGEST_NAME - suffix.len();
    let end = stem.char_indices().map(|(at, character)| at + character.len_utf8()).take_while(|end| *end <= room);
    format!("{}{suffix}", stem.get(..end.last().unwrap_or(0)).unwrap_or_default())
}

fn refusal(table: &Table, reason: &str) -> StoreError {
    StoreError::misuse(format!("table `{}` {reason}", table.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_index_names_are_those_of_the_npm_package() {
        // Made by that package's own function.
        let cases = [
            ("user", "email", true, "user_email_uidx"),
            ("session", "userId", false, "session_userId_idx"),
            (LONG_TABLE, LONG_COLUMN, true, LONG_UNIQUE),
            (LONG_TABLE, LONG_COLUMN, false, LONG_PLAIN),
            ("täble_ünicode_äöüäöüäöüäöüäöü", "cölumn_äöüäöüäöü😀", false, UNICODE),
        ];
        for (table, column, unique, name) in cases {
            assert_eq!(index_name(table, column, unique), name);
        }
    }

    const LONG_TABLE: &str = "a_table_with_a_name_that_is_long_enough";
    const LONG_COLUMN: &str = "and_a_column_that_is_long_as_well";
    const LONG_UNIQUE: &str = "a_table_with_a_name_that_is_long_enough_and_a_col_6e225b9d_uidx";
    const LONG_PLAIN: &str = "a_table_with_a_name_that_is_long_enough_and_a_colu_489be87a_idx";
    const UNICODE: &str = "täble_ünicode_äöüäöüäöüäöüäöü_cö_f886ee14_idx";
}
