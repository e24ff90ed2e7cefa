//! What no cache may do, as a race: readers and revokers on one or several nodes, every answer held against what had been answered before.
//!
//! Each user has one session at a time. Its *keeper* begins it, changes the user's name, ends it in one of several ways, and begins the
//! next; every step on a node drawn at random. Readers look sessions up, those too that have ended, and hold each answer against what the
//! keeper had been told **before the reader began**:
//!
//! - on the node that made a change, an answer from before the change is *wrong*;
//! - on any other node it is late, and how late is measured: from the answer to the keeper to the beginning of the look-up;
//! - that a live session does not exist is wrong on the node that began it, and anywhere while nobody has begun to end it;
//! - an error is counted and is neither.
//!
//! ```no_run
//! # async fn example(store: std::sync::Arc<dyn hallpass_store::Store>, schema: hallpass_store::Schema) {
//! use hallpass_cache::suite::Race;
//! let report = Race::new(vec![store], schema).reads(100_000).run().await;
//! assert!(report.wrong.is_empty(), "{report}");
//! # }
//! ```
#![expect(clippy::missing_panics_doc, reason = "a race that cannot be run fails by panicking")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "as above")]

mod keeper;
mod reader;

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use hallpass_store::{Schema, SessionToken, Store};

/// A race to be run.
pub struct Race {
    nodes: Vec<Arc<dyn Store>>,
    schema: Schema,
    users: usize,
    readers: usize,
    reads: u64,
    changes: u64,
    seed: u64,
    pace: Duration,
    looks: u64,
}

/// What came of a race.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Report {
    /// Look-ups made.
    pub reads: u64,
    /// Of these, how many found a session.
    pub found: u64,
    /// Look-ups that failed.
    pub errors: u64,
    /// Sessions ended, and changes of users.
    pub changes: u64,
    /// For each session that was ended and each change, how late the last look-up on another node was that did not know of it.
    pub lags: Vec<Duration>,
    /// What should not have been; the first few.
    pub wrong: Vec<String>,
    /// From what numbers were drawn.
    pub seed: u64,
}

impl Report {
    /// How late the latest of so many in a thousand was.
    pub fn lag(&self, per_mille: usize) -> Duration {
        let mut lags = self.lags.clone();
        lags.sort_unstable();
        let place = (lags.len() * per_mille).div_ceil(1000).saturating_sub(1);
        lags.get(place).copied().unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reads, found, errors, changes, wrong, seed, .. } = self;
        let (median, late, latest) = (self.lag(500), self.lag(990), self.lag(1000));
        write!(f, "{reads} reads ({found} found a session, {errors} failed) beside {changes} changes; ")?;
        write!(f, "late: median {median:?}, p99 {late:?}, at most {latest:?}; seed {seed}; wrong: {wrong:#?}")
    }
}

impl fmt::Debug for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race").field("nodes", &self.nodes.len()).field("reads", &self.reads).finish_non_exhaustive()
    }
}

impl Race {
    /// On these nodes, which share a database that has the schema's tables and is otherwise of no interest to anybody.
    pub fn new(nodes: Vec<Arc<dyn Store>>, schema: Schema) -> Self {
        assert!(!nodes.is_empty(), "a race needs a node");
        // The standard library draws the keys of its hash tables; so a hash of nothing is a number drawn.
        let seed = BuildHasher::hash_one(&RandomState::new(), ());
        let pace = Duration::from_millis(2);
        Self { nodes, schema, users: 24, readers: 8, reads: 20_000, changes: 200, seed, pace, looks: 4 }
    }

    /// How many sessions to end at least: the look-ups go on until then.
    pub fn changes(mut self, changes: u64) -> Self {
        self.changes = changes;
        self
    }

    /// How many look-ups to make at least.
    pub fn reads(mut self, reads: u64) -> Self {
        self.reads = reads;
        self
    }

