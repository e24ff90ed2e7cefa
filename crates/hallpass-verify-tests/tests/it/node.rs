//! The npm package as a server, in a process of its own.

use std::{path::Path, process::Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::auth_server::SECRET;

/// Ends when it is dropped.
pub(crate) struct Node {
    pub(crate) base: String,
    pub(crate) folder: TempDir,
    child: Child,
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

/// Whether a program that a test needs is there. Where everything has to run, it has to be.
pub(crate) fn has(is_there: bool, reason: &str) -> bool {
    let must = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(is_there || !must, "{reason}");
    if !is_there {
        println!("did not run: {reason}");
    }
    is_there
}

impl Node {
    /// Starts one with these additions to the usual configuration, or says why there is none.
    pub(crate) async fn start(additions: &Value) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance");
        let is_there = folder.join("node_modules/@better-auth/redis-storage").exists();
        if !has(is_there, "the npm packages are not installed; run `npm ci` in conformance") {
            return None;
        }
        let mut command = Command::new("node");
        // Its standard input ends with this process, and it with that.
        command.arg("oracle.mjs").current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut node = Self { base: String::new(), folder: TempDir::new().unwrap(), child, stdin, answers };
        let port = node.say(&Value::Null).await;
        node.base = format!("http://127.0.0.1:{port}/api/auth");
        node.become_with(additions).await;
        Some(node)
    }

    /// Where its database is.
    pub(crate) fn database(&self) -> String {
        self.folder.path().join("node.db").display().to_string()
    }

    /// Another configuration at the same database and address.
    pub(crate) async fn become_with(&mut self, additions: &Value) {
        let mut config = json!({
            "options": {
                "secret": SECRET,
                "baseURL": self.base.trim_end_matches("/api/auth"),
                "emailAndPassword": {"enabled": true},
                "rateLimit": {"enabled": false},
            },
            "bearer": {},
            "database": self.database(),
        });
        for (name, value) in additions.as_object().unwrap() {
            config[name] = value.clone();
        }
        self.say(&config).await;
    }

    /// Ends it at once.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    async fn say(&mut self, config: &Value) -> u16 {
        self.stdin.write_all(format!("{config}\n").as_bytes()).await.unwrap();
        loop {
            let line = self.answers.next_line().await.unwrap().unwrap();
            // The package has a log on the same pipe.
            let Ok(answer) = serde_json::from_str::<Value>(&line) else { continue };
            return serde_json::from_value(answer["port"].clone()).unwrap();
        }
    }
}
