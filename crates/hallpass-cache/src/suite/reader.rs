//! Who looks sessions up, and holds the answers against what was known before.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use hallpass_store::{SessionAndUser, StoreError, User};

use super::{Course, Dice, Life, Slot};

pub(super) async fn read(course: Arc<Course>, mut dice: Dice) {
    let (mut reads, mut found, mut errors) = (0, 0, 0);
    while course.tickets.load(SeqCst) > 0 || course.ends.load(SeqCst) > 0 {
        let slot = &course.slots[dice.below(course.slots.len())];
        let life = {
            let lives = slot.lives.lock().unwrap();
            // The last one mostly, and those before it: one that ended long ago is found by whoever never heard of its end.
            let back = [0, 0, dice.below(3), dice.below(24)][dice.below(4)];
            lives.len().checked_sub(1 + back).map(|place| Arc::clone(&lives[place]))
        };
        let Some(life) = life else {
            tokio::task::yield_now().await;
            continue;
        };
        let _ = course.tickets.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        let node = dice.below(course.nodes.len());
        let known = Known::before(&course, slot, &life, node);
        let answer = course.nodes[node].session_with_user(&course.schema, &life.token).await;
        reads += 1;
        life.looks.fetch_add(1, SeqCst);
        match &answer {
            Ok(Some(_)) => found += 1,
            Ok(None) => {}
            Err(_) => errors += 1,
        }
        known.check(&course, slot, &life, answer);
        if reads % 32 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let mut report = course.report.lock().unwrap();
    report.reads += reads;
    report.found += found;
    report.errors += errors;
}

/// What somebody had been told before the look-up began.
struct Known {
    node: usize,
    begun: u64,
    ended: u64,
    name: u64,
}

impl Known {
    fn before(course: &Course, slot: &Slot, life: &Life, node: usize) -> Self {
        let (ended, name) = (life.ended.load(SeqCst), slot.told[node].load(SeqCst));
        Self { node, begun: course.now(), ended, name }
    }

    fn check(&self, course: &Course, slot: &Slot, life: &Life, answer: Result<Option<SessionAndUser>, StoreError>) {
        match answer {
            Ok(Some(found)) => {
                if found.session.token != life.token || found.user.id.as_str() != slot.user {
                    course.wrong("somebody else's session was found".into());
                }
                if self.ended > 0 {
                    self.check_ended(course, life);
                } else {
                    self.check_name(course, slot, &found.user);
                }
            }
            Ok(None) => {
                let is_alive = !life.is_ending.load(SeqCst);
                if is_alive {
                    let born = if life.born_at == self.node { "here" } else { "elsewhere" };
                    course.wrong(format!("a live session, begun {born}, was not found on node {}", self.node));
                }
            }
            Err(_) => {}
        }
    }

    /// A session was found that had ended.
    fn check_ended(&self, course: &Course, life: &Life) {
        let late = self.begun - self.ended;
        if life.ended_at.load(SeqCst) == self.node as u64 {
            course.wrong(format!("node {} found a session that it had ended {late} ns before", self.node));
        } else {
            life.lag.fetch_max(late, SeqCst);
        }
    }

    /// Whether the user is as they had been named.
    fn check_name(&self, course: &Course, slot: &Slot, user: &User) {
        let name: u64 = user.name.parse().unwrap();
        if name < self.name {
            let node = self.node;
            course.wrong(format!("node {node} found a user as {name} whom it had named {}", self.name));
        }
        // The first name that the answer does not know of.
        if let Some(missed) = slot.names.lock().unwrap().get_mut(usize::try_from(name).unwrap())
            && missed.told_at < self.begun
        {
            missed.lag = missed.lag.max(Duration::from_nanos(self.begun - missed.told_at));
        }
    }
}
