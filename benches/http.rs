//! `GET /get-session` with a bearer token over HTTP: the npm package, hallpass, and a bare axum route that runs the same query, on one
//! machine in one run.
//!
//! ```text
//! cargo bench -p hallpass-benches --bench http
//! ```
//!
//! Prints a table in Markdown, and ends with an error when a ratio is past what is promised.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, header},
    routing::get,
    serve::ListenerExt,
};
use hallpass_benches::{
    SECRET,
    load::{self, Measured, closed_loop},
    median,
    seed::{self, STATEMENT},
    server::{self, Server},
};
use hallpass_verify::SigningKey;
use serde_json::{Value, json};

const ROUNDS: usize = 5;
const CONNECTIONS: usize = 16;

fn main() -> ExitCode {
    match server::role().as_deref() {
        Some("hallpass") => hallpass_cli::main(),
        Some("baseline") => serve_baseline(),
        _ => compare(),
    }
}

/// One server's medians.
struct Row {
    name: &'static str,
    throughput: f64,
    cpu: f64,
    p50: f64,
    p99: f64,
}

fn compare() -> ExitCode {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("bench.db");
    let sessions = seed::sessions(100_000);
    seed::database(&database, sessions);
    let key = SigningKey::new(SECRET);
    let requests: Vec<Vec<u8>> = seed::tokens(sessions)
        .iter()
        .map(|token| load::get("/api/auth/get-session", &key.sign(token.expose())))
        .collect();

    let address = server::free_address();
    let path = database.to_string_lossy();
    let mut servers = vec![
        ("bare axum route", Server::start("baseline", &[&path, &address.to_string()], address)),
        ("hallpass", Server::hallpass(&database, folder.path())),
    ];
    servers.extend(Server::npm_package(&database).map(|server| ("npm package", server)));
    let rows = measure(&servers, &requests);
    report(&rows, sessions)
}

/// Loads the servers by turns, so that all meet the same machine.
fn measure(servers: &[(&'static str, Server)], requests: &[Vec<u8>]) -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut rounds: Vec<Vec<(f64, Measured)>> = servers.iter().map(|_| Vec::new()).collect();
    for round in 0..=ROUNDS {
        for ((_, server), rounds) in servers.iter().zip(&mut rounds) {
            let before = server.cpu_seconds();
            let lasts = Duration::from_secs(if round == 0 { 2 } else { 4 });
            let measured = runtime.block_on(closed_loop(server.address, requests, CONNECTIONS, lasts));
            // The first round warms up.
            if round > 0 {
                rounds.push((server.cpu_seconds() - before, measured));
            }
        }
    }
    let row = |((name, _), rounds): (&(&'static str, Server), &Vec<(f64, Measured)>)| {
        let of = |what: &dyn Fn(&(f64, Measured)) -> f64| median(rounds.iter().map(what).collect());
        #[expect(clippy::cast_precision_loss, reason = "no load has so many requests")]
        Row {
            name,
            throughput: of(&|(_, measured)| measured.throughput()),
            cpu: of(&|(cpu, measured)| cpu / measured.latencies.len() as f64 * 1e6),
            p50: of(&|(_, measured)| measured.percentile(50).as_secs_f64() * 1e3),
            p99: of(&|(_, measured)| measured.percentile(99).as_secs_f64() * 1e3),
        }
    };
    servers.iter().zip(&rounds).map(row).collect()
}

fn report(rows: &[Row], sessions: usize) -> ExitCode {
    let find = |name: &str| rows.iter().find(|row| row.name == name);
    let bare = find("bare axum route").unwrap();
    println!("{sessions} sessions, {CONNECTIONS} connections, medians of {ROUNDS} rounds\n");
    println!("| | requests/s | × | server CPU a request | × | p50 | p99 |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for Row { name, throughput, cpu, p50, p99 } in rows {
        let (faster, dearer) = (throughput / bare.throughput, cpu / bare.cpu);
        println!("| {name} | {throughput:.0} | {faster:.2} | {cpu:.1} µs | {dearer:.2} | {p50:.2} ms | {p99:.2} ms |");
    }
    let ours = find("hallpass").unwrap();
    let cpu = ours.cpu / bare.cpu;
    println!("\nCPU beside the bare route: {cpu:.2} (at most 2)");
    let Some(npm) = find("npm package") else {
        println!("the npm package is not installed: run `npm ci` in conformance/");
        return ExitCode::FAILURE;
    };
    let faster = ours.throughput / npm.throughput;
    println!("throughput beside the npm package: {faster:.1} (at least 20)");
    if cpu <= 2.0 && faster >= 20.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The least a server could do: take the token out of the header, run the query, write the answer.
fn serve_baseline() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let database = PathBuf::from(arguments.next().unwrap());
    let address: SocketAddr = arguments.next().unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let app = Router::new().route("/api/auth/get-session", get(answer)).with_state(database);
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        axum::serve(listener.tap_io(|stream| stream.set_nodelay(true).unwrap()), app).await.unwrap();
    });
    ExitCode::SUCCESS
}

async fn answer(State(database): State<PathBuf>, headers: HeaderMap) -> Json<Value> {
    thread_local! {
        static CONNECTION: std::cell::OnceCell<rusqlite::Connection> = const { std::cell::OnceCell::new() };
    }
    let signed = headers[header::AUTHORIZATION].to_str().unwrap().strip_prefix("Bearer ").unwrap();
    let token = signed.split('.').next().unwrap();
    CONNECTION.with(|connection| {
        let connection = connection.get_or_init(|| seed::connect(&database));
        let mut statement = connection.prepare_cached(STATEMENT).unwrap();
        let mut rows = statement.query([token]).unwrap();
        let row = rows.next().unwrap().expect("every token has a session");
        let text = |column: usize| row.get_ref(column).unwrap().as_str().ok().map(str::to_owned);
        Json(json!({
            "session": {"expiresAt": text(1), "token": text(2), "createdAt": text(3), "updatedAt": text(4),
                        "ipAddress": text(5), "userAgent": text(6), "userId": text(7), "id": text(0)},
            "user": {"name": text(9), "email": text(10), "emailVerified": row.get::<_, bool>(11).unwrap(), "image": text(12),
                     "createdAt": text(13), "updatedAt": text(14), "id": text(8)},
        }))
    })
}
