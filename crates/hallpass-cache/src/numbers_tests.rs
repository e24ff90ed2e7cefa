//! Every order in which revokes, fills, hits and joins can go on together, step by step, over the real methods.

use std::{collections::HashSet, sync::atomic::AtomicU64};

use super::*;

const KEY: Key = [7; 32];

/// One who does something in several steps, any of which others may come in between.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Actor {
    /// Changes the store and answers, several times.
    Revoker { concern: usize, left: u8, step: u8, number: u64, version: u8 },
    /// Asks the store and keeps what it says.
    Filler { step: u8, noted: u64, value: u8, is_late: bool },
    /// Is answered from memory, if it may be.
    Reader { step: u8, required: u8, seen: Option<(u64, u8)> },
    /// Waits for the filler, if it may.
    Joiner { step: u8, required: u8, of: usize, joined: bool },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    /// What the store holds: how often it was changed.
    version: u8,
    /// The last change that anybody was told of.
    answered: u8,
    /// What is kept: the noted number and the version.
    kept: Option<(u64, u8)>,
    numbers: [u64; 6],
    actors: Vec<Actor>,
}

fn concern(number: usize) -> Concern {
    [Concern::Token(KEY), Concern::Session("s".into()), Concern::User("u".into()), Concern::Everything][number].clone()
}

/// The real thing, with one stripe of each kind, as it was.
fn restore([sequence, token, session, user, unplaced, reset]: [u64; 6]) -> Numbers {
    let numbers = Numbers::with_stripes(1);
    numbers.sequence.store(sequence, SeqCst);
    numbers.tokens[0].store(token, SeqCst);
    numbers.sessions[0].store(session, SeqCst);
    numbers.users[0].store(user, SeqCst);
    numbers.unplaced.store(unplaced, SeqCst);
    numbers.reset.store(reset, SeqCst);
    numbers
}

fn save(numbers: &Numbers) -> [u64; 6] {
    let Numbers { sequence, tokens, sessions, users, unplaced, reset, .. } = numbers;
    [sequence, &tokens[0], &sessions[0], &users[0], unplaced, reset].map(|number: &AtomicU64| number.load(SeqCst))
}

impl World {
    fn new(actors: Vec<Actor>) -> Self {
        Self { version: 0, answered: 0, kept: None, numbers: [0; 6], actors }
    }

    /// The world after the next step of one; none, when it has come to its end or must wait. An error is a stale answer.
    fn after(&self, which: usize) -> Result<Option<Self>, String> {
        let mut next = self.clone();
        let numbers = restore(self.numbers);
        let stale = |value: u8, required: u8| format!("{value} was served where {required} was answered: {self:#?}");
        match &mut next.actors[which] {
            Actor::Revoker { left: 0, .. } | Actor::Filler { step: 3, .. } => return Ok(None),
            Actor::Revoker { concern: what, left, step, number, version } => {
                match *step {
                    0 => {
                        next.version += 1;
                        *version = next.version;
                    }
                    1 => *number = numbers.take(),
                    2 => numbers.write(*number, &concern(*what)),
                    _ => {
                        next.answered = next.answered.max(*version);
                        *left -= 1;
                    }
                }
                *step = (*step + 1) % 4;
            }
            Actor::Filler { step, noted, value, is_late } => {
                match (*step, *is_late) {
                    (0, false) | (1, true) => *noted = numbers.note().0,
                    (0, true) | (1, false) => *value = self.version,
                    _ => next.kept = Some((*noted, *value)),
                }
                *step += 1;
            }
            Actor::Reader { step, required, seen } => {
                match *step {
                    0 => *required = self.answered,
                    1 => *seen = self.kept,
                    2 => {
                        let places = numbers.places(&KEY, "s", "u");
                        let served = seen.filter(|(noted, _)| numbers.holds(Noted(*noted), &places));
                        if let Some((_, value)) = served.filter(|(_, value)| value < required) {
                            return Err(stale(value, *required));
                        }
                    }
                    _ => return Ok(None),
                }
                *step += 1;
            }
            Actor::Joiner { step, required, of, joined } => {
                let Actor::Filler { step: flown, noted, value, .. } = &self.actors[*of] else { unreachable!() };
                match *step {
                    0 => *required = self.answered,
                    1 if *flown == 0 => return Ok(None),
                    1 => *joined = numbers.may_join(Noted(*noted), &KEY),
                    2 if *flown < 3 => return Ok(None),
                    2 if *joined && value < required => return Err(stale(*value, *required)),
                    2 => {}
                    _ => return Ok(None),
                }
                *step += 1;
            }
        }
        next.numbers = save(&numbers);
        Ok(Some(next))
    }

