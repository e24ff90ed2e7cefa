//! What is kept, whether it is true, and what listens to the store's changes.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hallpass_store::{Change, ChangeListener, SessionAndUser, StoreError, Timestamp};

use crate::{
    flights::{Departure, Flights},
    lease::{Lease, Moment},
    numbers::{Concern, Key, Numbers},
    room::{Entry, Nobody, Rooms},
    stats::{Counters, Stats},
};

/// What a question brought.
pub(crate) type Landed = Result<Option<SessionAndUser>, Arc<StoreError>>;

/// What is known of a token without asking.
pub(crate) enum Kept {
    /// Its session.
    Session(SessionAndUser),
    /// That it has none.
    Nobody,
    /// Nothing.
    Nothing,
    /// Nothing that could be believed, because changes may have been missed.
    Unproven,
}

pub(crate) struct Core {
    numbers: Numbers,
    lease: Lease,
    /// Whether what is kept is believed only under the lease.
    is_leased: bool,
    max_age: Duration,
    rooms: Rooms,
    keeps_nobodies: bool,
    pub(crate) flights: Flights<Landed>,
    pub(crate) counters: Counters,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Held while the channel opens or closes.
    gate: Mutex<()>,
}

/// How a [`Core`] is made.
pub(crate) struct Plan {
    pub(crate) lease: Duration,
    pub(crate) is_leased: bool,
    pub(crate) max_age: Duration,
    pub(crate) max_bytes: u64,
    pub(crate) keeps_nobodies: bool,
    pub(crate) clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Core {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            numbers: Numbers::new(),
            lease: Lease::new(plan.lease),
            is_leased: plan.is_leased,
            max_age: plan.max_age,
            rooms: Rooms::new(plan.max_bytes, plan.keeps_nobodies),
            keeps_nobodies: plan.keeps_nobodies,
            flights: Flights::new(),
            counters: Counters::new(),
            clock: plan.clock,
            gate: Mutex::new(()),
        }
    }

    /// What is known of a token. The order matters: the proof is looked at before the numbers (see [`Lease::holds`]).
    pub(crate) fn kept(&self, key: &Key) -> Kept {
        let now = self.lease.now();
        if !self.is_proven_at(now) {
            return Kept::Unproven;
        }
        if let Some(entry) = self.rooms.session(key)
            && now <= entry.until
            && self.numbers.holds(entry.noted, &entry.places)
        {
            return Kept::Session(entry.found);
        }
        match self.rooms.nobody(key) {
            Some(nobody) if now <= nobody.until && self.numbers.holds_of_nobody(nobody.noted, key) => Kept::Nobody,
            _ => Kept::Nothing,
        }
    }

    /// To be called before the store is asked.
    pub(crate) fn depart(&self) -> Departure {
        Departure { noted: self.numbers.note(), begun: self.lease.now() }
    }

    /// Whether a reader that begins now may wait for this flight: nothing that concerns it has changed since, and what it brings is not
    /// older than an answer may be.
    pub(crate) fn may_join(&self, departure: Departure, key: &Key) -> bool {
        self.numbers.may_join(departure.noted, key) && self.lease.now() <= departure.begun.after(self.max_age)
    }

    /// Keeps what the store said, if it may be believed later.
    pub(crate) fn keep(&self, key: Key, departure: Departure, found: Option<SessionAndUser>) -> Option<SessionAndUser> {
        let Departure { noted, begun } = departure;
        let until = begun.after(self.max_age);
        let Some(found) = found else {
            if self.keeps_nobodies {
                self.rooms.keep_nobody(key, Nobody { noted, until });
            } else {
                // What was kept of it is not worth its room.
                self.rooms.forget(&key);
            }
            return None;
        };
        let left = found.session.expires_at.millis_since((self.clock)());
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        let places = self.numbers.places(&key, found.session.id.as_str(), found.user.id.as_str());
        let until = until.min(self.lease.now().after(left));
        // One that has ended is not worth its room; one that is not true any more must not replace one that is.
        if !left.is_zero() && self.numbers.holds(noted, &places) {
            self.rooms.keep(key, Entry { noted, places, until, found: found.clone() });
        }
        Some(found)
    }

    /// To be called after the commit, and before anybody is told of it.
    pub(crate) fn invalidate(&self, concern: &Concern) {
        self.numbers.invalidate(concern);
        self.counters.invalidation(concern);
        if let Concern::Token(key) = concern {
            self.rooms.forget(key);
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let (entries, bytes) = self.rooms.size();
        let is_proven = self.is_proven_at(self.lease.now());
        Stats { entries, bytes, is_proven, ..self.counters.stats() }
    }

    fn is_proven_at(&self, now: Moment) -> bool {
        !self.is_leased || self.lease.holds(now)
    }
}

impl ChangeListener for Core {
    fn changed(&self, change: Change) {
        self.invalidate(&match change {
            Change::Session { token_sha256 } => Concern::Token(token_sha256),
            Change::User(id) => Concern::User(id.as_str().to_owned()),
            _ => Concern::Everything,
        });
    }

    /// When the channel opens, everything from before is worthless: of changes that were made while it was closed nobody told. A feed says so
    /// itself after a gap; here it is made sure of, at the first opening too.
    fn proven(&self, begun: Instant) {
        let _gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.lease.is_open() {
            self.invalidate(&Concern::Everything);
        }
        self.lease.prove(begun);
    }

    fn lost(&self) {
        let _gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        self.lease.lose();
        self.invalidate(&Concern::Everything);
    }
}
