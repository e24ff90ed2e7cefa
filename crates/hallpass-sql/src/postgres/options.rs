//! How a Postgres server is connected to.

use std::{path::PathBuf, str::FromStr, time::Duration};

use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use crate::ConnectError;

const EXAMPLE: &str = "postgres://<user>:<password>@<host>:5432/<database>";

/// How a Postgres server is connected to. It does not print: the URL may hold a password.
///
/// ```
/// use hallpass_sql::PostgresOptions;
/// let options = PostgresOptions::new("postgres://app@db.example.com/app?sslmode=verify-full")?.connections(20);
/// # Ok::<(), hallpass_sql::ConnectError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct PostgresOptions {
    pub(super) server: Server,
    pub(super) connections: usize,
    pub(super) statement_cache: bool,
    /// Where changes are heard of, if not at the server itself.
    pub(super) listen: Option<Server>,
    pub(super) connect_timeout: Duration,
    pub(super) read_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) wait_timeout: Duration,
    pub(super) queue: usize,
}

/// What a URL says.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) config: Config,
    pub(super) trust: Trust,
}

/// Which server certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// Any: the connection is encrypted, and that is all.
    Anyone,
    /// Those the system trusts, for this host.
    System,
    /// Those signed by what is in this file, for this host.
    File(PathBuf),
}

impl std::fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresOptions").field("server", &self.server.name()).finish_non_exhaustive()
    }
}

impl PostgresOptions {
    /// The server and database that a URL names: `postgres://<user>:<password>@<host>:<port>/<database>`, with the options that `psql`
    /// knows after a `?`: `host` (a folder for a socket), `sslmode`, `sslrootcert`, `options`, `application_name` and others.
    ///
    /// `sslmode` is `disable`, `prefer` (the default: encrypted where the server can), `require` (encrypted, with any certificate unless
    /// `sslrootcert` names a file) or `verify-full` (with a certificate for this host that the system trusts, or `sslrootcert`).
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn new(url: &str) -> Result<Self, ConnectError> {
        Ok(Self {
            server: Server::parse(url)?,
            connections: 10,
            statement_cache: true,
            listen: None,
            connect_timeout: Duration::from_secs(3),
            read_timeout: Duration::from_secs(3),
            write_timeout: Duration::from_secs(5),
            wait_timeout: Duration::from_secs(3),
            queue: 1024,
        })
    }

    /// How many connections there are at most, 10 by default and at least 3: up to four for reading, which all requests share, the rest
    /// for writing, one transaction each.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(3);
        self
    }

    /// Whether the server keeps prepared statements for each connection; it does by default. Not possible behind pgbouncer in transaction
    /// mode, where the next statement may meet another connection.
    pub fn statement_cache(mut self, keep: bool) -> Self {
        self.statement_cache = keep;
        self
    }

    /// Where to hear of the changes that others make: a way past a pooler, straight to the server. Without it that is the server itself,
    /// and with [`statement_cache(false)`](Self::statement_cache) nowhere, so that sessions cannot be cached.
    ///
    /// It has to lead to the same database, as a role that has the same schema first in its search path. Elsewhere nothing is proven, and so
    /// nothing is cached.
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn listen_url(mut self, url: &str) -> Result<Self, ConnectError> {
        self.listen = Some(Server::parse(url)?);
        Ok(self)
    }

    pub(super) fn can_listen(&self) -> bool {
        self.statement_cache || self.listen.is_some()
    }

    /// The same, for the connection that listens.
    pub(super) fn listening(&self) -> Self {
        let mut options = self.clone();
        if let Some(server) = options.listen.take() {
            options.server = server;
        }
        options
    }

    /// How long a connection may take to be made; 3 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a read may take before it is unavailable; 3 seconds by default.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// How long a batch may take before it is given up; 5 seconds by default.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// How long an operation waits for a connection; 3 seconds by default.
    pub fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait_timeout = timeout;
        self
    }

    /// How many batches wait for a connection before the next is refused as unavailable; 1024 by default.
    pub fn queue(mut self, queue: usize) -> Self {
        self.queue = queue;
        self
    }

    /// How many connections read.
    pub(super) fn readers(&self) -> usize {
        (self.connections / 2).clamp(1, 4)
    }

    /// How many connections write.
    pub(super) fn writers(&self) -> usize {
        self.connections.saturating_sub(self.readers()).max(1)
    }
}

