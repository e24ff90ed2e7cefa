//! The look-up of every request, against the same statement held by hand: ten thousand tokens in turn over a file of a million
//! sessions.
//!
//! ```text
//! cargo bench -p hallpass-sql
//! HALLPASS_BENCH_SESSIONS=20000 cargo bench -p hallpass-sql
//! ```
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::{
    hint::black_box,
    path::Path,
    pin::pin,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use hallpass_sql::{SqlStore, SqliteOptions};
use hallpass_store::{Mode, Schema, Session, SessionToken, Store, User};
use rusqlite::{Connection, Statement, params};
use tempfile::TempDir;

const TOKENS: usize = 10_000;

/// What `session_with_user` runs, and the baseline prepares.
const STATEMENT: &str = r#"
    SELECT s."id", s."expiresAt", s."token", s."createdAt", s."updatedAt", s."ipAddress", s."userAgent", s."userId",
           u."id", u."name", u."email", u."emailVerified", u."image", u."createdAt", u."updatedAt"
    FROM "session" AS s JOIN "user" AS u ON u."id" = s."userId" WHERE s."token" = ?1"#;

struct Fixture {
    folder: TempDir,
    schema: Schema,
    store: SqlStore,
    tokens: Vec<SessionToken>,
}

fn main() {
    ratio(fixture());
    divan::main();
    // What is static is never dropped.
    std::fs::remove_dir_all(fixture().folder.path()).unwrap();
}

/// Alternates between the two, so that both meet the same machine, and compares the medians.
fn ratio(fixture: &Fixture) {
    let connection = connect(fixture.folder.path());
    let mut statement = connection.prepare(STATEMENT).unwrap();
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..21 {
        bare.push(time(fixture, |token| by_hand(&mut statement, token)));
        ours.push(time(fixture, |token| look_up(fixture, token).is_some()));
    }
    let [bare, ours] = [median(bare), median(ours)];
    println!(
        "session_with_user {:.2} µs, bare held statement {:.2} µs, ratio {:.2}",
        ours * 1e6,
        bare * 1e6,
        ours / bare
    );
}

fn time(fixture: &Fixture, mut look_up: impl FnMut(&SessionToken) -> bool) -> Duration {
    let begun = Instant::now();
    for token in &fixture.tokens {
        assert!(look_up(black_box(token)));
    }
    begun.elapsed()
}

#[expect(clippy::cast_precision_loss, reason = "ten thousand is exact")]
fn median(mut rounds: Vec<Duration>) -> f64 {
    rounds.sort();
    rounds[rounds.len() / 2].as_secs_f64() / TOKENS as f64
}

#[divan::bench(sample_count = 50, sample_size = 500)]
fn bare_held_statement(bencher: divan::Bencher<'_, '_>) {
    let fixture = fixture();
    let connection = connect(fixture.folder.path());
    let mut statement = connection.prepare(STATEMENT).unwrap();
    let mut tokens = fixture.tokens.iter().cycle();
    bencher.bench_local(|| by_hand(&mut statement, tokens.next().unwrap()));
}

#[divan::bench(sample_count = 50, sample_size = 500)]
fn session_with_user(bencher: divan::Bencher<'_, '_>) {
    let fixture = fixture();
    let mut tokens = fixture.tokens.iter().cycle();
    bencher.bench_local(|| look_up(fixture, tokens.next().unwrap()));
}

/// On two threads at once, as under a server: each looks on a connection of its own.
#[divan::bench(sample_count = 50, sample_size = 500, threads = [2])]
fn session_with_user_on_two_threads(bencher: divan::Bencher<'_, '_>) {
    let (fixture, next) = (fixture(), AtomicUsize::new(0));
    bencher.bench(|| look_up(fixture, &fixture.tokens[next.fetch_add(1, Ordering::Relaxed) % TOKENS]));
}

#[divan::bench(sample_count = 50, sample_size = 500)]
fn unknown_token(bencher: divan::Bencher<'_, '_>) {
    let (fixture, token) = (fixture(), SessionToken::new("x".repeat(32)));
    bencher.bench_local(|| look_up(fixture, &token));
}

/// Reads every column and makes nothing of them.
fn by_hand(statement: &mut Statement<'_>, token: &SessionToken) -> bool {
    let mut rows = statement.query([token.expose()]).unwrap();
    let row = rows.next().unwrap().expect("every token has a session");
    for column in 0..15 {
        black_box(row.get_ref(column).unwrap());
    }
    true
}

/// Answers at once, on this thread; only where all connections are taken it goes to another one and is waited for.
fn look_up(fixture: &Fixture, token: &SessionToken) -> Option<(Session, User)> {
    let mut future = pin!(fixture.store.session_with_user(&fixture.schema, token));
    if let Poll::Ready(found) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return found.unwrap();
    }
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future).unwrap()
}

fn connect(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join("bench.db")).unwrap();
    connection.query_row("PRAGMA mmap_size=1073741824", [], |_| Ok(())).unwrap();
    connection
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let sessions = std::env::var("HALLPASS_BENCH_SESSIONS").map_or(1_000_000, |count| count.parse().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench.db");
        let schema = Schema::core();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = runtime.block_on(SqlStore::sqlite(SqliteOptions::new(path))).unwrap();
        runtime.block_on(store.migrate(&schema, Mode::Apply)).unwrap();
        seed(&mut connect(folder.path()), sessions);
        runtime.block_on(store.close()).unwrap();
        let step = (sessions / TOKENS).max(1);
        // Far apart in the file, in an order without pattern.
        let chosen = |n: usize| (n * 7919 % TOKENS) * step % sessions;
        let tokens = (0..TOKENS).map(|n| SessionToken::new(token(chosen(n)))).collect();
        Fixture { folder, schema, store, tokens }
    })
}

fn seed(connection: &mut Connection, sessions: usize) {
    const DATE: &str = "2026-11-23T08:40:13.336Z";
    const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let transaction = connection.transaction().unwrap();
    {
        let mut user = transaction.prepare(r#"INSERT INTO "user" VALUES (?1, ?2, ?3, 1, NULL, ?4, ?4)"#).unwrap();
        let mut session =
            transaction.prepare(r#"INSERT INTO "session" VALUES (?1, ?4, ?2, ?4, ?4, '203.0.113.9', ?5, ?3)"#).unwrap();
        for n in 0..sessions {
            // Ten sessions to a user.
            let owner = format!("u{}", token(n / 10));
            if n % 10 == 0 {
                user.execute(params![owner, "Ann Example", format!("{owner}@example.com"), DATE]).unwrap();
            }
            session.execute(params![format!("s{}", token(n)), token(n), owner, DATE, AGENT]).unwrap();
        }
    }
    transaction.commit().unwrap();
}

/// Thirty-two characters that say nothing about the number they were made from.
fn token(n: usize) -> String {
    let mix = |n: u64| {
        let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    };
    format!("{:016x}{:016x}", mix(n as u64 + 1), mix(!(n as u64)))
}
