//! Who begins sessions, changes their user, and ends them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
};

use hallpass_store::{
    Batch, Filter, Outcome, Record, Row, Session, SessionId, SessionToken, StoreError, Timestamp, User, UserId,
};

use super::{Course, Dice, Life, Name};

/// Far enough for any race.
const END: Timestamp = Timestamp::from_millis(4_102_444_800_000);
const BEGIN: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(super) async fn keep(course: Arc<Course>, number: usize, mut dice: Dice) {
    let (slot, nodes) = (&course.slots[number], course.nodes.len());
    let write = async |node: usize, batch: Batch| until_done(&course, node, batch).await;
    let named = |user: &str, name: usize| {
        User::new(UserId::new(user), name.to_string(), format!("{user}@example.com"), BEGIN).into_row()
    };
    let mut has_user = false;
    let mut lives = 0;
    while !course.is_over.load(SeqCst) {
        let (user, node) = (UserId::new(&slot.user), dice.below(nodes));
        // Of the form that the engine draws: some stores take no other.
        let token = SessionToken::new(format!("{:08x}{lives:08x}{:016x}", slot.number, dice.0));
        let id = SessionId::new(format!("{}-{lives}", slot.user));
        lives += 1;
        let mut session = Session::new(id.clone(), token.clone(), user.clone(), BEGIN, END);
        session.ip_address = Some(slot.user.clone());
        let name = slot.names.lock().unwrap().len();
        let batch = Batch::new();
        let batch = if has_user { batch } else { batch.insert("user", named(&slot.user, name)) };
        write(node, batch.insert("session", session.into_row())).await;
        has_user = true;
        let life = Arc::new(Life {
            token: token.clone(),
            born_at: node,
            looks: AtomicU64::new(0),
            is_ending: AtomicBool::new(false),
            ended: AtomicU64::new(0),
            ended_at: AtomicU64::new(0),
            lag: AtomicU64::new(0),
        });
        slot.lives.lock().unwrap().push(Arc::clone(&life));
        for _ in 0..dice.below(4) {
            tokio::time::sleep(course.pace).await;
            // Names count upwards; the first is 1.
            let (node, name) = (dice.below(nodes), slot.names.lock().unwrap().len() + 1);
            let set = Row::new().with("name", name.to_string());
            write(node, Batch::new().update("user", Filter::eq("id", &user), set)).await;
            slot.names.lock().unwrap().push(Name { told_at: course.now(), lag: std::time::Duration::ZERO });
            slot.told[node].store(name as u64, SeqCst);
        }
        tokio::time::sleep(course.pace).await;
        while life.looks.load(SeqCst) < course.looks && !course.is_over.load(SeqCst) {
            tokio::time::sleep(course.pace).await;
        }
        let node = dice.below(nodes);
        life.is_ending.store(true, SeqCst);
        let batch = Batch::new();
        let batch = match dice.below(200) {
            0..100 => batch.delete("session", Filter::eq("token", &token)),
            100..125 => batch.take("session", Filter::In("token".into(), vec![(&token).into()])),
            125..150 => batch.delete("session", Filter::eq("id", id.as_str())),
            150..175 => batch.delete("session", Filter::eq("userId", &user)),
            // Nothing that a cache could know it by.
            175 => batch.delete("session", Filter::eq("ipAddress", slot.user.as_str())),
            _ => {
                has_user = false;
                batch.delete("user", Filter::eq("id", &user))
            }
        };
        write(node, batch).await;
        life.ended_at.store(node as u64, SeqCst);
        life.ended.store(course.now(), SeqCst);
        let _ = course.ends.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        course.report.lock().unwrap().changes += 1;
    }
}

/// Writes, and again where the store was away: whether a write was done that failed, nobody knows.
async fn until_done(course: &Course, node: usize, batch: Batch) -> Vec<Outcome> {
    for attempt in 0_u32.. {
        match course.nodes[node].write(&course.schema, batch.clone()).await {
            Ok(outcomes) => return outcomes,
            Err(error) if error.is_unavailable() => {
                tokio::time::sleep(course.pace).await;
                assert!(attempt < 10_000, "the store stays away");
            }
            // An insert that had been done.
            Err(StoreError::Conflict(_)) if attempt > 0 => return Vec::new(),
            Err(error) => panic!("a keeper could not write: {error}"),
        }
    }
    Vec::new()
}
