//! The order in which a batch is written on two sides, and why.
//!
//! No transaction spans a database and a secondary storage, so each step must leave things safe if the next one never happens. "Safe" is: no live token where there should
//! be none, nothing that is good for one use used twice, and no success reported before everything is done.
//!
//! 1. **Verifications are taken**, if the database does not have them. It is what the rest depends on: of any number of callers one goes on, and the others have changed
//!    nothing. If the database then *refuses* the batch, they are put back. If it is not known what the database did, they stay used: the same link must not work twice.
//! 2. **Marks are read** of the users for whom sessions begin: before the database checks what allows them, so that a revocation after that check is noticed in step 8.
//!    It also means that nobody is signed up while the secondary storage is away.
//! 3. **Sessions end.** If the storage is away, nothing else happens: a password is not reset while somebody's old sessions cannot be ended, and no user is deleted who could go on.
//!    (If the database refuses afterwards, sessions have ended that need not have. Their owner signs in again.)
//! 4. **The database commits.**
//! 5. **Sessions end once more**, those that began between 3 and 4. A sign-in whose password was checked just before 4 and whose session comes after 5 finds another mark
//!    in step 8 than in step 2, and fails.
//! 6. **Sessions are extended**, each only if it is still there.
//! 7. **Changed users** are put into their sessions, as they are in the database *now*, and read again until nothing has changed meanwhile: of two changes at once the later one is
//!    what stays.
//! 8. **Sessions begin**, last, because they give access: with the user as it is now, and with the mark of step 2 or 5. The user is then read again, as in 7.
//! 9. **Verifications** are kept or forgotten.
//!
//! Where the database keeps sessions too it is right: what steps 5 to 9 could not do is reported, and a session that it does not have is never made.

use std::collections::HashMap;

use super::{
    Tiered,
    plan::{Plan, Task},
};
use crate::{
    error::{Conflict, StoreError},
    query::{Batch, Filter, Link, Outcome},
    record::{Record, Session, User, UserId, Verification},
    schema::Schema,
    secondary::{Begun, Mark},
    value::{Row, Value},
};

/// A user who changes more often than this between two reads is not followed any further.
const ROUNDS: usize = 16;

type Marks = HashMap<UserId, Mark>;

impl Tiered {
    pub(super) async fn carry_out(&self, schema: &Schema, mut plan: Plan) -> Result<Vec<Outcome>, StoreError> {
        let mut outcomes: Vec<Outcome> = plan.steps.iter().map(|_| Outcome::default()).collect();
        let records = std::mem::take(&mut plan.records);
        let has_records = !records.is_empty();
        let taken = self.take(&plan, &mut outcomes).await?;
        let mut marks = self.marks(&plan).await?;
        self.end(&plan, &mut outcomes, &mut marks).await?;
        if has_records {
            let written = match self.records.write(schema, records).await {
                Err(StoreError::Conflict(conflict)) => {
                    self.put_back(&taken).await?;
                    return Err(StoreError::Conflict(placed(&plan, conflict)));
                }
                written => written?,
            };
            self.end(&plan, &mut outcomes, &mut marks).await?;
            adopt(&plan, written, &mut outcomes);
        }
        self.follow(schema, &plan, &mut outcomes).await?;
        for (index, step) in plan.steps.iter().enumerate() {
            if let Task::Begin(row, links) = &step.task {
                let row = linked(row.clone(), links, &outcomes);
                let begun = self.begin(schema, row, &marks, outcomes.get(index)).await?;
                if step.in_records.is_none()
                    && let Some(outcome) = outcomes.get_mut(index)
                {
                    *outcome = begun;
                }
            }
        }
        self.verifications_after(&plan, &mut outcomes).await?;
        Ok(outcomes)
    }

