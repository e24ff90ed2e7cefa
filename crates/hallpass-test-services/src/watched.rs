//! A temporary folder, and the server that runs in it, neither of which outlives this process.
//!
//! Nothing is left to `Drop` alone: statics are never dropped, and a process may be killed. A small shell holds the other end
//! of a pipe; when that closes, because the folder was dropped or because this process is no more, it ends the server and
//! removes the folder. (A parent death signal would not do: it comes at the end of the thread that started the server, and
//! each test has a thread of its own.)

use std::{
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::account::Account;

const WATCH: &str = r#"
cat > /dev/null
if pid=$(cat "$1/pid"); then
  below=$(grep -ls "^PPid:[[:space:]]*$pid\$" /proc/[0-9]*/status)
  kill -9 "$pid"
  for status in $below; do status=${status#/proc/}; kill -9 "${status%/status}"; done
fi
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
"#;

/// A folder that goes away, with the server whose process it was told of.
#[derive(Debug)]
pub(crate) struct WatchedFolder {
    path: PathBuf,
    watcher: Child,
}

impl WatchedFolder {
    /// Makes one for this user, in the system's folder for temporary files unless another is given.
    pub(crate) fn new(account: Account, parent: Option<&Path>) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("hallpass-test-");
        let folder = parent.map_or_else(|| builder.tempdir(), |parent| builder.tempdir_in(parent))?;
        account.own(folder.path())?;
        let watcher = Command::new("sh")
            .args(["-c", WATCH, "watch"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl+C in a terminal ends the tests; the watcher then has something to do.
            .process_group(0)
            .spawn()?;
        Ok(Self { path: folder.keep(), watcher })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells which process to end.
    pub(crate) fn runs(&self, process: u32) -> io::Result<()> {
        std::fs::write(self.path.join("pid"), process.to_string())
    }

    /// Takes that back: the process has ended, and its number may be given to another.
    pub(crate) fn ended(&self) {
        std::fs::remove_file(self.path.join("pid")).unwrap_or_default();
    }
}

impl Drop for WatchedFolder {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        self.watcher.wait().ok();
    }
}
