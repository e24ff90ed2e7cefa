//! A database of users and sessions.

use std::{ops::Range, path::Path, time::Duration};

use hallpass::{Clock, SystemClock};
use hallpass_sql::{SqlStore, SqliteOptions};
use hallpass_store::{Mode, Schema, SessionToken, Store};
use rusqlite::{Connection, config::DbConfig, params};
use sha2::{Digest, Sha256};

/// How many tokens are looked up in turn.
pub const TOKENS: usize = 10_000;

/// What the store runs for a session, and a baseline prepares.
pub const STATEMENT: &str = r#"
    SELECT s."id", s."expiresAt", s."token", s."createdAt", s."updatedAt", s."ipAddress", s."userAgent", s."userId",
           u."id", u."name", u."email", u."emailVerified", u."image", u."createdAt", u."updatedAt"
    FROM "session" AS s JOIN "user" AS u ON u."id" = s."userId" WHERE s."token" = ?1"#;

/// How many sessions: `HALLPASS_BENCH_SESSIONS`, or this many.
pub fn sessions(default: usize) -> usize {
    std::env::var("HALLPASS_BENCH_SESSIONS").map_or(default, |count| count.parse().unwrap())
}

/// Makes a database of so many live sessions, ten to a user, none of them due for a refresh.
pub fn database(path: &Path, sessions: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = runtime.block_on(SqlStore::sqlite(SqliteOptions::new(path))).unwrap();
    runtime.block_on(store.migrate(&Schema::core(), Mode::Apply)).unwrap();
    fill(&mut connect(path), 0..sessions);
    runtime.block_on(store.close()).unwrap();
}

/// Tokens that lie far apart in the file, in an order without pattern.
pub fn tokens(sessions: usize) -> Vec<SessionToken> {
    some_tokens(sessions, TOKENS)
}

/// So many of them.
pub fn some_tokens(sessions: usize, count: usize) -> Vec<SessionToken> {
    chosen(sessions, count).map(|n| SessionToken::new(token(n))).collect()
}

/// Which sessions these are.
pub fn chosen(sessions: usize, count: usize) -> impl Iterator<Item = usize> {
    let step = (sessions / count).max(1);
    (0..count).map(move |n| (n * 7919 % count) * step % sessions)
}

/// A connection set up as the store sets up its own.
pub fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.query_row("PRAGMA mmap_size=1073741824", [], |_| Ok(())).unwrap();
    // Without it SQLite plans the statement anew at each binding, and a baseline would flatter us.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
    connection
}

/// What sessions say of the browser.
pub const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Writes the sessions of these numbers, and their users.
pub fn fill(connection: &mut Connection, sessions: Range<usize>) {
    let now = SystemClock.now();
    let (begun, ends) = (now.to_string(), (now + Duration::from_hours(167)).to_string());
    let transaction = connection.transaction().unwrap();
    {
        let mut user = transaction.prepare(r#"INSERT INTO "user" VALUES (?1, ?2, ?3, 1, NULL, ?4, ?4)"#).unwrap();
        let mut session =
            transaction.prepare(r#"INSERT INTO "session" VALUES (?1, ?6, ?2, ?4, ?4, '203.0.113.9', ?5, ?3)"#).unwrap();
        for n in sessions {
            let owner = format!("u{}", token(n / 10));
            if n % 10 == 0 {
                user.execute(params![owner, "Ann Example", format!("{owner}@example.com"), begun]).unwrap();
            }
            session.execute(params![format!("s{}", token(n)), token(n), owner, begun, AGENT, ends]).unwrap();
        }
    }
    transaction.commit().unwrap();
}

/// The token of a session: thirty-two characters that say nothing about the number they were made from, and that every database can make
/// too.
pub fn token(n: usize) -> String {
    let mut digest = format!("{:x}", Sha256::digest(n.to_string()));
    digest.truncate(32);
    digest
}
