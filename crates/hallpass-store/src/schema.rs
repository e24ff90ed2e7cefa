//! Which tables and columns there are.
//!
//! Engine and plugins speak of tables and columns by their *logical* names, which are the npm package's (`user`,
//! `emailVerified`; CONTRACT §13). A [`Schema`] says which those are, what they hold, and under which *physical* names the
//! database has them. It travels with every call, so a store keeps no configuration of its own.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::value::Value;

/// The kind of value a column holds. Each database has its own type for it (CONTRACT §13.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnKind {
    /// Text.
    Text,
    /// A number that databases keep as an integer.
    Integer,
    /// A number past 32 bits.
    BigInteger,
    /// True or false.
    Boolean,
    /// A moment in time.
    Date,
    /// A JSON document.
    Json,
    /// A list of texts, kept as JSON.
    TextList,
    /// A list of numbers, kept as JSON.
    NumberList,
    /// The number that a database gives a row, or a reference to one: an integer in the database, a text everywhere else.
    RowNumber,
    /// The UUID of a row, or a reference to one: of the database's own type for them where the npm package uses it (Postgres), a text
    /// everywhere else.
    Uuid,
}

/// What a column refers to. Rows go when the row they refer to goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The table referred to, by logical name.
    pub table: Arc<str>,
    /// Its column, by logical name.
    pub column: Arc<str>,
}

/// One column. Built with [`Column::new`] and the methods that follow it.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own, as in the npm package")]
#[non_exhaustive]
pub struct Column {
    /// Logical name.
    pub name: Arc<str>,
    /// Name in the database.
    pub physical: Arc<str>,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether every row must have a value.
    pub required: bool,
    /// Whether no two rows may have the same value.
    pub unique: bool,
    /// Whether look-ups go by this column.
    pub indexed: bool,
    /// What it refers to.
    pub references: Option<Reference>,
    /// The value rows get that are already there when a migration adds the column.
    pub default: Option<Value>,
    /// Whether the database, where it can, gives a row that comes without a value here the moment it is inserted. hallpass
    /// always gives one; this is part of the tables that the npm package makes.
    pub default_now: bool,
    /// Whether rows are ordered by this column. Where an index holds no text without a bound, it gets one.
    pub sortable: bool,
}

impl Column {
    /// A required column of this kind, physically named as it is logically.
    pub fn new(name: impl Into<Arc<str>>, kind: ColumnKind) -> Self {
        let name = name.into();
        Self {
            physical: Arc::clone(&name),
            name,
            kind,
            required: true,
            unique: false,
            indexed: false,
            references: None,
            default: None,
            default_now: false,
            sortable: false,
        }
    }

    /// Lets rows have no value here.
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// Forbids two rows with the same value.
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// Asks for an index, named `<table>_<column>_idx`.
    pub fn indexed(mut self) -> Self {
        self.indexed = true;
        self
    }

    /// Refers to another table's column; rows go with the row they refer to.
    pub fn references(mut self, table: impl Into<Arc<str>>, column: impl Into<Arc<str>>) -> Self {
        self.references = Some(Reference { table: table.into(), column: column.into() });
        self
    }

    /// Gives rows that are already there this value when a migration adds the column.
    pub fn default_value(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Lets the database give rows without a value here the moment they are inserted.
    pub fn default_now(mut self) -> Self {
        self.default_now = true;
        self
    }

    /// Says that rows are ordered by this column.
    pub fn sortable(mut self) -> Self {
        self.sortable = true;
        self
    }

    /// Uses another name in the database.
    pub fn named(mut self, physical: impl Into<Arc<str>>) -> Self {
        self.physical = physical.into();
        self
    }
}

/// One table. Its first column is always `id`, the primary key, which [`Table::new`] provides.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Table {
    /// Logical name.
    pub name: Arc<str>,
    /// Name in the database.
    pub physical: Arc<str>,
    /// The columns, `id` first.
    pub columns: Vec<Column>,
}

