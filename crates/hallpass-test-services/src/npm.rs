//! The npm package as a server, in a process of its own.

use std::{path::Path, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::programs::{cannot_run, find};

/// The npm package behind `conformance/oracle.mjs`, which is told what to be. It ends when this is dropped.
#[derive(Debug)]
pub struct NpmPackage {
    told: ChildStdin,
    says: Lines<BufReader<ChildStdout>>,
    port: u16,
    _child: Child,
}

impl NpmPackage {
    /// Starts it. `None` where Node or the package is not installed; the test has then nothing to do.
    pub async fn start() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance");
        if find("node").is_none() || !folder.join("node_modules/better-auth").exists() {
            cannot_run("the npm package is not installed; run `npm ci` in conformance");
            return None;
        }
        let mut command = Command::new("node");
        command.arg("oracle.mjs").current_dir(folder).env("NODE_ENV", "development").env_remove("BETTER_AUTH_SECRET");
        // Its standard input ends with this process, and it with that.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("node does not start: {error}"),
        };
        let (Some(told), Some(says)) = (child.stdin.take(), child.stdout.take()) else { panic!("node has no pipes") };
        let mut server = Self { told, says: BufReader::new(says).lines(), port: 0, _child: child };
        server.be("null").await;
        Some(server)
    }

    /// Tells it what to be, as a line of JSON that `oracle.mjs` explains, and waits until it is that.
    pub async fn be(&mut self, configuration: &str) {
        if let Err(error) = self.told.write_all(format!("{configuration}\n").as_bytes()).await {
            panic!("node has ended: {error}");
        }
        loop {
            // The package has a log on the same pipe.
            let Ok(Some(line)) = self.says.next_line().await else { panic!("node has ended") };
            let port = line.strip_prefix(r#"{"ready":true,"port":"#).and_then(|rest| rest.strip_suffix('}'));
            if let Some(port) = port.and_then(|port| port.parse().ok()) {
                self.port = port;
                return;
            }
        }
    }

    /// Where it listens, whatever it is.
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