    /// Step 1. Hands back what was taken.
    async fn take(&self, plan: &Plan, outcomes: &mut [Outcome]) -> Result<Vec<Verification>, StoreError> {
        let mut taken = Vec::new();
        for (index, (step, outcome)) in plan.steps.iter().zip(outcomes).enumerate() {
            let Task::Take(found, hands_back) = &step.task else { continue };
            for one in found {
                if self.secondary.take_verification(&one.identifier, &one.id).await? {
                    taken.push(one.clone());
                    outcome.affected += 1;
                    outcome.rows.extend(hands_back.then(|| one.clone().into_row()));
                }
            }
            if step.guarded && outcome.affected == 0 {
                self.put_back(&taken).await?;
                return Err(StoreError::Conflict(Conflict::Guard(index)));
            }
        }
        Ok(taken)
    }

    async fn put_back(&self, taken: &[Verification]) -> Result<(), StoreError> {
        for one in taken {
            self.secondary.restore_verification(one, self.now()).await?;
        }
        Ok(())
    }

    /// Step 2.
    async fn marks(&self, plan: &Plan) -> Result<Marks, StoreError> {
        let mut marks = Marks::new();
        for step in &plan.steps {
            let Task::Begin(row, _) = &step.task else { continue };
            match owner(row) {
                Some(user) if !marks.contains_key(&user) => {
                    let mark = self.secondary.mark(&user).await?;
                    marks.insert(user, mark);
                }
                Some(_) => {}
                None => self.secondary.ping().await?,
            }
        }
        Ok(marks)
    }

