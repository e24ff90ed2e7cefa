//! Who counts the answers and says which of them are wrong.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use http::{StatusCode, header};

use crate::{
    http::{Answer, Broken},
    writer::{CHANGE_PASSWORD, RESET, SIGN_IN, SIGN_UP},
};

/// How soon after a store's return everything has to work again.
pub(crate) const RECOVERY: Duration = Duration::from_secs(5);

/// What a request came to.
#[derive(Debug)]
pub(crate) enum Heard {
    /// An answer that says something.
    Answer(Answer),
    /// 503, or no answer from a server that was killed: what was asked for has happened, or it has not.
    Unknown,
}

/// All answers of a run, and what is wrong with them.
#[derive(Debug)]
pub(crate) struct Judge {
    /// No answer may take longer.
    limit: Duration,
    /// Whether the server itself is killed, so that connections to it break.
    kills: bool,
    ledger: Mutex<Ledger>,
}

#[derive(Debug)]
struct Ledger {
    wrong: Vec<String>,
    /// Since when the store is there, or that it is not.
    returned: Option<Instant>,
    fault: &'static str,
    rows: BTreeMap<&'static str, Row>,
    order: Vec<&'static str>,
}

/// What is known of one kind of fault.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    times: u32,
    requests: u64,
    refused: u64,
    broken: u64,
    slowest: Duration,
    recovery: Duration,
}

/// Requests that hash a password.
const HASHING: [&str; 4] = [SIGN_UP, SIGN_IN, RESET, CHANGE_PASSWORD];

/// The name of what comes before the first fault.
const CALM: &str = "none";

impl Judge {
    pub(crate) fn new(limit: Duration, kills: bool) -> Self {
        let rows = BTreeMap::from([(CALM, Row { times: 1, ..Row::default() })]);
        // Nothing is excused by a store that has just come back: it was there all the time.
        let returned = Instant::now().checked_sub(RECOVERY);
        let ledger = Ledger { wrong: Vec::new(), returned, fault: CALM, rows, order: vec![CALM] };
        Self { limit, kills, ledger: Mutex::new(ledger) }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on 503 is a right answer.
    pub(crate) fn fault_begins(&self, name: &'static str) {
        let mut ledger = self.ledger();
        ledger.returned = None;
        ledger.fault = name;
        if !ledger.order.contains(&name) {
            ledger.order.push(name);
        }
        ledger.rows.entry(name).or_default().times += 1;
    }

    /// The store is there again.
    pub(crate) fn fault_ends(&self) {
        self.ledger().returned = Some(Instant::now());
    }

    /// Somebody who came after the store's return was kept waiting, so long after it.
    pub(crate) fn was_kept_waiting(&self, asked: &str, after: Duration) {
        self.ledger().recovered_after(after, asked);
    }

    /// Notes an answer, and what is wrong with any answer to whatever.
    pub(crate) fn hear(&self, asked: &str, result: Result<Answer, Broken>) -> Heard {
        let mut ledger = self.ledger();
        let row = ledger.row();
        row.requests += 1;
        let Ok(answer) = result else {
            row.broken += 1;
            if !self.kills {
                ledger.wrong(&format!("{asked}: no answer at all"));
            }
            return Heard::Unknown;
        };
        let took = answer.ended - answer.begun;
        // Passwords are hashed at the lowest priority; how long that takes says nothing of stores.
        let hashes = HASHING.contains(&asked);
        if !hashes {
            row.slowest = row.slowest.max(took);
        }
        if took > self.limit && !hashes {
            ledger.wrong(&format!("{asked}: an answer after {took:.1?}"));
        }
        match answer.status {
            StatusCode::SERVICE_UNAVAILABLE => {
                ledger.refused(asked, &answer);
                Heard::Unknown
            }
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                ledger.wrong(&format!("{asked}: {status} {}", answer.text()));
                Heard::Unknown
            }
            _ => Heard::Answer(answer),
        }
    }

    /// Notes that something is not as it has to be.
    pub(crate) fn wrong(&self, what: impl Into<String>) {
        self.ledger().wrong(&what.into());
    }

    /// What was wrong so far.
    pub(crate) fn all_wrong(&self) -> Vec<String> {
        self.ledger().wrong.clone()
    }

    /// How many requests were made.
    pub(crate) fn requests(&self) -> u64 {
        self.ledger().rows.values().map(|row| row.requests).sum()
    }

    /// How many of them were answered.
    pub(crate) fn answers(&self) -> u64 {
        self.ledger().rows.values().map(|row| row.requests - row.broken).sum()
    }

    /// One line for each kind of fault, as a table.
    pub(crate) fn table(&self) -> String {
        let ledger = self.ledger();
        let mut table = "| Fault | times | requests | 503 | no answer | slowest answer | recovery |\n".to_owned();
        table.push_str("|---|--:|--:|--:|--:|--:|--:|\n");
        for name in &ledger.order {
            let Some(row) = ledger.rows.get(name) else { continue };
            let _ = writeln!(
                table,
                "| {name} | {} | {} | {} | {} | {:.2} s | {:.2} s |",
                row.times,
                row.requests,
                row.refused,
                row.broken,
                row.slowest.as_secs_f64(),
                row.recovery.as_secs_f64()
            );
        }
        table
    }
}

impl Ledger {
    fn row(&mut self) -> &mut Row {
        self.rows.entry(self.fault).or_default()
    }

    fn refused(&mut self, asked: &str, answer: &Answer) {
        let (returned, begun, ended) = (self.returned, answer.begun, answer.ended);
        let row = self.row();
        row.refused += 1;
        if !answer.headers.contains_key(header::RETRY_AFTER) {
            self.wrong(&format!("{asked}: 503 without retry-after"));
        }
        let Some(returned) = returned.filter(|returned| *returned < begun) else { return };
        self.recovered_after(ended - returned, asked);
    }

    /// Notes that somebody who came after the store's return was kept waiting until now.
    fn recovered_after(&mut self, late: Duration, asked: &str) {
        if late > RECOVERY {
            self.wrong(&format!("{asked}: of no use {late:.1?} after the store's return"));
        }
        let row = self.row();
        row.recovery = row.recovery.max(late);
    }

    fn wrong(&mut self, what: &str) {
        self.wrong.push(format!("[{}] {what}", self.fault));
    }
}
