//! The project's own tasks.
//!
//! `cargo xtask test` runs everything there is to run on a fresh machine, and says what it ran. As root it installs what is missing;
//! otherwise it says what to install. With `CI=true` whatever could not run is a failure. `cargo xtask soak` runs hallpass for minutes while
//! its stores fail.

mod run;
mod stages;
mod tools;

use std::{
    env,
    process::ExitCode,
    time::{Duration, Instant},
};

use run::{Outcome, Tally, say};
use stages::STAGES;

const USAGE: &str = "usage: cargo xtask test [STAGE ...]\n       cargo xtask list\n       cargo xtask soak [--store STORE] [--seconds N] [--kills N] [--seed N]";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.split_first() {
        Some((task, wanted)) if task == "test" => test(wanted),
        Some((task, arguments)) if task == "soak" => match stages::soak(arguments) {
            Ok(tally) if tally.failed == 0 => ExitCode::SUCCESS,
            Ok(_) => ExitCode::FAILURE,
            Err(reason) => {
                say(&format!("could not run: {reason}"));
                ExitCode::FAILURE
            }
        },
        Some((task, [])) if task == "list" => {
            for stage in STAGES {
                say(&format!("{:14} {}", stage.name, stage.about));
            }
            ExitCode::SUCCESS
        }
        _ => {
            say(USAGE);
            ExitCode::from(2)
        }
    }
}

fn test(wanted: &[String]) -> ExitCode {
    if let Some(unknown) = wanted.iter().find(|name| !STAGES.iter().any(|stage| stage.name == **name)) {
        say(&format!("there is no stage `{unknown}`; `cargo xtask list` lists them"));
        return ExitCode::from(2);
    }
    let chosen = STAGES.iter().filter(|stage| wanted.is_empty() || wanted.iter().any(|name| name == stage.name));
    let results: Vec<(&str, Outcome, Duration)> = chosen
        .map(|stage| {
            say(&format!("\n=== {}: {}", stage.name, stage.about));
            let begun = Instant::now();
            let outcome = (stage.run)();
            if let Outcome::Could(reason) = &outcome {
                say(&format!("could not run: {reason}"));
            }
            (stage.name, outcome, begun.elapsed())
        })
        .collect();
    report(&results)
}

/// Says once more what the stages that failed said last: hours of output lie between the failure and the end.
fn repeat_failures(results: &[(&str, Outcome, Duration)]) {
    for (name, outcome, _) in results {
        match outcome {
            Outcome::Ran(tally) if tally.failed > 0 => {
                say(&format!("\n=== {name} failed; the last it said:"));
                tally.said.iter().for_each(|line| say(line));
            }
            Outcome::Could(reason) => say(&format!("\n=== {name} could not run: {reason}")),
            Outcome::Ran(_) => {}
        }
    }
}

/// Says what ran and what came of it, ending with the line that counts.
fn report(results: &[(&str, Outcome, Duration)]) -> ExitCode {
    let is_ci = env::var("CI").is_ok_and(|value| value == "true");
    let mut total = Tally::default();
    repeat_failures(results);
    say("");
    for (name, outcome, took) in results {
        let (verdict, tally) = match outcome {
            Outcome::Ran(tally) => (if tally.failed == 0 { "passed" } else { "FAILED" }, tally.clone()),
            Outcome::Could(_) if is_ci => ("COULD NOT RUN", Tally::failure()),
            Outcome::Could(_) => ("could not run", Tally::default()),
        };
        say(&format!(
            "{name:14} {verdict:14} {:6} passed {:4} failed {:6.1} s",
            tally.passed,
            tally.failed,
            took.as_secs_f64()
        ));
        total = total.plus(tally);
    }
    say(&format!("\n{} passed, {} failed", total.passed, total.failed));
    if total.failed == 0 && total.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
