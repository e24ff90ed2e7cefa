//! Running programs, and counting what they report.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

/// Checks that passed and failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// The last that was said by what failed. It is repeated at the end, where somebody looks for it.
    pub(crate) said: Vec<String>,
}

impl Tally {
    pub(crate) fn success() -> Self {
        Self::of(1, 0)
    }

    pub(crate) fn failure() -> Self {
        Self::of(0, 1)
    }

    pub(crate) fn of(passed: u64, failed: u64) -> Self {
        Self { passed, failed, said: Vec::new() }
    }

    pub(crate) fn plus(mut self, other: Self) -> Self {
        self.said.extend(other.said);
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed, ..self }
    }
}

/// What came of a stage.
pub(crate) enum Outcome {
    /// It ran.
    Ran(Tally),
    /// It could not run, and why.
    Could(String),
}

/// Says something to whoever watches. Tests say nothing: what they let commands print is not to be counted by whoever counts them.
pub(crate) fn say(text: &str) {
    if !cfg!(test) {
        let _ = writeln!(std::io::stdout(), "{text}");
    }
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// A command in a folder of the repository.
pub(crate) fn command(program: impl AsRef<Path>, arguments: &[&str], folder: &str) -> Command {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).current_dir(root().join(folder));
    command
}

/// Runs a command whose exit code is the check.
pub(crate) fn check(command: &mut Command) -> Result<Tally, String> {
    let (succeeded, said) = run(command, |_| {})?;
    Ok(if succeeded { Tally::success() } else { Tally { said, ..Tally::failure() } })
}

/// Runs a command whose output nobody needs to read.
pub(crate) fn succeeds_quietly(command: &mut Command) -> Result<bool, String> {
    say(&shown(command));
    let status = command.stdout(Stdio::null()).status().map_err(|error| format!("{}: {error}", shown(command)))?;
    Ok(status.success())
}

/// Runs a command that reports counts, which `count` finds in its lines. A command that fails without having counted a failure is a
/// failure, and so is one that counted nothing at all.
pub(crate) fn counted(command: &mut Command, count: impl Fn(&str) -> Option<Tally>) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let (succeeded, said) = run(command, |line| {
        if let Some(more) = count(line) {
            tally.passed += more.passed;
            tally.failed += more.failed;
        }
    })?;
    if tally == Tally::default() || !succeeded && tally.failed == 0 {
        tally.failed += 1;
    }
    if tally.failed > 0 {
        tally.said = said;
    }
    Ok(tally)
}

/// Runs a command, hands on what it says, and shows `see` each line of its output. Tells whether it succeeded, and what it said last.
fn run(command: &mut Command, mut see: impl FnMut(&str)) -> Result<(bool, Vec<String>), String> {
    say(&shown(command));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", shown(command)))?;
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let last = Mutex::new(VecDeque::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            lines_of(errors, |line| {
                if !cfg!(test) {
                    let _ = writeln!(std::io::stderr(), "{line}");
                }
                keep(&last, line);
            });
        });
        lines_of(output, |line| {
            say(line);
            keep(&last, line);
            see(line);
        });
    });
    let status = child.wait().map_err(|error| error.to_string())?;
    let last = last.into_inner().unwrap_or_default();
    Ok((status.success(), last.into()))
}

/// Goes through the lines of a stream; what is no UTF-8 does not end it.
fn lines_of(stream: Option<impl Read>, mut each: impl FnMut(&str)) {
    for line in stream.into_iter().flat_map(|stream| BufReader::new(stream).split(b'\n')).map_while(Result::ok) {
        each(&String::from_utf8_lossy(&line));
    }
}

/// How many lines of what failed are repeated.
const KEPT: usize = 60;

/// Keeps a line for the end, if somebody who looks for a failure would want to read it.
fn keep(last: &Mutex<VecDeque<String>>, line: &str) {
    let is_dull = line.trim().is_empty()
        || line.ends_with(" ... ok")
        || line.starts_with("test result: ok")
        || line.starts_with("running ") && line.ends_with(" tests")
        || ["Running ", "Compiling ", "Doc-tests "].iter().any(|word| line.trim_start().starts_with(word));
    let Ok(mut last) = last.lock() else { return };
    if is_dull {
        return;
    }
    if last.len() == KEPT {
        last.pop_front();
    }
    last.push_back(line.to_owned());
}

/// `test result: ok. 4 passed; 0 failed; …`
pub(crate) fn count_cargo_test(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let number = |word: &str| {
        let part = counts.split(';').find(|part| part.trim().ends_with(word))?;
        part.split_whitespace().next()?.parse().ok()
    };
    Some(Tally::of(number("passed")?, number("failed")?))
}

/// `conformance flows: 6463 steps, 6463 equal, 0 different (86.4 s)`
pub(crate) fn count_conformance(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("conformance ")?.split_once(": ")?.1;
    let number = |word: &str| {
        let part = counts.split(',').find(|part| part.split_whitespace().nth(1) == Some(word))?;
        part.split_whitespace().next()?.parse().ok()
    };
    Some(Tally::of(number("equal")?, number("different")?))
}

/// `soak postgres: 6463 requests, 6463 right, 0 wrong (20.4 s)`
pub(crate) fn count_soak(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("soak ")?.split_once(": ")?.1;
    let number = |word: &str| {
        let part = counts.split(", ").find(|part| part.split_whitespace().nth(1) == Some(word))?;
        part.split_whitespace().next()?.parse().ok()
    };
    Some(Tally::of(number("right")?, number("wrong")?))
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    format!("$ {}", std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_what_the_runners_print() {
        let line = "test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.14s";
        assert_eq!(count_cargo_test(line), Some(Tally::of(4, 1)));
        let line = "conformance generated: 2000 steps, 1999 equal, 1 different (16.8 s)";
        assert_eq!(count_conformance(line), Some(Tally::of(1999, 1)));
        let line = "soak mariadb: 2000 requests, 1999 right, 1 wrong (16.8 s)";
        assert_eq!(count_soak(line), Some(Tally::of(1999, 1)));
        assert_eq!(count_conformance("conformance generated: the npm package and hallpass"), None);
    }

    #[test]
    fn a_command_that_fails_silently_is_a_failure() {
        let run = |script| {
            let tally = counted(&mut command("sh", &["-c", script], "."), count_cargo_test).unwrap();
            (tally.passed, tally.failed)
        };
        assert_eq!(run("exit 3"), (0, 1));
        assert_eq!(run("true"), (0, 1));
        let said = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'";
        assert_eq!(run(said), (2, 0));
        assert_eq!(run(&format!("{said}; exit 1")), (2, 1));
    }

    #[test]
    fn what_failed_is_repeated_and_what_went_well_is_not() {
        let script = "echo 'test a ... ok'; echo 'test b ... FAILED'; echo 'test result: FAILED. 1 passed; 1 failed; 0 ignored'; \
                      echo why >&2; exit 1";
        let mut said = counted(&mut command("sh", &["-c", script], "."), count_cargo_test).unwrap().said;
        said.sort();
        assert_eq!(said, ["test b ... FAILED", "test result: FAILED. 1 passed; 1 failed; 0 ignored", "why"]);
        assert!(check(&mut command("sh", &["-c", "echo x"], ".")).unwrap().said.is_empty());
        let long = check(&mut command("sh", &["-c", "seq 1000; exit 1"], ".")).unwrap().said;
        assert_eq!((long.len(), long.last().unwrap().as_str()), (KEPT, "1000"));
    }
}
