//! Reading sessions and verifications by filters.

use std::sync::Arc;

use super::Tiered;
use crate::{
    error::StoreError,
    memory::{check_filter, column_of, complete, matches, rank, table_of},
    query::{Filter, Order, Query},
    record::{Record, Session, SessionToken, User, UserId, Verification},
    schema::{Schema, Table},
    value::{Row, Value},
};

/// What of a filter leads straight to what it is about.
pub(super) enum Key {
    /// These values of the column.
    Values(Vec<String>),
    /// Nothing.
    None,
}

impl Key {
    /// The values that a filter wants a column to have.
    pub(super) fn of(filter: &Filter, wanted: &str) -> Self {
        let text = |value: &Value| value.as_text().map(ToOwned::to_owned);
        match filter {
            Filter::Eq(column, value) if &**column == wanted => {
                text(value).map_or(Self::None, |it| Self::Values(vec![it]))
            }
            Filter::In(column, values) if &**column == wanted => Self::Values(values.iter().filter_map(text).collect()),
            Filter::And(parts) => parts
                .iter()
                .map(|part| Self::of(part, wanted))
                .find(|key| matches!(key, Self::Values(_)))
                .unwrap_or(Self::None),
            _ => Self::None,
        }
    }

    /// The same, if the filter says nothing else.
    pub(super) fn whole(filter: &Filter, wanted: &str) -> Option<Vec<String>> {
        match (filter, Self::of(filter, wanted)) {
            (Filter::Eq(..) | Filter::In(..), Self::Values(values)) => Some(values),
            (Filter::And(parts), _) => match &**parts {
                [only] => Self::whole(only, wanted),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Tiered {
    pub(super) async fn find_sessions(&self, schema: &Schema, query: &Query) -> Result<Vec<Row>, StoreError> {
        let table = table_of(schema, Session::TABLE)?;
        check_query(table, query)?;
        let sessions = self.sessions(schema, &query.filter).await?;
        Ok(chosen(query, sessions.into_iter().map(Record::into_row)))
    }

    pub(super) async fn find_verifications(&self, schema: &Schema, query: &Query) -> Result<Vec<Row>, StoreError> {
        let table = table_of(schema, Verification::TABLE)?;
        check_query(table, query)?;
        let found = self.verifications(schema, &query.filter).await?;
        Ok(chosen(query, found.into_iter().map(|one| complete(table, &one.into_row()))))
    }

    /// The sessions that a filter matches, from where the truth is.
    pub(super) async fn sessions(&self, schema: &Schema, filter: &Filter) -> Result<Vec<Session>, StoreError> {
        if self.options.falls_back() {
            let rows = self.records.find(schema, Query::table(Session::TABLE).filter(filter.clone())).await?;
            return rows.into_iter().map(Session::from_row).collect();
        }
        let table = table_of(schema, Session::TABLE)?;
        check_filter(table, filter)?;
        let mut found = Vec::new();
        if let Key::Values(tokens) = Key::of(filter, "token") {
            for token in tokens.into_iter().map(SessionToken::new) {
                found.extend(self.secondary.session(schema, &token).await?.map(|(session, _)| session));
            }
        } else if let Key::Values(users) = Key::of(filter, "userId") {
            for user in users.into_iter().map(UserId::new) {
                found.extend(self.secondary.sessions_of(schema, &user, self.now()).await?);
            }
        } else {
            let mut from = 0;
            loop {
                let (some, next) = self.secondary.walk_sessions(schema, from).await?;
                found.extend(some.into_iter().filter(|session| fits(table, session.clone(), filter)));
                if next == 0 {
                    break;
                }
                from = next;
            }
        }
        found.retain(|session| fits(table, session.clone(), filter));
        Ok(found)
    }

    /// The verifications that a filter matches, from where the truth is.
    pub(super) async fn verifications(
        &self,
        schema: &Schema,
        filter: &Filter,
    ) -> Result<Vec<Verification>, StoreError> {
        if self.options.verification_in_database {
            let rows = self.records.find(schema, Query::table(Verification::TABLE).filter(filter.clone())).await?;
            return rows.into_iter().map(Verification::from_row).collect();
        }
        let table = table_of(schema, Verification::TABLE)?;
        check_filter(table, filter)?;
        let mut found = Vec::new();
        if let Key::Values(identifiers) = Key::of(filter, "identifier") {
            for identifier in identifiers {
                found.extend(self.secondary.verification(&identifier).await?);
            }
        } else {
            let mut from = 0;
            loop {
                let (some, next) = self.secondary.walk_verifications(from).await?;
                found.extend(some.into_iter().filter(|one| fits(table, one.clone(), filter)));
                if next == 0 {
                    break;
                }
                from = next;
            }
        }
        found.retain(|one| fits(table, one.clone(), filter));
        Ok(found)
    }

    /// A user as the database has it now.
    pub(super) async fn user(&self, schema: &Schema, id: &UserId) -> Result<Option<User>, StoreError> {
        let query = Query::table(User::TABLE).filter(Filter::eq("id", id)).limit(1);
        self.records.find(schema, query).await?.into_iter().next().map(User::from_row).transpose()
    }

    /// The ids of the users that a filter matches.
    pub(super) async fn users(&self, schema: &Schema, filter: &Filter) -> Result<Vec<UserId>, StoreError> {
        if let Some(ids) = Key::whole(filter, "id") {
            return Ok(ids.into_iter().map(UserId::new).collect());
        }
        let rows = self.records.find(schema, Query::table(User::TABLE).filter(filter.clone())).await?;
        Ok(rows.iter().filter_map(|row| row.get("id")?.as_text()).map(UserId::new).collect())
    }
}

fn fits(table: &Table, record: impl Record, filter: &Filter) -> bool {
    matches(&complete(table, &record.into_row()), filter)
}

fn check_query(table: &Table, query: &Query) -> Result<(), StoreError> {
    check_filter(table, &query.filter)?;
    query.order.iter().try_for_each(|(column, _)| column_of(table, column).map(drop))
}

/// The rows in the order of the query, as many as it wants.
fn chosen(query: &Query, rows: impl Iterator<Item = Row>) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.collect();
    if let Some((column, order)) = &query.order {
        let cell = |row: &Row| row.get(column).cloned().unwrap_or(Value::Null);
        rows.sort_by(|a, b| match order {
            Order::Ascending => rank(&cell(a), &cell(b)),
            Order::Descending => rank(&cell(b), &cell(a)),
        });
    }
    let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
    rows.into_iter().skip(query.offset as usize).take(limit).collect()
}

/// A filter that also wants a row to be alive.
pub(super) fn and_alive(filter: Filter, now: crate::timestamp::Timestamp) -> Filter {
    filter.and(Filter::gt(Arc::from("expiresAt"), now))
}