    /// How many read at once.
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers;
        self
    }

    /// How many users there are, each with a keeper who changes something all the time.
    pub fn users(mut self, users: usize) -> Self {
        self.users = users;
        self
    }

    /// How long a keeper waits between two changes.
    pub fn pace(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// How often a session has to be looked up before it is ended. What nobody keeps cannot be found late, however slow the machine is.
    pub fn looks(mut self, looks: u64) -> Self {
        self.looks = looks;
        self
    }

    /// From what numbers are drawn, to run a race again. Who comes first is still up to the machine.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Runs it.
    pub async fn run(self) -> Report {
        // No two races in a process have a user or a token in common, so one may follow another on the same database.
        static RACES: AtomicUsize = AtomicUsize::new(0);
        let (nodes, race) = (self.nodes.len(), RACES.fetch_add(1, SeqCst));
        let course = Arc::new(Course {
            base: Instant::now(),
            tickets: AtomicU64::new(self.reads),
            ends: AtomicU64::new(self.changes),
            slots: (0..self.users).map(|number| Slot::new(race << 16 | number, nodes)).collect(),
            report: Mutex::new(Report { seed: self.seed, ..Report::default() }),
            is_over: AtomicBool::new(false),
            pace: self.pace,
            looks: self.looks,
            nodes: self.nodes,
            schema: self.schema,
        });
        let keepers: Vec<_> = (0..self.users)
            .map(|slot| tokio::spawn(keeper::keep(Arc::clone(&course), slot, Dice::new(self.seed, slot as u64))))
            .collect();
        let dice = |number: usize| Dice::new(!self.seed, number as u64);
        let readers: Vec<_> =
            (0..self.readers).map(|number| tokio::spawn(reader::read(Arc::clone(&course), dice(number)))).collect();
        for reader in readers {
            reader.await.unwrap();
        }
        course.is_over.store(true, SeqCst);
        for keeper in keepers {
            keeper.await.unwrap();
        }
        let mut report = course.report.lock().unwrap().clone();
        for slot in &course.slots {
            report
                .lags
                .extend(slot.lives.lock().unwrap().iter().map(|life| Duration::from_nanos(life.lag.load(SeqCst))));
            report.lags.extend(slot.names.lock().unwrap().iter().map(|name| name.lag));
        }
        report
    }
}

/// What everybody in a race sees.
struct Course {
    base: Instant,
    nodes: Vec<Arc<dyn Store>>,
    schema: Schema,
    slots: Vec<Slot>,
    /// Look-ups still to be made.
    tickets: AtomicU64,
    /// Sessions still to be ended.
    ends: AtomicU64,
    report: Mutex<Report>,
    is_over: AtomicBool,
    pace: Duration,
    looks: u64,
}

impl Course {
    /// Nanoseconds since the race began; never 0.
    fn now(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_nanos()).unwrap() + 1
    }

    fn wrong(&self, what: String) {
        let mut report = self.report.lock().unwrap();
        if report.wrong.len() < 20 {
            report.wrong.push(what);
        }
    }
}

/// A user, and the sessions they had.
struct Slot {
    number: usize,
    user: String,
    lives: Mutex<Vec<Arc<Life>>>,
    names: Mutex<Vec<Name>>,
    /// The last name that the keeper was told of, by node.
    told: Vec<AtomicU64>,
}

impl Slot {
    fn new(number: usize, nodes: usize) -> Self {
        let told = std::iter::repeat_with(AtomicU64::default).take(nodes).collect();
        Self { number, user: format!("user{number}"), lives: Mutex::default(), names: Mutex::default(), told }
    }
}

/// A name of a user: its number is its place.
struct Name {
    told_at: u64,
    /// How late the last reader was who did not know of it.
    lag: Duration,
}

/// A session.
struct Life {
    token: SessionToken,
    /// The node that began it, on which it may be read at once.
    born_at: usize,
    /// How often it was looked up.
    looks: AtomicU64,
    /// Whether somebody has begun to end it.
    is_ending: AtomicBool,
    /// When the keeper was told that it has ended; 0 before that.
    ended: AtomicU64,
    ended_at: AtomicU64,
    /// How late the last reader on another node was.
    lag: AtomicU64,
}

/// Numbers drawn from a seed (xorshift).
struct Dice(u64);

impl Dice {
    fn new(seed: u64, who: u64) -> Self {
        Self((seed ^ who.wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }
}
