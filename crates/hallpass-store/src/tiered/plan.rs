//! What the operations of a batch come to on either side, found out before anything is written.

use super::{
    Tiered,
    lookup::{Key, and_alive},
};
use crate::{
    error::{Conflict, StoreError},
    memory::{check_filter, check_row, table_of},
    query::{Action, Batch, Filter, Link, Operation},
    record::{Record, Session, SessionToken, User, UserId, Verification},
    schema::Schema,
    value::Row,
};

/// A batch, taken apart.
pub(super) struct Plan {
    /// What the database is to do.
    pub(super) records: Batch,
    /// What becomes of each operation, in order.
    pub(super) steps: Vec<Step>,
}

/// What becomes of one operation.
pub(super) struct Step {
    /// Which operation of `records` it is, if it is one.
    pub(super) in_records: Option<usize>,
    /// What the secondary storage is to do.
    pub(super) task: Task,
    /// Whether doing nothing calls the batch off.
    pub(super) guarded: bool,
    /// Whether the database only keeps a memory of it, so that what it did counts for nothing.
    pub(super) is_memory: bool,
}

/// What the secondary storage is to do.
pub(super) enum Task {
    Nothing,
    /// A session begins.
    Begin(Row, Vec<Link>),
    /// Cells of sessions are set.
    Update(Vec<SessionToken>, Row),
    /// Sessions end. The rows are handed back if that was asked for.
    End(Vec<SessionToken>, Option<Vec<Row>>),
    /// All sessions of users end.
    EndAllOf(Vec<UserId>),
    /// Users change, and what sessions carry of them.
    UsersChange(Vec<UserId>),
    /// A verification is kept.
    Keep(Row),
    /// Verifications are removed, each by exactly one caller. Whether the rows are handed back.
    Take(Vec<Verification>, bool),
    /// Verifications are removed, by their identifiers.
    Forget(Vec<String>),
}

/// Whether an operation is more than the database's business.
pub(super) fn concerns_secondary(operation: &Operation) -> bool {
    match &*operation.table {
        Session::TABLE | Verification::TABLE => true,
        User::TABLE => match &operation.action {
            Action::Insert(_) => false,
            // A condition changes nobody.
            Action::Update { set, .. } => !set.is_empty(),
            Action::Delete(_) | Action::Take(_) | Action::Increment { .. } => true,
        },
        _ => false,
    }
}

impl Tiered {
    /// Takes a batch apart. Only reads.
    pub(super) async fn plan(&self, schema: &Schema, batch: Batch) -> Result<Plan, StoreError> {
        let mut plan = Plan { records: Batch::new(), steps: Vec::new() };
        for (index, operation) in batch.into_operations().into_iter().enumerate() {
            let guarded = operation.guarded;
            let is_memory = &*operation.table == Session::TABLE && self.options.preserves();
            let (task, for_records) = match &*operation.table {
                Session::TABLE => self.session_task(schema, operation).await?,
                Verification::TABLE => self.verification_task(schema, operation).await?,
                User::TABLE => (self.user_task(schema, &operation).await?, Some(operation)),
                _ => (Task::Nothing, Some(operation)),
            };
            if guarded && (for_records.is_none() || is_memory) && task.is_about_nothing() {
                return Err(StoreError::Conflict(Conflict::Guard(index)));
            }
            let in_records = for_records.is_some().then(|| plan.records.operations().len());
            if let Some(operation) = for_records {
                let operation = plan.with_links(operation)?;
                plan.records.push(operation);
            }
            plan.steps.push(Step { in_records, task, guarded, is_memory });
        }
        Ok(plan)
    }

    async fn user_task(&self, schema: &Schema, operation: &Operation) -> Result<Task, StoreError> {
        Ok(match &operation.action {
            Action::Insert(_) => Task::Nothing,
            Action::Update { set, .. } if set.is_empty() => Task::Nothing,
            Action::Update { filter, .. } | Action::Increment { filter, .. } => {
                Task::UsersChange(self.users(schema, filter).await?)
            }
            Action::Delete(filter) | Action::Take(filter) => Task::EndAllOf(self.users(schema, filter).await?),
        })
    }

    async fn session_task(
        &self,
        schema: &Schema,
        mut operation: Operation,
    ) -> Result<(Task, Option<Operation>), StoreError> {
        check(schema, &operation)?;
        let task = match &mut operation.action {
            Action::Insert(row) => {
                if row.get("id").is_none_or(crate::Value::is_null) && !self.options.store_session_in_database {
                    row.set("id", (self.new_id)());
                }
                Task::Begin(row.clone(), operation.links.clone())
            }
            Action::Update { filter, set } => {
                if set.iter().any(|(name, _)| matches!(name, "token" | "userId")) {
                    return Err(misuse("a session in it keeps its token and its user"));
                }
                let tokens = self.tokens(schema, filter, self.options.falls_back()).await?;
                Task::Update(tokens, set.clone())
            }
            Action::Delete(filter) => match Key::whole(filter, "userId") {
                Some(users) if !operation.guarded => Task::EndAllOf(users.into_iter().map(UserId::new).collect()),
                _ => Task::End(self.tokens(schema, filter, !operation.guarded).await?, None),
            },
            Action::Take(filter) => {
                let sessions = self.sessions(schema, filter).await?;
                let tokens = sessions.iter().map(|session| session.token.clone()).collect();
                Task::End(tokens, Some(sessions.into_iter().map(Record::into_row).collect()))
            }
            Action::Increment { .. } => return Err(misuse("nothing of a session in it can be counted up")),
        };
        if !self.options.store_session_in_database {
            return Ok((task, None));
        }
        if self.options.preserves() {
            self.preserve(&mut operation);
        }
        Ok((task, Some(operation)))
    }

