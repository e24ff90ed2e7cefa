//! Somebody's home directory, and the program run by them.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Server, command, err, out};

pub(super) const PASSWORD: &str = "correct horse\n";

pub(super) struct Home(TempDir);

impl Home {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The file of tokens.
    pub(super) fn tokens(&self) -> PathBuf {
        self.path().join("data/hallpass/tokens.json")
    }

    /// Makes another program one of this home's.
    pub(super) fn settle(&self, command: &mut Command) {
        command.env("HOME", self.path()).env("XDG_DATA_HOME", self.path().join("data")).current_dir(self.path());
        command.env_remove("HALLPASS_PROFILE");
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(self.path(), arguments);
        self.settle(&mut command);
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs it with this on standard input.
    pub(super) fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may end without reading.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    pub(super) fn login(&self, server: &Server, name: &str, more: &[&str]) -> Output {
        self.login_at(&server.url(), name, more)
    }

    pub(super) fn login_at(&self, url: &str, name: &str, more: &[&str]) -> Output {
        let email = format!("{name}@example.com");
        let arguments = ["login", "--url", url, "--email", &email, "--password-stdin"];
        self.run_with(&[&arguments, more].concat(), PASSWORD)
    }

    pub(super) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", err(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(super) fn token(&self) -> String {
        let output = self.run(&["token"]);
        assert!(output.status.success(), "{}", err(&output));
        out(&output).trim().to_owned()
    }
}

/// All that it said.
pub(super) fn said(output: &Output) -> String {
    out(output) + &err(output)
}
