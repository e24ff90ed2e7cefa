//! What is printed.

use std::process::ExitCode;

use crate::{
    Arguments,
    contest::NPM,
    limits::{Bound, Limit},
};

/// One server's medians.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Requests a second.
    pub(crate) throughput: f64,
    /// Microseconds of processor time that the server used for a request.
    pub(crate) cpu: f64,
    /// How many times that of the one beside it. Each round is compared with its own, so that a machine that changes its pace between rounds does
    /// not change this. None where the other did not take part.
    pub(crate) dearer: Option<f64>,
    /// Milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// The part of the time in which the load generator was busy.
    pub(crate) busy: f64,
    /// Anonymous memory in MiB, before and after.
    pub(crate) idle: f64,
    pub(crate) loaded: f64,
}

/// A store's table. `*` where the load generator had no time to spare, so that the server could have done more.
pub(crate) fn table(rows: &[Row]) {
    let npm = rows.iter().find(|row| row.name == NPM);
    println!("| | requests/s | × npm | CPU a request | × axum | p50 | p99 | memory, idle | under load |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for row in rows {
        let Row { name, throughput, cpu, dearer, p50, p99, busy, idle, loaded } = row;
        let faster = npm.map_or(String::new(), |npm| format!("{:.1}", throughput / npm.throughput));
        let dearer = dearer.map_or(String::new(), |dearer| format!("{dearer:.2}"));
        let mark = if *busy > 0.95 { "*" } else { "" };
        println!(
            "| {name} | {throughput:.0}{mark} | {faster} | {cpu:.1} µs | {dearer} | {p50:.2} ms | {p99:.2} ms | {idle:.1} MiB | {loaded:.1} MiB |"
        );
    }
}

/// Under which conditions all of it was measured.
pub(crate) fn conditions(arguments: &Arguments) {
    let Arguments { tokens, rounds, seconds, connections, .. } = arguments;
    println!("\n{tokens} tokens in turn, {connections} connections, medians of {rounds} rounds of {seconds} s,");
    println!("each server one process with one core to itself; * the load generator had no time to spare\n");
    if arguments.peers.is_some() {
        println!("names with versions are other crates with their own tables: see benches/peers/README.md\n");
    }
}

/// What was promised and what came of it; an error if something is past its limit.
pub(crate) fn limits(limits: &[Limit], slack: f64) -> ExitCode {
    println!("| limit | measured | promised | |\n|---|--:|--:|---|");
    for limit in limits {
        let promised = match limit.bound {
            Bound::AtMost(most) => format!("≤ {most}"),
            Bound::AtLeast(least) => format!("≥ {least}"),
        };
        let verdict = match (limit.is_kept(1.0), limit.is_kept(slack)) {
            (true, _) => "kept",
            (false, true) => "within the slack of this run",
            (false, false) => "**broken**",
        };
        println!("| {} | {:.2} | {promised} | {verdict} |", limit.what, limit.measured);
    }
    if limits.iter().all(|limit| limit.is_kept(slack)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
