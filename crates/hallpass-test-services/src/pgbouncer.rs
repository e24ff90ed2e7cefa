//! pgbouncer in front of a Postgres: a pooler that gives every transaction whichever connection is free.

use std::{
    fs::File,
    net::SocketAddr,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::{
    programs::{cannot_run, find, output},
    server::{blocking, free_address},
    service::Service,
    watched::WatchedFolder,
};

/// How long it may take to start. A busy machine needs its time.
const PATIENCE: Duration = Duration::from_mins(1);

/// A pgbouncer in transaction mode that one test has for itself. It ends when this is dropped.
#[derive(Debug)]
pub struct PgBouncer {
    address: SocketAddr,
    child: Child,
    folder: WatchedFolder,
}

impl PgBouncer {
    /// Starts one in front of the Postgres of this URL, with so many connections to each database there. `None` where it is not installed.
    pub async fn start(url: &str, connections: u32) -> Option<Self> {
        if find("pgbouncer").is_none() {
            cannot_run("`pgbouncer` is not installed");
            return None;
        }
        let url = url.to_owned();
        let begin = move || {
            let mut tried = Self::begin(&url, connections);
            // Somebody else may have been faster to take the port.
            for _ in 0..4 {
                tried = tried.or_else(|_| Self::begin(&url, connections));
            }
            tried
        };
        Some(blocking(begin).await)
    }

    /// The URL that leads through it to the same database.
    pub fn through(&self, url: &str) -> String {
        let Ok(mut url) = url::Url::parse(url) else { panic!("the URL of a server is none") };
        url.set_ip_host(self.address.ip()).and_then(|()| url.set_port(Some(self.address.port()))).unwrap_or_default();
        url.into()
    }

    fn begin(url: &str, connections: u32) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let account = Service::Postgres.account();
        let folder = WatchedFolder::new(account, None).map_err(text)?;
        let address = free_address().map_err(text)?;
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, configuration(url, address, connections)?).map_err(text)?;
        let log = File::create(folder.path().join("log")).map_err(text)?;
        let program = find("pgbouncer").ok_or("`pgbouncer` is not installed")?;
        let child = account.command(&program).arg(&file).stdout(Stdio::null()).stderr(log).spawn().map_err(text)?;
        folder.runs(child.id()).map_err(text)?;
        let mut started = Self { address, child, folder };
        started.wait(url)?;
        Ok(started)
    }

    fn wait(&mut self, url: &str) -> Result<(), String> {
        let (through, late) = (self.through(url), Instant::now() + PATIENCE);
        loop {
            let mut psql = Service::Postgres.command("psql")?;
            let answer = output(psql.args(["--no-psqlrc", "--quiet", "--command", "SELECT 1", "--dbname", &through]));
            let ended = self.child.try_wait().map_err(|error| error.to_string())?;
            match (answer, ended) {
                (Ok(_), None) => return Ok(()),
                (Err(_), None) if Instant::now() < late => std::thread::sleep(Duration::from_millis(20)),
                (answer, _) => return Err(format!("pgbouncer does not start: {answer:?}")),
            }
        }
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        self.folder.ended();
    }
}

/// Lets everybody in, as the user of the URL.
fn configuration(url: &str, address: SocketAddr, connections: u32) -> Result<String, String> {
    let url = url::Url::parse(url).map_err(|error| error.to_string())?;
    let (host, port, user) = (url.host_str().unwrap_or("127.0.0.1"), url.port().unwrap_or(5432), url.username());
    Ok(format!(
        "[databases]\n* = host={host} port={port} user={user}\n[pgbouncer]\nlisten_addr = {}\nlisten_port = {}\n\
         unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = {connections}\n\
         max_client_conn = 500\n",
        address.ip(),
        address.port(),
    ))
}
