//! Running programs, and counting what they report.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Checks that passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    pub(crate) fn success() -> Self {
        Self { passed: 1, failed: 0 }
    }

    pub(crate) fn failure() -> Self {
        Self { passed: 0, failed: 1 }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

/// What came of a stage.
pub(crate) enum Outcome {
    /// It ran.
    Ran(Tally),
    /// It could not run, and why.
    Could(String),
}

/// Says something to whoever watches.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
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
    say(&shown(command));
    let status = command.status().map_err(|error| format!("{}: {error}", shown(command)))?;
    Ok(if status.success() { Tally::success() } else { Tally::failure() })
}

/// Runs a command that reports counts, which `count` finds in its lines. A command that fails without having counted a failure is a
/// failure, and so is one that counted nothing at all.
pub(crate) fn counted(command: &mut Command, count: impl Fn(&str) -> Option<Tally>) -> Result<Tally, String> {
    say(&shown(command));
    let failed = |error: std::io::Error| format!("{error}");
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut tally = Tally::default();
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        let line = line.map_err(failed)?;
        say(&line);
        tally = tally.plus(count(&line).unwrap_or_default());
    }
    let status = child.wait().map_err(failed)?;
    let silent = tally == Tally::default() || !status.success() && tally.failed == 0;
    Ok(if silent { tally.plus(Tally::failure()) } else { tally })
}

/// `test result: ok. 4 passed; 0 failed; …`
pub(crate) fn count_cargo_test(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let number = |word: &str| {
        let part = counts.split(';').find(|part| part.trim().ends_with(word))?;
        part.split_whitespace().next()?.parse().ok()
    };
    Some(Tally { passed: number("passed")?, failed: number("failed")? })
}

/// `conformance flows: 6463 steps, 6463 equal, 0 different (86.4 s)`
pub(crate) fn count_conformance(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("conformance ")?.split_once(": ")?.1;
    let number = |word: &str| {
        let part = counts.split(',').find(|part| part.split_whitespace().nth(1) == Some(word))?;
        part.split_whitespace().next()?.parse().ok()
    };
    Some(Tally { passed: number("equal")?, failed: number("different")? })
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
        assert_eq!(count_cargo_test(line), Some(Tally { passed: 4, failed: 1 }));
        let line = "conformance generated: 2000 steps, 1999 equal, 1 different (16.8 s)";
        assert_eq!(count_conformance(line), Some(Tally { passed: 1999, failed: 1 }));
        assert_eq!(count_conformance("conformance generated: the npm package and hallpass"), None);
    }

    #[test]
    fn a_command_that_fails_silently_is_a_failure() {
        let run = |script| counted(&mut command("sh", &["-c", script], "."), count_cargo_test).unwrap();
        assert_eq!(run("exit 3"), Tally::failure());
        assert_eq!(run("true"), Tally::failure());
        let said = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'";
        assert_eq!(run(said), Tally { passed: 2, failed: 0 });
        assert_eq!(run(&format!("{said}; exit 1")), Tally { passed: 2, failed: 1 });
    }
}
