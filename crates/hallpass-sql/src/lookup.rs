//! The one hot statement: session and user of a token.

use std::{fmt::Write, sync::Arc};

use hallpass_store::{Column, ColumnKind, Schema, StoreError};

use crate::{
    dialect::Dialect,
    statement::{column_of, table_of},
};

/// The session's core columns, in the order in which the statement asks for them.
pub(crate) const SESSION: [&str; 8] =
    ["id", "expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId"];
/// The user's core columns, which come after the session's.
pub(crate) const USER: [&str; 7] = ["id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt"];

/// The statement for one schema, and what its columns are: [`SESSION`], [`USER`], the session's extra columns, the user's.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) revision: u64,
    pub(crate) sql: String,
    pub(crate) session_extra: Vec<Extra>,
    pub(crate) user_extra: Vec<Extra>,
}

/// A column beyond the typed ones.
#[derive(Debug)]
pub(crate) struct Extra {
    pub(crate) name: Arc<str>,
    pub(crate) kind: ColumnKind,
}

impl Lookup {
    pub(crate) fn new(dialect: Dialect, schema: &Schema) -> Result<Self, StoreError> {
        let (session, user) = (table_of(schema, "session")?, table_of(schema, "user")?);
        let named = |alias: &str, column: &Column| format!("{alias}.{}", dialect.quote(&column.physical));
        let mut columns = Vec::new();
        for name in SESSION {
            columns.push(named("s", column_of(session, name)?));
        }
        for name in USER {
            columns.push(named("u", column_of(user, name)?));
        }
        columns.extend(schema.extra_columns("session").map(|column| named("s", column)));
        columns.extend(schema.extra_columns("user").map(|column| named("u", column)));
        let mut sql = format!("SELECT {}", columns.join(","));
        // Infallible: a String takes every text.
        let _ = write!(
            sql,
            " FROM {} AS s JOIN {} AS u ON {}={} WHERE {}={}",
            dialect.quote(&session.physical),
            dialect.quote(&user.physical),
            named("u", column_of(user, "id")?),
            named("s", column_of(session, "userId")?),
            named("s", column_of(session, "token")?),
            dialect.placeholder(1),
        );
        let extra = |table| {
            let columns = schema.extra_columns(table);
            columns.map(|column| Extra { name: Arc::clone(&column.name), kind: column.kind }).collect()
        };
        Ok(Self { revision: schema.revision(), sql, session_extra: extra("session"), user_extra: extra("user") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_asked_for_at_its_place() {
        let schema = Schema::core()
            .with_column("user", Column::new("plan", ColumnKind::Text).named("the plan"))
            .with_column("session", Column::new("device", ColumnKind::Json));
        let lookup = Lookup::new(Dialect::Sqlite, &schema).unwrap();
        assert!(
            lookup.sql.starts_with(r#"SELECT s."id",s."expiresAt",s."token","#)
                && lookup
                    .sql
                    .contains(r#",u."updatedAt",s."device",u."the plan" FROM "session" AS s JOIN "user" AS u"#)
                && lookup.sql.ends_with(r#" ON u."id"=s."userId" WHERE s."token"=?1"#),
            "{}",
            lookup.sql
        );
        assert_eq!((&*lookup.session_extra[0].name, &*lookup.user_extra[0].name), ("device", "plan"));
    }
}
