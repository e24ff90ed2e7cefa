//! Servers as processes of their own, so that what they use can be told from what the load generator uses.

use std::{
    fs,
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use crate::SECRET;

/// In the environment of a child: what it is to be.
const ROLE: &str = "HALLPASS_BENCH_ROLE";

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// This program again, in another role, on a free port.
    pub fn start(role: &str, arguments: &[&str], address: SocketAddr) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(arguments).env(ROLE, role).stderr(Stdio::null()).stdin(Stdio::null());
        Self::wait_for(command.spawn().unwrap(), address)
    }

    /// Another program, which listens there.
    pub fn program(program: &Path, arguments: &[&str], address: SocketAddr) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stderr(Stdio::null()).stdin(Stdio::null());
        Self::wait_for(command.spawn().unwrap(), address)
    }

    /// `hallpass serve` on a SQLite database.
    pub fn hallpass(database: &Path, folder: &Path) -> Self {
        Self::hallpass_with(&format!("[database]\nurl = \"sqlite://{}\"", database.display()), folder)
    }

    /// `hallpass serve` with these sections in its configuration.
    pub fn hallpass_with(sections: &str, folder: &Path) -> Self {
        let address = free_address();
        let config = folder.join(format!("hallpass-{}.toml", address.port()));
        let text = format!(
            "secret = {SECRET:?}\n[server]\nlisten = \"{address}\"\n[log]\nfilter = \"warn\"\n[rate_limit]\nenabled = false\n{sections}\n"
        );
        fs::write(&config, text).unwrap();
        Self::start("hallpass", &["serve", "--config", &config.to_string_lossy()], address)
    }

    /// The npm package with a configuration of the conformance harness' own, as its deployments run it. `None` where it is not installed.
    pub fn npm_package(config: &serde_json::Value) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance");
        if !folder.join("node_modules/better-auth").exists() {
            return None;
        }
        let mut command = Command::new("node");
        command.arg("oracle.mjs").current_dir(&folder).env("NODE_ENV", "production");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        writeln!(child.stdin.as_mut()?, "{config}").unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut()?), &mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let port = u16::try_from(ready["port"].as_u64()?).ok()?;
        Some(Self::wait_for(child, SocketAddr::from(([127, 0, 0, 1], port))))
    }

    /// Seconds of processor time it has used so far.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds_of(&self.child.id().to_string())
    }

    /// Anonymous memory it holds now, in MiB.
    pub fn anonymous_mebibytes(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    fn wait_for(child: Child, address: SocketAddr) -> Self {
        let server = Self { child, address };
        for _ in 0..400 {
            if TcpStream::connect(address).is_ok() {
                return server;
            }
            sleep(Duration::from_millis(25));
        }
        panic_with("a server did not start in ten seconds")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Seconds of processor time that a process has used so far; `self` is this one.
#[expect(clippy::cast_precision_loss, reason = "ticks are few")]
pub fn cpu_seconds_of(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // After the name in brackets: state, then user and system time as the 12th and 13th, in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<u64>().unwrap();
    (ticks(11) + ticks(12)) as f64 / 100.0
}

/// The role this process was started in; `None` for the benchmark itself.
pub fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// An address nobody listens on at the moment.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[expect(clippy::panic, reason = "a benchmark that cannot go on ends")]
fn panic_with(what: &str) -> ! {
    panic!("{what}")
}
