//! A server of one's own, which can be killed, stopped, paused and started again.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::Child,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    programs::output,
    service::{Place, Service},
    watched::WatchedFolder,
};

/// How a private server is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether what is committed is also on the disk. The death of the server loses nothing either way.
    pub durable: bool,
    /// How many connections it takes.
    pub max_connections: u32,
    /// More settings of the server by their names in its configuration. The last one of a name counts.
    pub others: Vec<(String, String)>,
    /// The folder in which it makes its own, for instance one on a small disk.
    pub folder: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { durable: false, max_connections: 200, others: Vec::new(), folder: None }
    }
}

impl Settings {
    /// With one more of the server's own settings.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.others.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn others(&self) -> impl Iterator<Item = (&str, &str)> {
        self.others.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A server that one test has for itself. It ends when this is dropped.
#[derive(Debug)]
pub struct Exclusive {
    service: Service,
    settings: Settings,
    place: Place,
    child: Option<Child>,
    databases: AtomicUsize,
    folder: WatchedFolder,
}

/// How long a server may take to start or to stop. A busy machine needs its time.
const PATIENCE: Duration = Duration::from_mins(1);

impl Exclusive {
    pub(crate) fn begin(service: Service, settings: Settings) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let account = service.account();
        let template = service.template()?;
        let folder = WatchedFolder::new(account, settings.folder.as_deref()).map_err(text)?;
        output(account.command("cp".as_ref()).arg("-a").arg(template).arg(folder.path()))?;
        let place = Place { folder: folder.path().to_owned(), address: free_address().map_err(text)? };
        let mut server = Self { service, settings, place, child: None, databases: AtomicUsize::new(0), folder };
        for _ in 0..5 {
            match server.launch() {
                Err(reason) if reason.contains("in use") => server.place.address = free_address().map_err(text)?,
                other => return other.map(|()| server),
            }
        }
        server.launch().map(|()| server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.place.address
    }

    /// Its URL, as somebody who may do everything.
    pub fn url(&self) -> String {
        self.service.url(self.place.address)
    }

    /// The URL of a fresh, empty database.
    pub async fn database(&self) -> String {
        let (service, url, number) = (self.service, self.url(), self.databases.fetch_add(1, Ordering::Relaxed));
        blocking(move || service.database(&url, number)).await
    }

    /// Runs a statement (or, words with blanks between them, a command of Redis) in the database of this URL and gives what
    /// it answers as text.
    pub async fn statement(&self, url: &str, statement: &str) -> String {
        let (service, url, statement) = (self.service, url.to_owned(), statement.to_owned());
        blocking(move || service.statement(&url, &statement)).await
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        std::fs::read(self.place.folder.join("log"))
            .map_or_else(|_| String::new(), |log| String::from_utf8_lossy(&log).into_owned())
    }

    /// The number of its process while it runs.
    pub fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Kills it and all its processes, as `kill -9` does.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.reap(PATIENCE);
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(&mut self) {
        if let Some(pid) = self.child.as_ref().and_then(pid) {
            kill_process(pid, self.service.polite()).ok();
        }
        let late = Instant::now() + PATIENCE;
        while !self.reap(Duration::ZERO) {
            assert!(Instant::now() < late, "{:?} does not stop. Its log:\n{}", self.service, self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Starts it again with the same data and at the same address. Resolves when it takes requests.
    pub async fn start(&mut self) {
        assert!(self.child.is_none(), "{:?} runs already", self.service);
        let (service, address, late) = (self.service, self.place.address, Instant::now() + PATIENCE);
        loop {
            if let Err(reason) = self.spawn() {
                panic!("{reason}");
            }
            while self.still_runs().is_ok() {
                if blocking(move || Ok(service.is_ready(address))).await {
                    return;
                }
                assert!(Instant::now() < late, "{service:?} does not start. Its log:\n{}", self.log());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // Processes of the one that was killed may still be about to end; it is tried again until they have.
            assert!(Instant::now() < late, "{service:?} ends at once. Its log:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until it takes requests, and starts it if it has ended, as it may have for want of something that is there again.
    pub async fn recover(&mut self) {
        let (service, address, late) = (self.service, self.place.address, Instant::now() + PATIENCE);
        while !self.reap(Duration::ZERO) {
            if blocking(move || Ok(service.is_ready(address))).await {
                return;
            }
            assert!(Instant::now() < late, "{service:?} does not come back. Its log:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.start().await;
    }

    /// Halts it: connections stay open, and nobody answers.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Sends a signal to it and to all its processes; to it first, so that it starts no more of them.
    fn signal(&self, signal: Signal) {
        let Some(pid) = self.child.as_ref().and_then(pid) else { return };
        let below = below(pid);
        kill_process(pid, signal).ok();
        for process in below.into_iter().chain(self::below(pid)) {
            kill_process(process, signal).ok();
        }
    }
}

/// What starting and ending it takes.
impl Exclusive {
    /// Starts its process and waits until it takes requests.
    fn launch(&mut self) -> Result<(), String> {
        let late = Instant::now() + PATIENCE;
        self.spawn()?;
        while !self.service.is_ready(self.place.address) {
            self.still_runs()?;
            if Instant::now() > late {
                return Err(format!("{:?} does not start. Its log:\n{}", self.service, self.log()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // Somebody else may be listening there instead.
        self.still_runs()
    }

    fn spawn(&mut self) -> Result<(), String> {
        let text = |error: std::io::Error| error.to_string();
        let log = File::create(self.place.folder.join("log")).map_err(text)?;
        let mut command = self.service.server(&self.place, &self.settings)?;
        let child = command.stdout(log.try_clone().map_err(text)?).stderr(log).spawn().map_err(text)?;
        self.folder.runs(child.id()).map_err(text)?;
        self.child = Some(child);
        Ok(())
    }

    /// An error with what its log says if it has ended.
    fn still_runs(&mut self) -> Result<(), String> {
        if self.reap(Duration::ZERO) {
            return Err(format!("{:?} ended at once. Its log:\n{}", self.service, self.log()));
        }
        Ok(())
    }

    /// Waits so long at most for its process to end; whether it has.
    fn reap(&mut self, wait: Duration) -> bool {
        let late = Instant::now() + wait;
        while let Some(child) = &mut self.child {
            if child.try_wait().is_ok_and(|status| status.is_none()) {
                if Instant::now() >= late {
                    return false;
                }
                std::thread::sleep(Duration::from_millis(2));
                continue;
            }
            self.child = None;
            self.folder.ended();
        }
        true
    }
}

fn pid(child: &Child) -> Option<Pid> {
    Pid::from_raw(child.id().try_into().ok()?)
}

/// The processes that a process has started, where the system tells.
fn below(parent: Pid) -> Vec<Pid> {
    let wanted = format!("PPid:\t{}", parent.as_raw_nonzero());
    let processes = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_below = |pid: &i32| {
        std::fs::read_to_string(format!("/proc/{pid}/status"))
            .is_ok_and(|status| status.lines().any(|line| line == wanted))
    };
    pids.filter(is_below).filter_map(Pid::from_raw).collect()
}

pub(crate) fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Does what blocks where it may, and fails the test if it fails.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => done,
        Ok(Err(reason)) => panic!("{reason}"),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
