//! Which of what was read is still true, by numbers alone.
//!
//! There is one sequence of numbers. An *invalidation* takes the next number, then writes it where it concerns: into the stripe of a token,
//! of a session's id or of a user's id, or into `reset`, which concerns everything. A *fill* notes how far the sequence has come **before**
//! it asks the store. What it read is served only while the noted number is at least the last number of all that it depends on.
//!
//! # Why nothing is served that had ended before the question
//!
//! Let a change be committed, then invalidated with number `n`, then answered to whoever asked for it. Let a reader begin after that answer.
//!
//! - It meets an entry whose fill noted `m < n`: the stripe holds `n` or more, because the invalidation wrote it before the answer and
//!   numbers there only grow. `m < n`, so the entry is not served.
//! - It meets an entry whose fill noted `m ≥ n`: the sequence had reached `n` when the fill noted it, and `n` was taken after the commit. The
//!   fill asked the store after that, so the store told of the change: what the entry holds is as it was after the change, or later.
//!
//! A fill may end, and its entry get in or out of memory, whenever it likes: neither point depends on it. Removing entries is housekeeping.
//! Stripes that two tokens share only make entries untrue that were true.
//!
//! All accesses are sequentially consistent: the argument is one about a single order, and so are they. On a hit they are plain loads.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering::SeqCst},
};

/// SHA-256 of a token's bytes.
pub(crate) type Key = [u8; 32];

/// Rooms for numbers in each of three arrays: 384 KiB in all. One invalidation makes one entry in so many untrue by mistake.
const STRIPES: usize = 1 << 14;

/// How far the sequence had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Noted(u64);

/// What an invalidation concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Concern {
    /// The session of this token.
    Token(Key),
    /// The session of this id.
    Session(String),
    /// Every session of the user of this id.
    User(String),
    /// Everything.
    Everything,
}

/// Where the numbers are that an answer depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    token: usize,
    session: usize,
    user: usize,
}

pub(crate) struct Numbers {
    sequence: AtomicU64,
    tokens: Box<[AtomicU64]>,
    sessions: Box<[AtomicU64]>,
    users: Box<[AtomicU64]>,
    /// The last number of any session's id or user: what concerns a token in a way that is not known before the store has answered.
    unplaced: AtomicU64,
    reset: AtomicU64,
    hasher: RandomState,
}

impl Numbers {
    pub(crate) fn new() -> Self {
        Self::with_stripes(STRIPES)
    }

    fn with_stripes(stripes: usize) -> Self {
        let stripes = || std::iter::repeat_with(AtomicU64::default).take(stripes).collect();
        Self {
            sequence: AtomicU64::new(0),
            tokens: stripes(),
            sessions: stripes(),
            users: stripes(),
            unplaced: AtomicU64::new(0),
            reset: AtomicU64::new(0),
            hasher: RandomState::new(),
        }
    }

    /// To be called before the store is asked.
    pub(crate) fn note(&self) -> Noted {
        Noted(self.sequence.load(SeqCst))
    }

    /// To be called after the commit, and before anybody is told of it.
    pub(crate) fn invalidate(&self, concern: &Concern) {
        self.write(self.take(), concern);
    }

    /// The first half of an invalidation.
    fn take(&self) -> u64 {
        self.sequence.fetch_add(1, SeqCst).saturating_add(1)
    }

    /// The second half. An older invalidation that comes late takes nothing back.
    fn write(&self, number: u64, concern: &Concern) {
        let raise = |stripe: Option<&AtomicU64>| {
            if let Some(stripe) = stripe {
                stripe.fetch_max(number, SeqCst);
            }
        };
        match concern {
            Concern::Token(key) => raise(self.tokens.get(self.token_place(key))),
            Concern::Session(id) => {
                raise(self.sessions.get(self.id_place(id)));
                raise(Some(&self.unplaced));
            }
            Concern::User(id) => {
                raise(self.users.get(self.id_place(id)));
                raise(Some(&self.unplaced));
            }
            Concern::Everything => raise(Some(&self.reset)),
        }
    }

    /// Where the numbers are that a session and its user depend on.
    pub(crate) fn places(&self, key: &Key, session: &str, user: &str) -> Places {
        Places { token: self.token_place(key), session: self.id_place(session), user: self.id_place(user) }
    }

    /// Whether what was read of a session and its user is still true.
    pub(crate) fn holds(&self, noted: Noted, places: &Places) -> bool {
        noted.0 >= self.reset.load(SeqCst)
            && noted.0 >= at(&self.tokens, places.token)
            && noted.0 >= at(&self.users, places.user)
            && noted.0 >= at(&self.sessions, places.session)
    }

    /// Whether "there is no such session" is still true. It depends on nobody's id.
    pub(crate) fn holds_of_nobody(&self, noted: Noted, key: &Key) -> bool {
        noted.0 >= self.reset.load(SeqCst) && noted.0 >= at(&self.tokens, self.token_place(key))
    }

    /// Whether a reader that begins now may wait for a look-up that noted this. Whose session it is nobody knows yet, so no change of any
    /// user may have come in between.
    pub(crate) fn may_join(&self, noted: Noted, key: &Key) -> bool {
        self.holds_of_nobody(noted, key) && noted.0 >= self.unplaced.load(SeqCst)
    }

    fn token_place(&self, key: &Key) -> usize {
        let [.., a, b] = key;
        usize::from(u16::from_be_bytes([*a, *b])) % self.tokens.len().max(1)
    }

    fn id_place(&self, id: &str) -> usize {
        // The remainder is below the length, which is a usize.
        usize::try_from(self.hasher.hash_one(id) % self.users.len().max(1) as u64).unwrap_or_default()
    }
}

/// The number in a stripe. A place that does not exist holds a number that nobody reaches.
fn at(stripes: &[AtomicU64], place: usize) -> u64 {
    stripes.get(place).map_or(u64::MAX, |stripe| stripe.load(SeqCst))
}

#[cfg(test)]
#[path = "numbers_tests.rs"]
mod tests;
