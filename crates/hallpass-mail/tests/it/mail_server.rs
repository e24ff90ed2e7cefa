//! A mail server of npm's in a process of its own.

use std::{path::Path, process::Stdio};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// Ends when it is dropped.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    events: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl MailServer {
    /// Starts one with these options, or says why there is none. Where everything has to run, that is a failure.
    #[expect(clippy::print_stdout, reason = "somebody should know")]
    pub(crate) async fn start(options: Value) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp-server");
        if !folder.join("node_modules/smtp-server").exists() {
            let reason = "the mail server is not installed; run `npm ci` in crates/hallpass-mail/tests/smtp-server";
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{reason}");
            println!("did not run: {reason}");
            return None;
        }
        let mut command = Command::new("node");
        command.arg("server.mjs").arg(options.to_string()).current_dir(folder);
        // Its standard input ends with this process, and it with that.
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let events = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self { port: 0, events, _child: child };
        let listening = server.next().await;
        server.port = serde_json::from_value(listening["port"].clone()).unwrap();
        Some(server)
    }

    pub(crate) async fn plain() -> Option<Self> {
        Self::start(json!({ "plain": true })).await
    }

    /// What happens next.
    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.events.next_line().await.unwrap().unwrap()).unwrap()
    }

    /// The next mail, and how many connections came before it.
    pub(crate) async fn mail(&mut self) -> (Value, usize) {
        let mut connections = 0;
        loop {
            let event = self.next().await;
            match event["event"].as_str() {
                Some("connection") => connections += 1,
                _ => return (event, connections),
            }
        }
    }
}
