//! What every test stands on: a server over a store in memory, with a clock that only tests move, called without a
//! socket.

mod call;
mod mail;
mod people;
mod store;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use hallpass::{
    Bearer, Builder, Clock, EmailAndPassword, Environment, Hallpass, Randomness,
    store::{MemoryStore, Store, Timestamp},
};

pub(crate) use call::{Answer, Call, cleared, headers, traces};
pub(crate) use mail::{Mails, bare_link, jwt, jwt_by, jwt_parts, link, stage_with_mail};
pub(crate) use people::{Caller, PASSWORD, PASSWORD_HASH, cookie, forged, sign};
pub(crate) use store::{Asked, Calls, Fault, Faults, counting, failing, revoking};

/// The secret of the contract's byte vectors (CONTRACT §4.3).
pub(crate) const SECRET: &str = "better-auth-contract-secret-00000000";

/// The server's own origin.
pub(crate) const ORIGIN: &str = "http://localhost:3000";

/// 2030-01-01T00:00:00.000Z, when every test begins.
pub(crate) const START: i64 = 1_893_456_000_000;

pub(crate) const DAY: Duration = Duration::from_hours(24);

/// A server and everything it was built of.
pub(crate) struct Stage {
    pub(crate) auth: Hallpass,
    pub(crate) clock: TestClock,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) calls: Calls,
    pub(crate) faults: Faults,
    pub(crate) mails: Mails,
}

/// A server with passwords and bearer, in development, reached at [`ORIGIN`].
pub(crate) fn stage() -> Stage {
    stage_with(|builder| builder.plugin(Bearer::new()))
}

/// The same without bearer and other plugins, then configured by `configure`.
pub(crate) fn stage_with(configure: impl FnOnce(Builder) -> Builder) -> Stage {
    let (clock, memory) = (TestClock::default(), MemoryStore::new());
    let (calls, faults) = (Calls::default(), Faults::default());
    let store = counting(failing(memory.clone(), &faults), &calls);
    let builder = Hallpass::builder()
        .environment(Environment::Development)
        .secret(SECRET)
        .base_url(ORIGIN)
        .store(store)
        .clock(clock.clone())
        .randomness(Seeded::default())
        .email_and_password(EmailAndPassword::default());
    let auth = configure(builder).build().unwrap();
    Stage { auth, clock, store: Arc::new(memory), calls, faults, mails: Mails::default() }
}

/// A clock that stands still until it is moved.
#[derive(Debug, Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl Default for TestClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(START)))
    }
}

impl TestClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl TestClock {
    /// As when somebody sets the machine's clock back.
    pub(crate) fn rewind(&self, by: Duration) {
        self.0.fetch_sub(i64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Bytes that look random and are the same in every run (SplitMix64).
#[derive(Debug, Default)]
struct Seeded(AtomicU64);

impl Randomness for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed).wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A moment so many milliseconds after the beginning, as answers write it.
pub(crate) fn at(since_start: Duration) -> String {
    (Timestamp::from_millis(START) + since_start).to_string()
}
