//! A server in a folder of its own, and just enough HTTP to talk to it.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::Duration,
};

use tempfile::TempDir;

/// A folder to run in, with nothing of this machine's configuration.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("HALLPASS_") || name.starts_with("BETTER_AUTH_") || name == "AUTH_SECRET" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a tool to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Says why a test does not run here. Where everything has to run, that is a failure.
#[expect(clippy::print_stdout, reason = "somebody should know")]
pub(crate) fn cannot_run(reason: &str) {
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{reason}");
    println!("did not run: {reason}");
}

/// A running server.
pub(crate) struct Server {
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts with this configuration besides a free port.
    pub(crate) fn start(config: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), config)
    }

    pub(crate) fn start_in(folder: TempDir, config: &str) -> Self {
        fs::write(folder.path().join("hallpass.toml"), config).unwrap();
        let home = folder.path().to_owned();
        Self::launch(folder, &home, &["serve"])
    }

    /// Starts `hallpass proxy` with the configuration and the database of this server.
    pub(crate) fn proxy(&self, arguments: &[&str]) -> Self {
        Self::launch(tempfile::tempdir().unwrap(), self.folder.path(), &[&["proxy"], arguments].concat())
    }

    /// Runs a command that listens, in `home`, with its log in `folder`.
    fn launch(folder: TempDir, home: &Path, arguments: &[&str]) -> Self {
        let address = free_address();
        let log = fs::File::create(folder.path().join("log.txt")).unwrap();
        let listen = address.to_string();
        let mut command = command(home, &[arguments, &["--listen", &listen]].concat());
        let child = command.stderr(log).spawn().unwrap();
        let server = Self { folder, address, child };
        for _ in 0..400 {
            if TcpStream::connect(address).is_ok() {
                return server;
            }
            sleep(Duration::from_millis(25));
        }
        unreachable!("the server did not start: {}", server.log())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log.txt")).unwrap()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends bytes on a connection of their own, and reads until the server closes it.
    pub(crate) fn send(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A server that refuses early may close before everything is written.
        let _ = stream.write_all(bytes);
        Answer::read(&mut stream)
    }

    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        self.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n{bearer}connection: close\r\n\r\n").as_bytes())
    }

    pub(crate) fn post(&self, path: &str, token: Option<&str>, json: &str) -> Answer {
        self.send(&post(path, token, json))
    }

    /// Signs somebody up, and returns what `set-auth-token` says.
    pub(crate) fn sign_up(&self, name: &str) -> String {
        let body = format!(r#"{{"name":"{name}","email":"{name}@example.com","password":"correct horse"}}"#);
        self.post("/api/auth/sign-up/email", None, &body).header("set-auth-token").unwrap()
    }

    /// Asks the server to stop.
    pub(crate) fn ask_to_stop(&self) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
    }

    /// Waits until the server has stopped, and says whether all went well.
    pub(crate) fn wait(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }

    /// Asks the server to stop, and waits until it has.
    pub(crate) fn terminate(&mut self) -> bool {
        self.ask_to_stop();
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn post(path: &str, token: Option<&str>, json: &str) -> Vec<u8> {
    let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = json.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\n{bearer}content-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{json}"
    )
    .into_bytes()
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
