//! The hallpass that is tried: a process of its own, which can be killed.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, setpriority_process};
use tokio::time::sleep;

use crate::http::Client;

/// How long it may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    binary: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
    child: Option<Child>,
}

impl Server {
    /// Starts it in a folder that has its configuration.
    pub(crate) async fn start(binary: &Path, folder: &Path) -> Result<Self, String> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| format!("no free port: {error}"))?;
        let mut server = Self { binary: binary.to_owned(), folder: folder.to_owned(), address, child: None };
        server.launch().await?;
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts its process again at the same address, and waits until it takes requests.
    pub(crate) async fn launch(&mut self) -> Result<(), String> {
        let log = File::options().create(true).append(true).open(self.folder.join("hallpass.log"));
        let log = log.map_err(|error| error.to_string())?;
        let mut command = Command::new(&self.binary);
        command.arg("serve").arg("--listen").arg(self.address.to_string()).current_dir(&self.folder);
        for (name, _) in std::env::vars_os() {
            let shown = name.to_string_lossy();
            if shown.starts_with("HALLPASS_") || shown.starts_with("BETTER_AUTH_") || shown == "AUTH_SECRET" {
                command.env_remove(&name);
            }
        }
        let errors = log.try_clone().map_err(|error| error.to_string())?;
        let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
        self.child = Some(child.map_err(|error| format!("{}: {error}", self.binary.display()))?);
        let mut client = Client::new(self.address);
        let late = Instant::now() + PATIENCE;
        while client.get("/healthz", None).await.is_err() {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            if ended.is_some() || Instant::now() > late {
                return Err(format!("hallpass does not start. Its log:\n{}", self.log()));
            }
            sleep(Duration::from_millis(5)).await;
        }
        self.let_hash();
        Ok(())
    }

    /// Passwords are hashed at the lowest priority, and these runs leave no core idle: without this there would be few sign-ins among the
    /// reads. Only root may raise a priority; for others it stays so.
    fn let_hash(&self) {
        let Some(child) = &self.child else { return };
        let threads = std::fs::read_dir(format!("/proc/{}/task", child.id())).into_iter().flatten().flatten();
        for thread in threads {
            let name = std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
            let number = thread.file_name().to_str().and_then(|number| number.parse().ok());
            if let Some(number) = number.and_then(Pid::from_raw).filter(|_| name.starts_with("hallpass-hash")) {
                setpriority_process(Some(number), 0).ok();
            }
        }
    }

    /// `kill -9`
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Whether its process is there, as it should be.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_none()))
    }

    /// The last it said.
    pub(crate) fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.join("hallpass.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