    /// Where ended sessions stay in the database, ending them sets the moment, and one that has ended is not touched again.
    fn preserve(&self, operation: &mut Operation) {
        let now = self.now();
        // What is live is said by the secondary storage, so a row that is not there refuses nothing.
        operation.guarded = false;
        operation.action = match std::mem::replace(&mut operation.action, Action::Delete(Filter::All)) {
            Action::Delete(filter) | Action::Take(filter) => {
                Action::Update { filter: and_alive(filter, now), set: Row::new().with("expiresAt", now) }
            }
            Action::Update { filter, set } => Action::Update { filter: and_alive(filter, now), set },
            other => other,
        };
    }

    /// The tokens of the sessions that a filter matches. Those that the filter itself names need not be there, unless somebody wants to know.
    async fn tokens(&self, schema: &Schema, filter: &Filter, as_named: bool) -> Result<Vec<SessionToken>, StoreError> {
        match Key::whole(filter, "token") {
            Some(tokens) if as_named => Ok(tokens.into_iter().map(SessionToken::new).collect()),
            _ => Ok(self.sessions(schema, filter).await?.into_iter().map(|session| session.token).collect()),
        }
    }

    async fn verification_task(
        &self,
        schema: &Schema,
        mut operation: Operation,
    ) -> Result<(Task, Option<Operation>), StoreError> {
        check(schema, &operation)?;
        let in_database = self.options.verification_in_database;
        let guarded = operation.guarded;
        let task = match &mut operation.action {
            Action::Insert(row) => {
                if row.get("id").is_none_or(crate::Value::is_null) && !in_database {
                    row.set("id", (self.new_id)());
                }
                Task::Keep(row.clone())
            }
            // What has expired is gone from the secondary storage by itself.
            Action::Delete(Filter::Lt(column, _)) if &**column == "expiresAt" => Task::Nothing,
            Action::Delete(filter) | Action::Take(filter) if in_database => {
                Task::Forget(match Key::of(filter, "identifier") {
                    Key::Values(identifiers) => identifiers,
                    Key::None => identifiers(self.verifications(schema, filter).await?),
                })
            }
            Action::Delete(filter) if !guarded => match Key::whole(filter, "identifier") {
                Some(identifiers) => Task::Forget(identifiers),
                None => Task::Take(self.verifications(schema, filter).await?, false),
            },
            Action::Delete(filter) => Task::Take(self.verifications(schema, filter).await?, false),
            Action::Take(filter) => Task::Take(self.verifications(schema, filter).await?, true),
            Action::Update { .. } | Action::Increment { .. } => {
                return Err(misuse("a verification in it does not change; take it, and put another"));
            }
        };
        Ok((task, in_database.then_some(operation)))
    }
}

impl Task {
    /// Whether what it is about is known not to be there.
    fn is_about_nothing(&self) -> bool {
        match self {
            Self::Update(tokens, _) | Self::End(tokens, _) => tokens.is_empty(),
            Self::Take(found, _) => found.is_empty(),
            _ => false,
        }
    }
}

impl Plan {
    /// The operation with its links to where the operations they mean are in the database's batch.
    fn with_links(&self, mut operation: Operation) -> Result<Operation, StoreError> {
        for link in &mut operation.links {
            let step = self.steps.get(link.operation);
            link.operation = step.and_then(|step| step.in_records).ok_or_else(|| {
                StoreError::misuse(format!("operation {} is none that a database decides an id in", link.operation))
            })?;
        }
        Ok(operation)
    }

    /// Whether the value of this identifier is taken in the batch already.
    pub(super) fn takes(&self, identifier: &str) -> bool {
        self.steps.iter().any(|step| match &step.task {
            Task::Take(found, _) => found.iter().any(|one| one.identifier == identifier),
            _ => false,
        })
    }

    /// The operation of the whole batch that an operation of the database's batch is.
    pub(super) fn place_of(&self, in_records: usize) -> usize {
        self.steps.iter().position(|step| step.in_records == Some(in_records)).unwrap_or(in_records)
    }
}

fn check(schema: &Schema, operation: &Operation) -> Result<(), StoreError> {
    let table = table_of(schema, &operation.table)?;
    match &operation.action {
        Action::Insert(row) => check_row(table, row),
        Action::Update { filter, set } => check_filter(table, filter).and_then(|()| check_row(table, set)),
        Action::Delete(filter) | Action::Take(filter) | Action::Increment { filter, .. } => check_filter(table, filter),
    }
}

fn identifiers(found: Vec<Verification>) -> Vec<String> {
    found.into_iter().map(|one| one.identifier).collect()
}

fn misuse(what: &str) -> StoreError {
    StoreError::misuse(format!("the layout of the secondary storage does not allow it: {what}"))
}
