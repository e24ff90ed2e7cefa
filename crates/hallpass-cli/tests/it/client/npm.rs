//! The same commands with the npm package at the other end.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{Answer, cannot_run, err, post};

use super::{home::Home, words::fails};

/// The npm package as a server.
struct Node {
    child: Child,
    told: ChildStdin,
    says: BufReader<ChildStdout>,
    port: u16,
}

impl Node {
    /// Starts it, or says why not.
    fn start() -> Option<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance");
        if !folder.join("node_modules/better-auth").exists() {
            cannot_run("the npm package is not installed; run `npm ci` in conformance/");
            return None;
        }
        let mut command = Command::new("node");
        command.arg("oracle.mjs").current_dir(folder).env("NODE_ENV", "development").env_remove("BETTER_AUTH_SECRET");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (told, says) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut node = Self { child, told, says, port: 0 };
        let ready = node.tell(&Value::Null);
        node.port = ready.get("port").and_then(Value::as_u64).unwrap().try_into().unwrap();
        Some(node)
    }

    /// Says what to be, and waits until it is that.
    fn tell(&mut self, what: &Value) -> Value {
        writeln!(self.told, "{what}").unwrap();
        loop {
            let mut line = String::new();
            assert_ne!(self.says.read_line(&mut line).unwrap(), 0, "it ended");
            if let Ok(value) = serde_json::from_str(&line) {
                return value;
            }
        }
    }

    /// A server with this Bearer plugin, and with one user.
    fn become_server(&mut self, home: &Home, bearer: &Value) {
        let options = json!({
            "secret": "a secret of this test, and of no other", "baseURL": self.url(), "logger": { "disabled": true },
            "emailAndPassword": { "enabled": true },
        });
        let place = |name: &str| home.path().join(name);
        self.tell(&json!({
            "options": options, "bearer": bearer, "database": place("auth.db"), "outbox": place("outbox.jsonl"),
        }));
        let body = r#"{"name":"ada","email":"ada@example.com","password":"correct horse"}"#;
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(&post("/api/auth/sign-up/email", None, body)).unwrap();
        assert!(matches!(Answer::read(&mut stream).status, 200 | 422));
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_npm_package_is_as_good_a_server() {
    let Some(mut node) = Node::start() else { return };
    let home = Home::new();
    node.become_server(&home, &json!({}));
    let login = home.login_at(&node.url(), "ada", &[]);
    assert!(login.status.success(), "{}", err(&login));
    assert_eq!(home.json(&["whoami", "--json"])["user"]["name"], "ada");
    assert!(home.token().contains('.'));
    assert_eq!(home.json(&["sessions", "--json"]).as_array().unwrap().len(), 2);
    assert!(home.run(&["sessions", "revoke", "--others"]).status.success());
    let left = home.json(&["sessions", "--json"]);
    assert_eq!((left.as_array().unwrap().len(), &left[0]["current"]), (1, &true.into()));
    fails(&home.login_at(&node.url(), "bob", &[]), 1, &["does not know this e-mail address with this password"]);
    assert!(home.run(&["logout"]).status.success());
    fails(&home.run(&["whoami"]), 3, &["not signed in"]);

    node.become_server(&home, &false.into());
    fails(&home.login_at(&node.url(), "ada", &[]), 1, &["gives no bearer token"]);
}
