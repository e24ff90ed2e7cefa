//! Where the programs are, and what a test does without them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Finds a program on `PATH` or where Debian and its kin put servers.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"].map(PathBuf::from);
    // The wrappers that are on Debian's PATH ask which cluster is meant; the programs themselves do not.
    postgres_folders()
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain(places)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// The folders of Postgres' programs, the newest version first.
fn postgres_folders() -> Vec<PathBuf> {
    let version = |folder: &Path| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let entries =
        ["/usr/lib/postgresql", "/usr/local/lib/postgresql"].into_iter().filter_map(|at| std::fs::read_dir(at).ok());
    let mut folders: Vec<PathBuf> = entries.flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    folders.into_iter().map(|folder| folder.join("bin")).collect()
}

/// A test that cannot run says so; where everything has to run, it fails.
pub(crate) fn cannot_run(reason: &str) {
    assert!(
        std::env::var_os("CI").is_none_or(|value| value != "true"),
        "{reason}, and with CI=true every test has to run"
    );
    eprintln!("{reason}: this test does not run");
}

/// Runs a program to its end and gives what it wrote to its stdout, or what it complained of.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{program} ended with {}:\n{out}{err}", output.status))
}