    /// Steps 3 and 5. Counts, and notes the marks it leaves.
    async fn end(&self, plan: &Plan, outcomes: &mut [Outcome], marks: &mut Marks) -> Result<(), StoreError> {
        for (step, outcome) in plan.steps.iter().zip(outcomes) {
            match &step.task {
                Task::End(tokens, None) => outcome.affected += self.secondary.revoke(tokens, self.now()).await?,
                Task::End(tokens, Some(rows)) => {
                    for (token, row) in tokens.iter().zip(rows) {
                        if self.secondary.revoke(std::slice::from_ref(token), self.now()).await? > 0 {
                            outcome.affected += 1;
                            outcome.rows.push(row.clone());
                        }
                    }
                }
                Task::EndAllOf(users) => {
                    for user in users {
                        let revoked = self.secondary.revoke_all(user, self.now(), self.mark_life()).await?;
                        outcome.affected += revoked.ended;
                        marks.insert(user.clone(), revoked.mark);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Steps 6 and 7.
    async fn follow(&self, schema: &Schema, plan: &Plan, outcomes: &mut [Outcome]) -> Result<(), StoreError> {
        for (step, outcome) in plan.steps.iter().zip(outcomes) {
            let is_ours = step.in_records.is_none() || step.is_memory;
            match &step.task {
                Task::Update(tokens, set) if is_ours || outcome.affected > 0 => {
                    let mut updated = 0;
                    for token in tokens {
                        updated += u64::from(self.secondary.update(schema, token, set, self.now()).await?);
                    }
                    if is_ours {
                        outcome.affected = updated;
                    }
                }
                Task::UsersChange(users) if outcome.affected > 0 => {
                    for user in users {
                        self.settle(schema, user, None).await?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts a user into its sessions until they carry what the database has. `carried` is what they carry already.
    async fn settle(&self, schema: &Schema, id: &UserId, mut carried: Option<User>) -> Result<(), StoreError> {
        for _ in 0..ROUNDS {
            let current = self.user(schema, id).await?;
            match current {
                None => return self.secondary.revoke_all(id, self.now(), self.mark_life()).await.map(drop),
                Some(user) if carried.as_ref() == Some(&user) => return Ok(()),
                Some(user) => {
                    self.secondary.replace_user(&user, self.now()).await?;
                    carried = Some(user);
                }
            }
        }
        Err(StoreError::unavailable("a user changed each time its sessions were to be told"))
    }

    /// Step 8.
    async fn begin(
        &self,
        schema: &Schema,
        mut row: Row,
        marks: &Marks,
        stored: Option<&Outcome>,
    ) -> Result<Outcome, StoreError> {
        let has_id = row.get("id").is_some_and(|id| !id.is_null());
        if let (false, Some(given)) = (has_id, stored.and_then(|outcome| outcome.rows.first()?.get("id"))) {
            row.set("id", given.clone());
        }
        let mut session = Session::from_row(row.clone())?;
        let id = session.user_id.clone();
        let mark = match marks.get(&id) {
            Some(mark) => *mark,
            // Of a user who is new nobody can have ended sessions since, but numbers come back.
            None => self.secondary.mark(&id).await?,
        };
        let Some(user) = self.user(schema, &id).await? else { return Err(StoreError::Conflict(Conflict::Reference)) };
        // The clock of whoever set the mark may be ahead, and a new session must not be dead for that.
        session.created_at = session.created_at.max(mark.0.unwrap_or(session.created_at));
        match self.secondary.begin(&session, &user, mark, self.now()).await? {
            Begun::Yes => self.settle(schema, &id, Some(user)).await?,
            Begun::TokenTaken => {
                let (table, column) = (Session::TABLE.to_owned(), "token".to_owned());
                return Err(StoreError::Conflict(Conflict::Unique { table, column }));
            }
            Begun::RevokedMeanwhile => {
                if self.options.store_session_in_database {
                    // Nobody has its token, but it would be listed.
                    let orphan = Batch::new().delete(Session::TABLE, Filter::eq("token", &session.token));
                    self.records.write(schema, orphan).await?;
                }
                return Err(StoreError::unavailable("all sessions of the user were ended while this one began"));
            }
        }
        Ok(Outcome { affected: 1, rows: if has_id { Vec::new() } else { vec![row] } })
    }

    /// Step 9.
    async fn verifications_after(&self, plan: &Plan, outcomes: &mut [Outcome]) -> Result<(), StoreError> {
        for (step, outcome) in plan.steps.iter().zip(outcomes) {
            match &step.task {
                Task::Keep(row) => {
                    let mut row = row.clone();
                    if let Some(id) = outcome.rows.first().and_then(|stored| stored.get("id")) {
                        row.set("id", id.clone());
                    }
                    self.secondary.put_verification(&Verification::from_row(row)?, self.now()).await?;
                    if step.in_records.is_none() {
                        outcome.affected = 1;
                    }
                }
                Task::Forget(identifiers) => {
                    let mut gone = 0;
                    for identifier in identifiers.iter().filter(|identifier| !plan.takes(identifier)) {
                        gone += u64::from(self.secondary.delete_verification(identifier).await?);
                    }
                    if step.in_records.is_none() {
                        outcome.affected = gone;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What the database says counts, but for what it only keeps a memory of.
fn adopt(plan: &Plan, written: Vec<Outcome>, outcomes: &mut [Outcome]) {
    let mut written = written.into_iter();
    for (step, outcome) in plan.steps.iter().zip(outcomes).filter(|(step, _)| step.in_records.is_some()) {
        if let (Some(said), false) = (written.next(), step.is_memory && !matches!(step.task, Task::Begin(..))) {
            *outcome = said;
        }
    }
}

fn placed(plan: &Plan, conflict: Conflict) -> Conflict {
    match conflict {
        Conflict::Guard(index) => Conflict::Guard(plan.place_of(index)),
        other => other,
    }
}

fn owner(row: &Row) -> Option<UserId> {
    row.get("userId").and_then(Value::as_text).map(UserId::new)
}

/// The row with the ids that the database has given to what it refers to.
fn linked(mut row: Row, links: &[Link], outcomes: &[Outcome]) -> Row {
    for link in links {
        let given = outcomes.get(link.operation).and_then(|outcome| outcome.rows.first()?.get("id"));
        row.set(&*link.column, given.cloned().unwrap_or(Value::Null));
    }
    row
}
