//! Whose sessions a batch of writes concerns.
//!
//! What is kept of a token is its session and the session's user, so those two tables matter, and the tables that they refer to: rows go
//! with the row they refer to. Accounts do not matter: no look-up reads one. A new password that ends sessions deletes them in its batch.

use std::{collections::HashSet, sync::Arc};

use hallpass_store::{Action, Batch, Filter, Operation, Row, Schema, Value};
use sha2::{Digest, Sha256};

use crate::numbers::{Concern, Key};

const SESSION: &str = "session";
const USER: &str = "user";

/// The key of a token: SHA-256 of its bytes.
pub(crate) fn key(token: &str) -> Key {
    Sha256::digest(token.as_bytes()).into()
}

/// The tables beside the two whose rows take sessions or users along when they go.
pub(crate) fn owners(schema: &Schema) -> HashSet<Arc<str>> {
    let mut waiting: Vec<Arc<str>> = vec![SESSION.into(), USER.into()];
    let mut owners = HashSet::new();
    while let Some(table) = waiting.pop() {
        let columns = schema.table(&table).map(|table| table.columns.as_slice()).unwrap_or_default();
        for reference in columns.iter().filter_map(|column| column.references.as_ref()) {
            let name = &*reference.table;
            if name != SESSION && name != USER && owners.insert(Arc::clone(&reference.table)) {
                waiting.push(Arc::clone(&reference.table));
            }
        }
    }
    owners
}

/// What a batch concerns.
pub(crate) fn of(batch: &Batch, owners: &HashSet<Arc<str>>) -> Vec<Concern> {
    let mut concerns = Vec::new();
    for operation in batch.operations() {
        add(operation, owners, &mut concerns);
    }
    if concerns.contains(&Concern::Everything) {
        concerns = vec![Concern::Everything];
    }
    concerns
}

fn add(operation: &Operation, owners: &HashSet<Arc<str>>, concerns: &mut Vec<Concern>) {
    let name: fn(&str, &Value) -> Option<Concern> = match &*operation.table {
        SESSION => session_named,
        USER => user_named,
        other => {
            // Whatever is not known to leave rows in their place is taken for a deletion.
            let stays =
                matches!(operation.action, Action::Insert(_) | Action::Update { .. } | Action::Increment { .. });
            if !stays && owners.contains(other) {
                concerns.push(Concern::Everything);
            }
            return;
        }
    };
    match &operation.action {
        Action::Insert(row) => concerns.extend(begun(&operation.table, row)),
        Action::Update { filter, set } => {
            concerns.extend(named(filter, name));
            // Under its new token there was no session before.
            concerns.extend(set.get("token").and_then(|token| name("token", token)));
        }
        Action::Delete(filter) | Action::Take(filter) | Action::Increment { filter, .. } => {
            concerns.extend(named(filter, name));
        }
        _ => concerns.push(Concern::Everything),
    }
}

/// That there was no such session is not true any more. A new user has no sessions but those that begin in the same batch or later.
fn begun(table: &str, row: &Row) -> Option<Concern> {
    (table == SESSION)
        .then(|| row.get("token").and_then(|token| session_named("token", token)).unwrap_or(Concern::Everything))
}

/// What the rows are called that a filter lets through; everything, where it does not say.
fn named(filter: &Filter, name: fn(&str, &Value) -> Option<Concern>) -> Vec<Concern> {
    said(filter, name).unwrap_or_else(|| vec![Concern::Everything])
}

fn said(filter: &Filter, name: fn(&str, &Value) -> Option<Concern>) -> Option<Vec<Concern>> {
    match filter {
        Filter::Eq(column, value) => name(column, value).map(|concern| vec![concern]),
        Filter::In(column, values) => values.iter().map(|value| name(column, value)).collect(),
        // Each part only leaves rows out.
        Filter::And(parts) => parts.iter().find_map(|part| said(part, name)),
        _ => None,
    }
}

fn session_named(column: &str, value: &Value) -> Option<Concern> {
    match column {
        "token" => value.as_text().map(|token| Concern::Token(key(token))),
        "id" => text(value).map(Concern::Session),
        "userId" => text(value).map(Concern::User),
        _ => None,
    }
}

fn user_named(column: &str, value: &Value) -> Option<Concern> {
    if column == "id" { text(value).map(Concern::User) } else { None }
}

