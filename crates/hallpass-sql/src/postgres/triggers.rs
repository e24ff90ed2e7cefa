//! The triggers by which Postgres tells of changes, whoever makes them: this process, another one, a Node server.
//!
//! They fire once for each statement, and never for an INSERT: a notification takes a lock of the whole database at commit, and sign-ins would
//! queue for it. What they say is no secret, since any role of the database may listen: the SHA-256 of a token, or a user's id.

use hallpass_store::{Schema, StoreError};

use crate::{
    dialect::Dialect,
    statement::{column_of, table_of},
};

/// How many triggers there are. The feed believes in nothing less.
pub(super) const COUNT: i64 = 6;

/// The channel of the current schema: two installations in one database do not hear each other.
pub(super) const CHANNEL: &str = "SELECT 'hallpass_' || substr(md5(current_schema()), 1, 16)";

/// How many of the triggers are there and armed, for the tables with these quoted names. One that tells on another channel, because it was made
/// when another schema came first or the schema had another name, tells nobody here and does not count.
pub(super) const ARMED: &str = "SELECT count(*) FROM pg_catalog.pg_trigger JOIN pg_catalog.pg_proc AS teller ON teller.oid = tgfoid \
                                WHERE tgname LIKE 'hallpass\\_%\\_v1' AND tgenabled IN ('O', 'A') \
                                AND tgrelid IN (to_regclass($1), to_regclass($2)) \
                                AND strpos(teller.prosrc, quote_literal('hallpass_' || substr(md5(current_schema()), 1, 16))) > 0";

/// Whether this role may make them.
pub(super) const PERMITTED: &str = "SELECT has_schema_privilege(current_schema(), 'CREATE') \
                                    AND coalesce(has_table_privilege(to_regclass($1), 'TRIGGER'), true) \
                                    AND coalesce(has_table_privilege(to_regclass($2), 'TRIGGER'), true)";

/// More rows than this in one statement are told as "everything".
const MOST: u32 = 100;

/// The tables that are watched, by their names as they stand in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tables {
    pub(super) session: String,
    pub(super) user: String,
}

impl Tables {
    pub(super) fn of(schema: &Schema) -> Result<Self, StoreError> {
        let quoted = |name| Ok::<_, StoreError>(Dialect::Postgres.quote(&table_of(schema, name)?.physical));
        Ok(Self { session: quoted("session")?, user: quoted("user")? })
    }
}

/// The statements that make them, or make them anew.
pub(super) fn statements(schema: &Schema, channel: &str) -> Result<Vec<String>, StoreError> {
    let column = |table: &str, column: &str| {
        Ok::<_, StoreError>(Dialect::Postgres.quote(&column_of(table_of(schema, table)?, column)?.physical))
    };
    let token = format!("'s:' || encode(sha256(convert_to({}::text, 'UTF8')), 'hex')", column("session", "token")?);
    let id = column("user", "id")?;
    // What does not fit into a notification would fail the write.
    let user = format!("CASE WHEN octet_length({id}::text) > 1000 THEN '*' ELSE 'u:' || {id}::text END");
    let tables = Tables::of(schema)?;
    let mut steps = watch("session", &tables.session, &token, channel);
    steps.extend(watch("user", &tables.user, &user, channel));
    Ok(steps)
}

fn watch(what: &str, table: &str, says: &str, channel: &str) -> Vec<String> {
    let channel = channel.replace('\'', "''");
    // Telling must never make a write fail: after a column was renamed, say, whose name stands here.
    // One function for each table name: several sets of tables may live in one schema.
    let function = Dialect::Postgres.quote(&format!("hallpass_{what}_of_{}", table.trim_matches('"')));
    let body = format!(
        "create or replace function {function}() returns trigger language plpgsql set search_path = pg_catalog as $hallpass$\n\
         begin\n\
         \x20 if tg_op = 'TRUNCATE' or (select count(*) from (select 1 from old_rows limit {}) as counted) > {MOST} then\n\
         \x20   perform pg_notify('{channel}', '*');\n\
         \x20 else\n\
         \x20   perform pg_notify('{channel}', {says}) from old_rows;\n\
         \x20 end if;\n\
         \x20 return null;\n\
         exception when others then\n\
         \x20 perform pg_notify('{channel}', '*');\n\
         \x20 return null;\n\
         end $hallpass$",
        MOST + 1,
    );
    let trigger = |event: &str, rows: &str| {
        format!(
            "create or replace trigger hallpass_{event}_v1 after {event} on {table} {rows}for each statement \
             execute function {function}()"
        )
    };
    let old = "referencing old table as old_rows ";
    vec![body, trigger("update", old), trigger("delete", old), trigger("truncate", "")]
}