impl Table {
    /// A table with nothing but its `id`.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        Self { physical: Arc::clone(&name), name, columns: vec![Column::new("id", ColumnKind::Text)] }
    }

    /// Adds a column; one of the same name is replaced.
    pub fn column(mut self, column: Column) -> Self {
        self.add(column);
        self
    }

    /// Adds a column; one of the same name is replaced.
    pub fn add(&mut self, column: Column) {
        match self.columns.iter_mut().find(|known| known.name == column.name) {
            Some(known) => *known = column,
            None => self.columns.push(column),
        }
    }

    /// Lets the database number the rows: an insert then gives no `id`.
    pub fn numbered(mut self) -> Self {
        self.columns.iter_mut().filter(|column| &*column.name == "id").for_each(|id| id.kind = ColumnKind::RowNumber);
        self
    }

    /// The column of this logical name.
    pub fn get(&self, column: &str) -> Option<&Column> {
        self.columns.iter().find(|known| &*known.name == column)
    }

    /// Whether a core table has this column beside its typed ones; never so in other tables, whose columns are all their own.
    pub fn is_extra(&self, column: &str) -> bool {
        let core = core::columns(&self.name);
        !core.is_empty() && !core.contains(&column)
    }

    fn extra_after(&self, core: &[&str]) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |column| !core.contains(&&*column.name))
    }
}

/// All tables, in an order in which each follows those it refers to.
///
/// ```
/// use hallpass_store::{Column, ColumnKind, Schema, Table};
/// let schema = Schema::core()
///     .with_table(Table::new("note").column(Column::new("text", ColumnKind::Text)))
///     .with_column("user", Column::new("plan", ColumnKind::Text).optional());
/// assert!(schema.table("note").is_some());
/// assert_eq!(schema.extra_columns("user").count(), 1);
/// ```
#[derive(Debug, Clone)]
pub struct Schema {
    tables: Vec<Table>,
    revision: u64,
}

impl Schema {
    /// The four core tables, with the columns and their order of CONTRACT §13.1.
    pub fn core() -> Self {
        Self { tables: core::tables(), revision: next_revision() }
    }

    /// Adds a table; one of the same name gains its columns.
    pub fn with_table(mut self, table: Table) -> Self {
        match self.tables.iter_mut().find(|known| known.name == table.name) {
            Some(known) => table.columns.into_iter().skip(1).for_each(|column| known.add(column)),
            None => self.tables.push(table),
        }
        self.revision = next_revision();
        self
    }

    /// Adds a column to a table. A table that does not exist is made.
    pub fn with_column(self, table: &str, column: Column) -> Self {
        self.with_table(Table::new(table).column(column))
    }

    /// Gives a table another name in the database. A table that does not exist is left alone.
    ///
    /// ```
    /// use hallpass_store::Schema;
    /// let schema = Schema::core().table_named("user", "people").column_named("user", "email", "mail");
    /// assert_eq!(&*schema.table("user").unwrap().get("email").unwrap().physical, "mail");
    /// ```
    pub fn table_named(mut self, table: &str, physical: impl Into<Arc<str>>) -> Self {
        if let Some(found) = self.tables.iter_mut().find(|known| &*known.name == table) {
            found.physical = physical.into();
        }
        self.revision = next_revision();
        self
    }

    /// Gives a column another name in the database. A column that does not exist is left alone.
    pub fn column_named(mut self, table: &str, column: &str, physical: impl Into<Arc<str>>) -> Self {
        let columns = self.tables.iter_mut().filter(|known| &*known.name == table).flat_map(|known| &mut known.columns);
        if let Some(found) = columns.into_iter().find(|known| &*known.name == column) {
            found.physical = physical.into();
        }
        self.revision = next_revision();
        self
    }

    /// Leaves a table out, for a database that does not keep it. Columns that refer to it stay, and refer to nothing.
    ///
    /// ```
    /// use hallpass_store::Schema;
    /// assert!(Schema::core().without_table("session").table("session").is_none());
    /// ```
    pub fn without_table(mut self, name: &str) -> Self {
        self.tables.retain(|table| &*table.name != name);
        for column in self.tables.iter_mut().flat_map(|table| &mut table.columns) {
            if column.references.as_ref().is_some_and(|reference| &*reference.table == name) {
                column.references = None;
            }
        }
        self.revision = next_revision();
        self
    }

    /// Lets the database number the rows of every table, and makes what refers to them refer to numbers.
    pub fn numbered(self) -> Self {
        self.ids_of(ColumnKind::RowNumber)
    }