/// An id as records have it: a text, also where the database numbers its rows.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use hallpass_store::{Column, ColumnKind, Table};

    use super::*;

    fn concerns(batch: &Batch) -> Vec<Concern> {
        of(batch, &HashSet::new())
    }

    fn user(id: &str) -> Concern {
        Concern::User(id.into())
    }

    #[test]
    fn what_a_filter_names_is_concerned_and_nothing_else() {
        let token = || Concern::Token(key("t"));
        assert_eq!(concerns(&Batch::new().delete("session", Filter::eq("token", "t"))), [token()]);
        let both = Filter::In("token".into(), vec!["t".into(), "s".into()]);
        assert_eq!(concerns(&Batch::new().take("session", both)), [token(), Concern::Token(key("s"))]);
        assert_eq!(concerns(&Batch::new().delete("session", Filter::eq("id", "s1"))), [Concern::Session("s1".into())]);
        assert_eq!(concerns(&Batch::new().delete("session", Filter::eq("userId", "u1"))), [user("u1")]);
        let of_user = Filter::gt("expiresAt", 5).and(Filter::eq("userId", "u1"));
        assert_eq!(concerns(&Batch::new().delete("session", of_user)), [user("u1")]);
        let unchanged = Filter::eq("id", "u1").and(Filter::eq("email", "a@example.com"));
        let set = || Row::new().with("email", "b@example.com");
        assert_eq!(concerns(&Batch::new().update("user", unchanged, set())), [user("u1")]);
        assert_eq!(concerns(&Batch::new().update("user", Filter::eq("id", 7), set())), [user("7")]);
        assert_eq!(concerns(&Batch::new().increment("user", Filter::eq("id", "u1"), "logins", 1)), [user("u1")]);
    }

    #[test]
    fn what_cannot_be_named_is_everything() {
        let everything = [Concern::Everything];
        assert_eq!(concerns(&Batch::new().delete("session", Filter::lt("expiresAt", 5))), everything);
        assert_eq!(concerns(&Batch::new().delete("session", Filter::All)), everything);
        assert_eq!(concerns(&Batch::new().delete("user", Filter::eq("email", "a@example.com"))), everything);
        assert_eq!(concerns(&Batch::new().delete("session", Filter::eq("token", Value::Null))), everything);
        let mixed = Filter::In("token".into(), vec!["t".into(), Value::Null]);
        assert_eq!(concerns(&Batch::new().delete("session", mixed)), everything);
        let batch = Batch::new().delete("user", Filter::eq("id", "u1")).delete("session", Filter::All);
        assert_eq!(concerns(&batch), everything);
    }

    #[test]
    fn no_rows_are_nobodys() {
        assert!(concerns(&Batch::new().delete("session", Filter::In("token".into(), vec![]))).is_empty());
    }

    #[test]
    fn a_new_session_and_a_new_token_end_that_there_was_none() {
        let row = Row::new().with("token", "t").with("userId", "u1");
        assert_eq!(concerns(&Batch::new().insert("session", row)), [Concern::Token(key("t"))]);
        assert_eq!(concerns(&Batch::new().insert("session", Row::new())), [Concern::Everything]);
        assert!(concerns(&Batch::new().insert("user", Row::new().with("id", "u1"))).is_empty());
        let renamed = Batch::new().update("session", Filter::eq("token", "t"), Row::new().with("token", "s"));
        assert_eq!(concerns(&renamed), [Concern::Token(key("t")), Concern::Token(key("s"))]);
    }

    #[test]
    fn accounts_and_other_tables_concern_no_session() {
        let batch = Batch::new()
            .update("account", Filter::eq("userId", "u1"), Row::new().with("password", "…"))
            .delete("verification", Filter::All)
            .insert("note", Row::new());
        assert!(concerns(&batch).is_empty());
    }

    #[test]
    fn what_sessions_refer_to_takes_them_along() {
        let team = Table::new("team").column(Column::new("company", ColumnKind::Text).references("company", "id"));
        let schema = Schema::core()
            .with_table(Table::new("company"))
            .with_table(team)
            .with_table(Table::new("note").column(Column::new("user", ColumnKind::Text).references("user", "id")))
            .with_column("session", Column::new("team", ColumnKind::Text).references("team", "id"));
        let owners = owners(&schema);
        let delete = |table: &str| of(&Batch::new().delete(table, Filter::eq("id", "x")), &owners);
        assert_eq!(delete("team"), [Concern::Everything]);
        assert_eq!(delete("company"), [Concern::Everything]);
        assert!(delete("note").is_empty() && delete("account").is_empty());
        assert!(of(&Batch::new().update("team", Filter::All, Row::new()), &owners).is_empty());
    }
}
