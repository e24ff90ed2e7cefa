//! What all those share who take part in one run.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::time::sleep;

use crate::{judge::Judge, people::Tokens};

/// One run: who is asked, and what is known.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) server: SocketAddr,
    pub(crate) judge: Judge,
    pub(crate) tokens: Tokens,
    pub(crate) mails: Mails,
    /// Whether sessions are written together with everything else, or in a storage of their own.
    pub(crate) sessions_in_database: bool,
    /// Whether the server itself is killed.
    pub(crate) kills: bool,
    over: AtomicBool,
    settled: AtomicBool,
    deaths: AtomicU64,
}

impl Run {
    pub(crate) fn new(
        server: SocketAddr,
        judge: Judge,
        outbox: PathBuf,
        sessions_in_database: bool,
        kills: bool,
    ) -> Self {
        let mails = Mails { path: outbox, read: Mutex::default() };
        let (over, settled) = (AtomicBool::new(false), AtomicBool::new(true));
        let (tokens, deaths) = (Tokens::default(), AtomicU64::new(0));
        Self { server, judge, tokens, mails, sessions_in_database, kills, over, settled, deaths }
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Whether nothing is on its way any more that was not answered, so that what is in doubt can be found out.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::SeqCst)
    }

    pub(crate) fn settle(&self, settled: bool) {
        self.settled.store(settled, Ordering::SeqCst);
    }

    /// The server was killed; what it had not yet sent is lost.
    pub(crate) fn server_died(&self) {
        self.deaths.fetch_add(1, Ordering::SeqCst);
    }

    /// How often it was.
    pub(crate) fn deaths(&self) -> u64 {
        self.deaths.load(Ordering::SeqCst)
    }

    /// The token of the mail that was sent to this address. `None` if the server was killed since it had died so many times.
    pub(crate) async fn mailed_token(&self, email: &str, deaths: u64) -> Option<String> {
        let late = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(token) = self.mails.token_for(email) {
                return Some(token);
            }
            if self.deaths() > deaths {
                return None;
            }
            if Instant::now() > late {
                self.judge.wrong("a mail that was promised did not come".to_owned());
                return None;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The file that mails are written to.
#[derive(Debug)]
pub(crate) struct Mails {
    path: PathBuf,
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    bytes: u64,
    tokens: HashMap<String, String>,
}

impl Mails {
    /// Takes the last token that went to this address.
    fn token_for(&self, email: &str) -> Option<String> {
        use std::io::{Read as _, Seek, SeekFrom};
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = read.tokens.remove(email) {
            return Some(token);
        }
        let mut file = std::fs::File::open(&self.path).ok()?;
        file.seek(SeekFrom::Start(read.bytes)).ok()?;
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        // A line that is not whole yet is read the next time.
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        for line in text.get(..whole).unwrap_or_default().lines() {
            let mail: Value = serde_json::from_str(line).unwrap_or_default();
            if let (Some(to), Some(token)) = (mail["to"].as_str(), mail["token"].as_str()) {
                read.tokens.insert(to.to_owned(), token.to_owned());
            }
        }
        read.bytes += whole as u64;
        read.tokens.remove(email)
    }
}
