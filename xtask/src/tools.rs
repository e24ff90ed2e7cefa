//! Programs that the stages need, installed where they are missing.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::run::{check, command, root, succeeds_quietly};

/// A cargo subcommand at this version, built from source into the target folder once.
pub(crate) fn cargo_tool(name: &str, version: &str) -> Result<PathBuf, String> {
    let folder = root().join("target/tools").join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if program.exists() {
        return Ok(program);
    }
    let at = folder.to_string_lossy().into_owned();
    // They run for seconds and would be optimised for minutes.
    let hurried = [("OPT_LEVEL", "0"), ("LTO", "off"), ("CODEGEN_UNITS", "16"), ("DEBUG", "none")];
    let mut install = command(
        env!("CARGO"),
        &["install", "--quiet", "--locked", "--no-default-features", "--root", &at, "--version", version, name],
        ".",
    );
    install.envs(hurried.map(|(key, value)| (format!("CARGO_PROFILE_RELEASE_{key}"), value)));
    match check(&mut install)?.failed {
        0 => Ok(program),
        _ => Err(format!("{name} {version} could not be installed")),
    }
}

/// A program of the system, from this Debian package if it is missing and we are root.
pub(crate) fn system(program: &str, package: &str) -> Result<(), String> {
    install_unless(|| exists(program), program, package)
}

/// A server of Postgres. Debian keeps its programs away from `PATH`, in a folder of each version.
pub(crate) fn postgres() -> Result<(), String> {
    let is_there = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
        exists("postgres") || versions.into_iter().any(|version| version.path().join("bin/postgres").is_file())
    };
    install_unless(is_there, "postgres", "postgresql")
}

fn install_unless(is_there: impl Fn() -> bool, program: &str, package: &str) -> Result<(), String> {
    if is_there() {
        return Ok(());
    }
    let hint = format!("`{program}` is missing; install it, on Debian with `apt-get install {package}`");
    let is_root = output("id", &["-u"]).is_some_and(|id| id.trim() == "0");
    if !is_root || !exists("apt-get") {
        return Err(hint);
    }
    let quiet = |arguments: &[&str]| {
        let mut apt = command("apt-get", arguments, ".");
        succeeds_quietly(apt.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    quiet(&["-qq", "update"])?;
    quiet(&["-qq", "install", "--yes", "--no-install-recommends", package])?;
    if is_there() { Ok(()) } else { Err(hint) }
}

/// Whether a program can be started.
pub(crate) fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Path::new(program).is_absolute() && Path::new(program).exists()
        || std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()
}

/// A Python of our own in the target folder, under this name, with the packages that a file names at fixed versions.
pub(crate) fn python_with(name: &str, requirements: &Path) -> Result<PathBuf, String> {
    let folder = root().join("target/tools").join(name);
    let (python, done) = (folder.join("bin/python"), folder.join("requirements.txt"));
    let wanted = std::fs::read(requirements).map_err(|error| format!("{}: {error}", requirements.display()))?;
    if std::fs::read(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    if !exists("python3") {
        return Err("Python 3.10 or later is needed".into());
    }
    let (at, listed) = (folder.to_string_lossy().into_owned(), requirements.to_string_lossy().into_owned());
    let made = check(&mut command("python3", &["-m", "venv", "--clear", &at], "."))?;
    let mut install =
        command(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", &listed], ".");
    if made.failed > 0 || check(&mut install)?.failed > 0 {
        return Err(format!("the Python packages in {} could not be installed", requirements.display()));
    }
    std::fs::write(&done, wanted).map_err(|error| format!("{}: {error}", done.display()))?;
    Ok(python)
}