impl Server {
    pub(super) fn parse(url: &str) -> Result<Self, ConnectError> {
        let wrong = |problem: &str| ConnectError::ServerUrl { problem: problem.to_owned(), example: EXAMPLE };
        let (address, options) = url.split_once('?').unwrap_or((url, ""));
        let (mut kept, mut mode, mut root) = (Vec::new(), None, None);
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => root = Some(PathBuf::from(decoded(value))),
                _ => kept.push(option),
            }
        }
        let plain = format!("{address}?{}", kept.join("&"));
        let mut config = Config::from_str(plain.trim_end_matches('?')).map_err(|error| {
            // Names the option, never its value.
            wrong(&std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string))
        })?;
        let (mode, trust) = match (mode.unwrap_or("prefer"), root) {
            ("disable", _) => (SslMode::Disable, Trust::Anyone),
            ("prefer" | "allow", _) => (SslMode::Prefer, Trust::Anyone),
            ("require", None) => (SslMode::Require, Trust::Anyone),
            ("require" | "verify-ca" | "verify-full", Some(file)) if file.as_os_str() != "system" => {
                (SslMode::Require, Trust::File(file))
            }
            ("require" | "verify-ca" | "verify-full", _) => (SslMode::Require, Trust::System),
            _ => return Err(wrong("`sslmode` is none of disable, prefer, require and verify-full")),
        };
        config.ssl_mode(mode);
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        // Otherwise a part of the password would be taken for the server's name, and told.
        if config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(name) if name.contains('@'))) {
            return Err(wrong("it has several `@`; write one that belongs to the password as `%40`"));
        }
        if config.get_user().is_none() {
            return Err(wrong("it names no user"));
        }
        if config.get_application_name().is_none() {
            config.application_name("hallpass");
        }
        Ok(Self { config, trust })
    }

    /// Host and port, without anything secret.
    pub(super) fn name(&self) -> String {
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => format!("{host}:{port}"),
            #[cfg(unix)]
            Some(Host::Unix(folder)) => folder.display().to_string(),
            None => self.config.get_hostaddrs().first().map(|address| format!("{address}:{port}")).unwrap_or_default(),
        }
    }
}

/// Percent-decoded, as the rest of the URL is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let digit = |digit: Option<u8>| digit.and_then(|digit| char::from(digit).to_digit(16));
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.extend(u8::try_from(high * 16 + low));
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_how_much_to_trust() {
        for (options, mode, trust) in [
            ("", SslMode::Prefer, Trust::Anyone),
            ("?sslmode=disable", SslMode::Disable, Trust::Anyone),
            ("?sslmode=require", SslMode::Require, Trust::Anyone),
            ("?sslmode=verify-full&application_name=x", SslMode::Require, Trust::System),
            ("?sslmode=require&sslrootcert=%2Fa%20b.pem", SslMode::Require, Trust::File("/a b.pem".into())),
        ] {
            let server = Server::parse(&format!("postgres://app:hunter2@db/app{options}")).unwrap();
            assert_eq!((server.config.get_ssl_mode(), server.trust.clone()), (mode, trust), "{options}");
            assert_eq!(server.name(), "db:5432");
        }
        for url in [
            "postgres://app:hunter2@db/app?sslmode=x",
            "postgres://app:hunter2@db:x/app",
            "postgres://app:secret@hunter2@db/app",
            "postgres://db/app",
        ] {
            let said = Server::parse(url).err().unwrap().to_string();
            assert!(said.contains("postgres://<user>") && !said.contains("hunter2"), "{said}");
        }
        assert!(!format!("{:?}", PostgresOptions::new("postgres://app:hunter2@db/app").unwrap()).contains("hunter2"));
    }
}
