//! A hallpass server under load while its stores fail, and while it is killed itself.
//!
//! ```sh
//! cargo xtask soak                                # each store for five minutes
//! cargo xtask soak --store postgres --seconds 60
//! cargo xtask soak --kills 100                    # `kill -9` of hallpass instead
//! ```
//!
//! The server is a process of its own on a private Postgres, MariaDB, Redis or SQLite, reached through a relay that can cut the way. Some
//! clients show tokens at full speed, others sign up, in and out, reset passwords and delete users. They know what was answered, and so
//! what may be answered next: a token is good until its end was asked for, and dead once that was answered; what got a 503 has happened
//! or has not, and when the store is back they find out which, and that nothing happened by half.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]
#![expect(clippy::indexing_slicing, reason = "all of it is JSON, which answers `null` for what is not there")]

mod checks;
mod dice;
mod disk;
mod fault;
mod http;
mod judge;
mod kills;
#[cfg(test)]
mod liar;
mod people;
mod probe;
mod readers;
mod run;
mod server;
mod settle;
mod site;
mod soak;
mod writer;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::Parser;

use crate::{
    dice::Dice,
    fault::Fault,
    kills::kills,
    site::Kind,
    soak::{Outcome, soak},
};

/// Runs hallpass under load while its stores fail
#[derive(Debug, Parser)]
struct Arguments {
    /// The store to try; all of them if none is said
    #[arg(long, value_enum)]
    store: Vec<Kind>,
    /// What is to happen, if not everything in turn
    #[arg(long, value_enum)]
    fault: Vec<Fault>,
    /// How long each store is tried
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// Kills hallpass so often, spread over the stores, instead of letting stores fail
    #[arg(long)]
    kills: Option<u32>,
    /// Makes the same choices again
    #[arg(long)]
    seed: Option<u64>,
    /// The program to try
    #[arg(long, env = "HALLPASS_BIN")]
    binary: PathBuf,
    /// What hallpass writes to its log, as in `log.filter`
    #[arg(long, default_value = "off")]
    log: String,
}

/// How many wrong answers are shown.
const SHOWN: usize = 20;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Ok(binary) = arguments.binary.canonicalize() else {
        eprintln!("{} is not there; build it with `cargo build --release -p hallpass-cli`", arguments.binary.display());
        return ExitCode::from(2);
    };
    let seed = arguments.seed.unwrap_or_else(seed);
    println!("seed {seed}");
    let mut dice = Dice::new(seed);
    let all = [Kind::Postgres, Kind::Mariadb, Kind::Redis, Kind::Sqlite];
    let stores = if arguments.store.is_empty() { all.to_vec() } else { arguments.store };
    let mut failed = 0;
    let count = u32::try_from(stores.len()).unwrap_or(1).max(1);
    for (index, store) in stores.into_iter().enumerate() {
        let begun = Instant::now();
        let (dice, log) = (dice.fork(), &*arguments.log);
        let outcome = if let Some(times) = arguments.kills {
            let rest = u32::from(index < usize::try_from(times % count).unwrap_or(0));
            kills(store, times / count + rest, &binary, log, dice).await
        } else {
            let time = Duration::from_secs(arguments.seconds);
            soak(store, &arguments.fault, time, &binary, log, dice).await
        };
        failed += u32::from(!report(store, outcome, begun.elapsed()));
    }
    if failed > 0 {
        println!("to make the same choices again: --seed {seed}");
    }
    ExitCode::from(u8::from(failed > 0))
}

/// Says what came of one store, in a line that is counted and a table that is read. Whether all was well.
fn report(store: Kind, outcome: Result<Option<Outcome>, String>, took: Duration) -> bool {
    let name = store.name();
    let (requests, wrong) = match outcome {
        Ok(Some(outcome)) => {
            println!("\n{}", outcome.table);
            if !outcome.wrong.is_empty() {
                println!("the last of hallpass's log:\n{}", outcome.log);
            }
            (outcome.requests, outcome.wrong)
        }
        Ok(None) => return true,
        Err(reason) => (0, vec![reason]),
    };
    wrong.iter().take(SHOWN).for_each(|what| println!("WRONG: {what}"));
    let right = requests.saturating_sub(wrong.len() as u64);
    println!("soak {name}: {requests} requests, {right} right, {} wrong ({:.1} s)", wrong.len(), took.as_secs_f64());
    wrong.is_empty()
}

/// Another one each time.
#[expect(clippy::disallowed_methods, reason = "a seed that is printed, and nothing that has to be handed in")]
fn seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs())
}
