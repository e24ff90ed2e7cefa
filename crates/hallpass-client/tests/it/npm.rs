//! Programs of the folder `conformance`, which run with Node.

use std::{path::PathBuf, process::Stdio};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// A process that is told things in lines of JSON, and says things likewise. It ends when this is dropped.
pub(crate) struct Node {
    told: ChildStdin,
    says: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Node {
    /// Starts it, or says why not. Where everything has to run, that is a failure.
    #[expect(clippy::print_stdout, reason = "somebody should know")]
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance");
        if !folder.join("node_modules/better-auth").exists() {
            let reason = "the npm package is not installed; run `npm ci` in conformance/";
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{reason}");
            println!("did not run: {reason}");
            return None;
        }
        let mut command = Command::new("node");
        command.args(arguments).current_dir(folder).env("NODE_ENV", "development").env_remove("BETTER_AUTH_SECRET");
        // Its standard input ends with this process, and it with that.
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let told = child.stdin.take().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap()).lines();
        Some(Self { told, says, _child: child })
    }

    pub(crate) async fn tell(&mut self, what: &Value) {
        self.told.write_all(format!("{what}\n").as_bytes()).await.unwrap();
    }

    /// The next line that is JSON.
    pub(crate) async fn hear(&mut self) -> Value {
        loop {
            let line = self.says.next_line().await.unwrap().expect("it ended");
            if let Ok(value) = serde_json::from_str(&line) {
                return value;
            }
        }
    }
}