    /// Goes every way there is; how many states there are.
    fn explore(self) -> Result<usize, String> {
        let (mut known, mut waiting) = (HashSet::new(), vec![self]);
        while let Some(world) = waiting.pop() {
            if !known.insert(world.clone()) {
                continue;
            }
            for which in 0..world.actors.len() {
                waiting.extend(world.after(which)?);
            }
        }
        Ok(known.len())
    }
}

fn revoker(concern: usize, left: u8) -> Actor {
    Actor::Revoker { concern, left, step: 0, number: 0, version: 0 }
}

const FILLER: Actor = Actor::Filler { step: 0, noted: 0, value: 0, is_late: false };
const READER: Actor = Actor::Reader { step: 0, required: 0, seen: None };

fn joiner(of: usize) -> Actor {
    Actor::Joiner { step: 0, required: 0, of, joined: false }
}

#[test]
fn in_no_order_is_anything_served_or_joined_that_had_ended() {
    for (first, second) in (0..4).flat_map(|first| (first..4).map(move |second| (first, second))) {
        for asker in [READER, joiner(0)] {
            let together = vec![FILLER, revoker(first, 1), revoker(second, 1), asker.clone()];
            let in_turn = vec![FILLER, FILLER, revoker(first, 1), asker];
            for actors in [together, in_turn] {
                let states = World::new(actors).explore().unwrap();
                assert!(states > 500, "only {states} states");
            }
        }
    }
}

#[test]
fn a_fill_that_noted_the_number_late_would_be_found() {
    let late = Actor::Filler { step: 0, noted: 0, value: 0, is_late: true };
    for concern in 0..4 {
        let of_memory = World::new(vec![late.clone(), revoker(concern, 1), READER]).explore();
        let of_flight = World::new(vec![late.clone(), revoker(concern, 1), joiner(0)]).explore();
        assert!(of_memory.is_err() && of_flight.is_err());
    }
}

#[test]
fn what_concerns_others_leaves_an_entry_in_force() {
    let numbers = Numbers::new();
    let places = numbers.places(&KEY, "s", "u");
    let noted = numbers.note();
    let mut other = KEY;
    other[31] = 8;
    numbers.invalidate(&Concern::Token(other));
    assert!(numbers.holds(noted, &places) && numbers.may_join(noted, &KEY));
    // Whose session a flight brings nobody knows before it has landed.
    let elsewhere = (0..100).map(|number| format!("u{number}")).find(|id| numbers.id_place(id) != places.user).unwrap();
    numbers.invalidate(&Concern::User(elsewhere));
    assert!(numbers.holds(noted, &places) && numbers.holds_of_nobody(noted, &KEY));
    assert!(!numbers.may_join(noted, &KEY));
    numbers.invalidate(&Concern::Everything);
    assert!(!numbers.holds(noted, &places));
}

#[test]
fn an_older_invalidation_that_comes_late_takes_nothing_back() {
    let numbers = Numbers::new();
    let (older, newer) = (numbers.take(), numbers.take());
    numbers.write(newer, &Concern::Token(KEY));
    numbers.write(older, &Concern::Token(KEY));
    assert!(!numbers.holds_of_nobody(Noted(older), &KEY) && numbers.holds_of_nobody(Noted(newer), &KEY));
}
