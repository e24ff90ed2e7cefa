//! Tables and columns under other names in the database (`modelName` and `fields` in the npm package).

use hallpass_store::{Schema, Table};
use indexmap::IndexMap;

use crate::error::BuildError;

/// What a table of the engine's own is called, and columns of it.
pub(crate) struct TableNames<'o> {
    /// The table as it is without additional fields, which have their own way of being named.
    pub(crate) table: Table,
    /// The section of the configuration that names it.
    pub(crate) section: &'static str,
    /// Its name in the database.
    pub(crate) model_name: Option<&'o str>,
    /// Names of columns in the database, by logical name.
    pub(crate) fields: &'o IndexMap<String, String>,
}

impl TableNames<'_> {
    /// Names the table and its columns. An empty name is none, as in the npm package.
    pub(crate) fn apply(&self, mut schema: Schema) -> Result<Schema, BuildError> {
        if let Some(name) = self.model_name.filter(|name| !name.is_empty()) {
            schema = schema.table_named(&self.table.name, name);
        }
        // The first is the id, which keeps its name.
        let columns: Vec<&str> = self.table.columns.iter().skip(1).map(|column| &*column.name).collect();
        for (column, name) in self.fields {
            if !columns.contains(&&**column) {
                return Err(BuildError::new(format!(
                    "{}.fields: `{column}` is no column that can be renamed; there are {}",
                    self.section,
                    columns.join(", ")
                )));
            }
            if !name.is_empty() {
                schema = schema.column_named(&self.table.name, column, &**name);
            }
        }
        Ok(schema)
    }
}

/// Refuses names that two tables, or two columns of one table, would share. Databases may take upper and lower case for one.
pub(crate) fn check(schema: &Schema) -> Result<(), BuildError> {
    let tables: Vec<(&str, &str)> = schema.tables().iter().map(|table| (&*table.name, &*table.physical)).collect();
    if let Some((one, other, name)) = shared(&tables) {
        return Err(BuildError::new(format!(
            "the tables `{one}` and `{other}` would both be called `{name}` in the database; give one another model_name"
        )));
    }
    schema.tables().iter().try_for_each(check_columns)
}

fn check_columns(table: &Table) -> Result<(), BuildError> {
    let columns: Vec<(&str, &str)> = table.columns.iter().map(|column| (&*column.name, &*column.physical)).collect();
    match shared(&columns) {
        None => Ok(()),
        Some((one, other, name)) => Err(BuildError::new(format!(
            "the columns `{one}` and `{other}` of table `{}` would both be called `{name}` in the database; give one \
             another name",
            table.name
        ))),
    }
}

/// Two things whose names are one.
fn shared<'n>(named: &[(&'n str, &'n str)]) -> Option<(&'n str, &'n str, &'n str)> {
    named.iter().enumerate().find_map(|(index, (one, name))| {
        let others = named.get(index + 1..).unwrap_or_default();
        let (other, _) = others.iter().find(|(_, other)| other.eq_ignore_ascii_case(name))?;
        Some((*one, *other, *name))
    })
}