    /// Says that the ids of all rows are UUIDs, so that a database with a type for them uses it.
    ///
    /// ```
    /// use hallpass_store::{ColumnKind, Schema};
    /// let schema = Schema::core().uuids();
    /// assert_eq!(schema.table("session").unwrap().get("userId").unwrap().kind, ColumnKind::Uuid);
    /// ```
    pub fn uuids(self) -> Self {
        self.ids_of(ColumnKind::Uuid)
    }

    fn ids_of(mut self, kind: ColumnKind) -> Self {
        let is_id = |column: &&mut Column| {
            &*column.name == "id" || column.references.as_ref().is_some_and(|reference| &*reference.column == "id")
        };
        let columns = self.tables.iter_mut().flat_map(|table| &mut table.columns);
        columns.filter(is_id).for_each(|column| column.kind = kind);
        self.revision = next_revision();
        self
    }

    /// The table of this logical name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| &*table.name == name)
    }

    /// The tables in an order in which each follows those it refers to.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The columns that a core record carries beside its typed ones; all columns of any other table.
    pub fn extra_columns(&self, table: &str) -> impl Iterator<Item = &Column> {
        let core = core::columns(table);
        self.table(table).into_iter().flat_map(move |found| found.extra_after(core))
    }

    /// A number that two schemas share only if one is an unchanged clone of the other, for stores that keep statements.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

fn next_revision() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The core tables, column for column.
mod core {
    use super::{
        Column,
        ColumnKind::{Boolean, Date, Text},
        Table,
    };

    pub(super) const USER: &[&str] = &["id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt"];
    pub(super) const SESSION: &[&str] =
        &["id", "expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId"];
    pub(super) const ACCOUNT: &[&str] = &[
        "id",
        "accountId",
        "providerId",
        "userId",
        "accessToken",
        "refreshToken",
        "idToken",
        "accessTokenExpiresAt",
        "refreshTokenExpiresAt",
        "scope",
        "password",
        "createdAt",
        "updatedAt",
    ];
    pub(super) const VERIFICATION: &[&str] = &["id", "identifier", "value", "expiresAt", "createdAt", "updatedAt"];

    pub(super) fn columns(table: &str) -> &'static [&'static str] {
        match table {
            "user" => USER,
            "session" => SESSION,
            "account" => ACCOUNT,
            "verification" => VERIFICATION,
            _ => &[],
        }
    }

    pub(super) fn tables() -> Vec<Table> {
        let owner = || Column::new("userId", Text).references("user", "id").indexed();
        vec![
            Table::new("user")
                .column(Column::new("name", Text).sortable())
                .column(Column::new("email", Text).unique())
                .column(Column::new("emailVerified", Boolean))
                .column(Column::new("image", Text).optional())
                .column(Column::new("createdAt", Date).default_now())
                .column(Column::new("updatedAt", Date).default_now()),
            Table::new("session")
                .column(Column::new("expiresAt", Date))
                .column(Column::new("token", Text).unique())
                .column(Column::new("createdAt", Date).default_now())
                .column(Column::new("updatedAt", Date))
                .column(Column::new("ipAddress", Text).optional())
                .column(Column::new("userAgent", Text).optional())
                .column(owner()),
            Table::new("account")
                .column(Column::new("accountId", Text))
                .column(Column::new("providerId", Text))
                .column(owner())
                .column(Column::new("accessToken", Text).optional())
                .column(Column::new("refreshToken", Text).optional())
                .column(Column::new("idToken", Text).optional())
                .column(Column::new("accessTokenExpiresAt", Date).optional())
                .column(Column::new("refreshTokenExpiresAt", Date).optional())
                .column(Column::new("scope", Text).optional())
                .column(Column::new("password", Text).optional())
                .column(Column::new("createdAt", Date).default_now())
                .column(Column::new("updatedAt", Date)),
            Table::new("verification")
                .column(Column::new("identifier", Text).indexed())
                .column(Column::new("value", Text))
                .column(Column::new("expiresAt", Date))
                .column(Column::new("createdAt", Date).default_now())
                .column(Column::new("updatedAt", Date).default_now()),
        ]
    }

    #[cfg(test)]
    #[test]
    fn the_typed_columns_are_those_of_the_tables() {
        for table in tables() {
            let names: Vec<&str> = table.columns.iter().map(|column| &*column.name).collect();
            assert_eq!(names, columns(&table.name));
        }
    }
}
