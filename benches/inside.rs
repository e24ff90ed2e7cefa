//! What a token costs inside the process, beside the least it could cost: ten thousand tokens in turn over a file of a million
//! sessions.
//!
//! ```text
//! cargo bench -p hallpass-benches --bench inside
//! HALLPASS_BENCH_SESSIONS=20000 cargo bench -p hallpass-benches --bench inside
//! ```
//!
//! Ends with an error when a ratio is past what is promised.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

use std::{
    hint::black_box,
    path::PathBuf,
    pin::pin,
    process::ExitCode,
    sync::OnceLock,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use hallpass::{Bearer, Clock, Environment, Hallpass, SystemClock};
use hallpass_benches::{
    SECRET, median,
    seed::{self, STATEMENT, TOKENS},
};
use hallpass_sql::{SqlStore, SqliteOptions};
use hallpass_store::{Schema, SessionToken, Store};
use hallpass_verify::{SigningKey, bearer, resolve};
use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderValue, header};
use rusqlite::Statement;
use sha2::Sha256;

struct Fixture {
    path: PathBuf,
    schema: Schema,
    store: SqlStore,
    auth: Hallpass,
    key: SigningKey,
    tokens: Vec<SessionToken>,
    /// The `Authorization` header of each token.
    headers: Vec<Vec<u8>>,
    /// Headers as a stranger would forge them.
    forged: Vec<Vec<u8>>,
}

fn main() -> ExitCode {
    let fixture = fixture();
    let look_ups = against_the_statement(fixture);
    let forged = against_the_mac(fixture);
    divan::main();
    // What is static is never dropped.
    std::fs::remove_dir_all(fixture.path.parent().unwrap()).unwrap();
    if look_ups && forged { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A look-up, and all of the way from header to session, beside the bare statement.
fn against_the_statement(fixture: &Fixture) -> bool {
    let connection = seed::connect(&fixture.path);
    let mut statement = connection.prepare(STATEMENT).unwrap();
    let rounds = rounds([
        &mut || each(&fixture.tokens, |token| by_hand(&mut statement, token)),
        &mut || each(&fixture.tokens, |token| now(fixture.store.session_with_user(&fixture.schema, token)).is_some()),
        &mut || each(&fixture.headers, |header| header_to_session(fixture, header)),
        &mut || each(&fixture.headers, |header| whole_engine(fixture, header)),
    ]);
    let [bare, look_up, header, engine] = rounds;
    println!("bare held statement        {:8.2} µs", bare * 1e6);
    println!("look-up by the store       {:8.2} µs, ratio {:.2}", look_up * 1e6, look_up / bare);
    println!("header to resolved session {:8.2} µs, ratio {:.2} (at most 1.6)", header * 1e6, header / bare);
    println!("get_session in process     {:8.2} µs, ratio {:.2}", engine * 1e6, engine / bare);
    header / bare <= 1.6
}

/// A forged token beside a bare check of its signature.
fn against_the_mac(fixture: &Fixture) -> bool {
    let mac: Hmac<Sha256> = Hmac::new_from_slice(SECRET.as_bytes()).unwrap();
    let [bare, forged] = rounds([&mut || each(&fixture.tokens, |token| !bare_check(&mac, token)), &mut || {
        each(&fixture.forged, |header| !is_admitted(fixture, header))
    }]);
    println!("bare HMAC check            {:8.3} µs", bare * 1e6);
    println!("forged token               {:8.3} µs, ratio {:.2} (at most 4)", forged * 1e6, forged / bare);
    forged / bare <= 4.0
}

/// Runs the candidates by turns, so that all meet the same machine; the median seconds of one call of each.
fn rounds<const N: usize>(mut candidates: [&mut dyn FnMut() -> Duration; N]) -> [f64; N] {
    let mut measured = [const { Vec::new() }; N];
    for _ in 0..21 {
        for (candidate, measured) in candidates.iter_mut().zip(&mut measured) {
            measured.push(candidate().as_secs_f64());
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "ten thousand is exact")]
    measured.map(|rounds| median(rounds) / TOKENS as f64)
}

fn each<T>(inputs: &[T], mut check: impl FnMut(&T) -> bool) -> Duration {
    let begun = Instant::now();
    for input in inputs {
        assert!(check(black_box(input)));
    }
    begun.elapsed()
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

/// What a service beside the auth server does with a header.
fn header_to_session(fixture: &Fixture, header: &[u8]) -> bool {
    let admitted = bearer::parse(header).and_then(|credential| credential.admit(&fixture.key, false)).unwrap();
    let token = SessionToken::new(admitted.token().unwrap());
    now(resolve(&fixture.store, &fixture.schema, &token, SystemClock.now())).live().is_some()
}

/// The whole pipeline with its hooks.
fn whole_engine(fixture: &Fixture, header: &[u8]) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, HeaderValue::from_bytes(header).unwrap());
    now(fixture.auth.api().get_session(&headers)).is_some()
}

fn is_admitted(fixture: &Fixture, header: &[u8]) -> bool {
    bearer::parse(header).is_some_and(|credential| credential.admit(&fixture.key, false).is_some())
}

fn bare_check(mac: &Hmac<Sha256>, token: &SessionToken) -> bool {
    let mut mac = mac.clone();
    mac.update(token.expose().as_bytes());
    mac.verify_slice(&[0; 32]).is_ok()
}

/// The result of a future that is ready at once; only where all connections are taken it is waited for.
fn now<T, E: std::fmt::Debug>(future: impl Future<Output = Result<T, E>>) -> T {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.unwrap(),
        Poll::Pending => tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future).unwrap(),
    }
}

#[divan::bench(sample_count = 50, sample_size = 500)]
fn forged_token(bencher: divan::Bencher<'_, '_>) {
    let mut headers = fixture().forged.iter().cycle();
    bencher.bench_local(|| is_admitted(fixture(), headers.next().unwrap()));
}

#[divan::bench(sample_count = 50, sample_size = 500)]
fn valid_token(bencher: divan::Bencher<'_, '_>) {
    let mut headers = fixture().headers.iter().cycle();
    bencher.bench_local(|| header_to_session(fixture(), headers.next().unwrap()));
}

#[divan::bench(sample_count = 50, sample_size = 500)]
fn unknown_token(bencher: divan::Bencher<'_, '_>) {
    let token = SessionToken::new("x".repeat(32));
    bencher.bench_local(|| now(fixture().store.session_with_user(&fixture().schema, &token)).is_none());
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let sessions = seed::sessions(1_000_000);
        let path = tempfile::tempdir().unwrap().keep().join("bench.db");
        seed::database(&path, sessions);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let open = || runtime.block_on(SqlStore::sqlite(SqliteOptions::new(&path))).unwrap();
        let auth = Hallpass::builder().environment(Environment::Development).secret(SECRET).store(open());
        let key = SigningKey::new(SECRET);
        let tokens = seed::tokens(sessions);
        let header = |signed: String| format!("Bearer {signed}").into_bytes();
        let forge = |token: &SessionToken| header(SigningKey::new("another secret").sign(token.expose()));
        Fixture {
            schema: Schema::core(),
            store: open(),
            auth: auth.plugin(Bearer::new()).build().unwrap(),
            headers: tokens.iter().map(|token| header(key.sign(token.expose()))).collect(),
            forged: tokens.iter().map(forge).collect(),
            key,
            tokens,
            path,
        }
    })
}
