//! Session checks over HTTP: the npm package, hallpass and bare axum routes, on one machine in one run, on each store with the same data.
//!
//! ```text
//! cargo bench -p hallpass-benches --bench http
//! cargo bench -p hallpass-benches --bench http -- --store postgres --sessions 1000000,10000000 --tokens 100000
//! cargo bench -p hallpass-benches --bench http -- --store sqlite,postgres --peers benches/peers/target/release/hallpass-bench-peers
//! cargo bench -p hallpass-benches --bench http -- --help
//! ```
//!
//! Prints tables in Markdown, and ends with an error when something is past what is promised.
//!
//! Each server is one process with a core of its own; stores and the load generator have the others. The servers are driven in turn, in
//! several rounds, and the medians count. What a server costs is the processor time that the kernel notes for it, so that it matters little
//! what else the machine does.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark"
)]

mod baseline;
mod contest;
mod limits;
mod measure;
mod peers;
mod report;
mod stores;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use hallpass_benches::{cores, server};

use stores::Kind;

/// Measures session checks over HTTP.
#[derive(Debug, Parser)]
#[command(name = "http", version)]
struct Arguments {
    /// The stores, with commas between them.
    #[arg(long, value_delimiter = ',', default_value = "sqlite,postgres,redis,mariadb")]
    store: Vec<Kind>,
    /// How many sessions; with several numbers, rising, how the cost grows from one to the next is told too.
    #[arg(long, value_delimiter = ',', default_value = "1000000")]
    sessions: Vec<usize>,
    /// How many of them are asked for, in turn.
    #[arg(long, default_value_t = 10_000)]
    tokens: usize,
    /// Only the servers whose names contain one of these.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The program of `benches/peers`: other crates take part, each with its own tables in the same store.
    #[arg(long)]
    peers: Option<PathBuf>,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a server is driven in a round.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// By how much the limits may be exceeded, as a factor: for short runs on a machine that does other things as well.
    #[arg(long, default_value_t = 1.0)]
    slack: f64,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match server::role().as_deref() {
        Some("hallpass") => hallpass_cli::main(),
        Some("baseline") => baseline::serve(),
        _ => contest::run(&Arguments::parse()),
    }
}

/// Before the contest begins: nothing may run yet that would stay on the servers' core.
fn runtime() -> tokio::runtime::Runtime {
    cores::leave_one_to_servers();
    // One thread is enough, and takes the least from the stores.
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
