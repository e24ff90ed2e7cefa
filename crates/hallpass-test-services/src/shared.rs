//! The servers that all tests of a process share.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    programs::{cannot_run, find},
    server::{Exclusive, Settings, blocking},
    service::Service,
};

/// A server for all tests of this process: a private one, or the one that a variable names.
#[derive(Debug)]
struct Shared {
    service: Service,
    url: String,
    databases: AtomicUsize,
    /// Held so that it runs; it ends with the process.
    _private: Option<Exclusive>,
}

impl Shared {
    fn begin(service: Service) -> Result<Self, String> {
        // Whatever number the first database of a foreign Redis gets, it is not the one that people use.
        let databases = AtomicUsize::new(1);
        if let Some(url) = std::env::var(service.variable()).ok().filter(|url| !url.is_empty()) {
            return Ok(Self { service, url, databases, _private: None });
        }
        let private = Exclusive::begin(service, Settings::default())?;
        Ok(Self { service, url: private.url(), databases, _private: Some(private) })
    }

    async fn database(&'static self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        blocking(move || self.service.database(&self.url, number)).await
    }

    async fn statement(&'static self, url: &str, statement: &str) -> String {
        let (url, statement) = (url.to_owned(), statement.to_owned());
        blocking(move || self.service.statement(&url, &statement)).await
    }
}

async fn shared(service: Service, cell: &'static OnceLock<Result<Shared, String>>) -> Option<&'static Shared> {
    let is_given = std::env::var_os(service.variable()).is_some_and(|url| !url.is_empty());
    if !is_given && !is_installed(service) {
        return None;
    }
    // A server that should start and does not is a failure, everywhere.
    Some(blocking(move || cell.get_or_init(|| Shared::begin(service)).as_ref().map_err(Clone::clone)).await)
}

async fn exclusive(service: Service, settings: Settings) -> Option<Exclusive> {
    if !is_installed(service) {
        return None;
    }
    Some(blocking(move || Exclusive::begin(service, settings)).await)
}

fn is_installed(service: Service) -> bool {
    let missing = service.programs().iter().find(|program| find(program).is_none());
    if let Some(program) = missing {
        cannot_run(&format!("`{program}` is not installed, and {} is not set", service.variable()));
    }
    missing.is_none()
}

macro_rules! server {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(&'static Shared);

        impl $name {
            /// The one that all tests of this process share, started by the first that asks. `None` where it cannot be
            /// started for want of its programs; the test has then nothing to do.
            pub async fn start() -> Option<Self> {
                static CELL: OnceLock<Result<Shared, String>> = OnceLock::new();
                shared(Service::$name, &CELL).await.map(Self)
            }

            /// One for this test alone, always a private one.
            pub async fn exclusive(settings: Settings) -> Option<Exclusive> {
                exclusive(Service::$name, settings).await
            }

            /// The URL of a fresh, empty database.
            pub async fn database(&self) -> String {
                self.0.database().await
            }

            /// The URL of the server, as somebody who may do everything.
            pub fn url(&self) -> &'static str {
                &self.0.url
            }

            /// Runs a statement (or, words with blanks between them, a command of Redis) in the database of this URL and
            /// gives what it answers as text.
            pub async fn statement(&self, url: &str, statement: &str) -> String {
                self.0.statement(url, statement).await
            }
        }
    };
}

server! {
    /// PostgreSQL.
    Postgres
}
server! {
    /// MariaDB.
    MariaDb
}
server! {
    /// Redis. Its databases are numbers: what is published in one is heard in all of them, and its statistics count all.
    Redis
}
