//! How a MySQL or MariaDB server is connected to.

use std::{path::PathBuf, time::Duration};

use percent_encoding::percent_decode_str;
use url::Url;

use crate::ConnectError;

/// How a MySQL or MariaDB server is connected to.
///
/// ```
/// use std::time::Duration;
/// use hallpass_sql::MysqlOptions;
/// let options = MysqlOptions::new("mysql://app:secret@db.example.com/auth?ssl-mode=required")?
///     .max_connections(8)
///     .connect_timeout(Duration::from_secs(2));
/// assert!(!format!("{options:?}").contains("secret"));
/// # Ok::<(), hallpass_sql::ConnectError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct MysqlOptions {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) socket: Option<PathBuf>,
    pub(super) user: String,
    pub(super) password: Option<String>,
    pub(super) database: String,
    pub(super) tls: TlsMode,
    pub(super) authority: Option<PathBuf>,
    pub(super) time_zone: Option<String>,
    pub(super) max_connections: usize,
    pub(super) statement_cache: usize,
    pub(super) connect_timeout: Duration,
    pub(super) statement_timeout: Duration,
    pub(super) wait_timeout: Duration,
    /// Whether `RETURNING` is used where the server has it. Only tests say no.
    pub(super) returning: bool,
}

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsMode {
    Disabled,
    /// If the server can; whoever is in between can prevent it.
    Preferred,
    /// Against those who listen, not against those who pretend to be the server.
    Required,
    VerifyIdentity,
}

const EXAMPLE: &str = "mysql://<user>:<password>@<host>/<database>";

impl MysqlOptions {
    /// The server and database that a URL names: `mysql://user:password@host:3306/database`, or the same with `mariadb:`. What
    /// has a meaning in URLs is percent-encoded in user, password and database.
    ///
    /// | Parameter | Meaning |
    /// |---|---|
    /// | `ssl-mode` | `disabled`; `preferred`: encrypted if the server can (the default, but for this machine); `required`: encrypted, by whomever; `verify-identity`: encrypted, and the certificate is checked |
    /// | `ssl-ca` | A file of certificates to check against, instead of those that browsers trust |
    /// | `socket` | A Unix socket instead of host and port |
    /// | `time-zone` | What the server is told about times that come and go, see [`time_zone`](Self::time_zone) |
    pub fn new(url: &str) -> Result<Self, ConnectError> {
        let url = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        let decoded = |text: &str| match percent_decode_str(text).decode_utf8() {
            Ok(text) => Ok(text.into_owned()),
            Err(_) => Err(wrong("user, password and database have to be UTF-8".into())),
        };
        let database = decoded(url.path().trim_start_matches('/'))?;
        if database.is_empty() || database.contains('/') {
            return Err(wrong("it has to name one database behind the host".into()));
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let host = if host.is_empty() { "localhost".to_owned() } else { decoded(&host)? };
        let user = decoded(url.username())?;
        let mut options = Self {
            tls: if is_here(&host) { TlsMode::Disabled } else { TlsMode::Preferred },
            host,
            port: url.port().unwrap_or(3306),
            socket: None,
            user: if user.is_empty() { "root".to_owned() } else { user },
            password: url.password().map(decoded).transpose()?,
            database,
            authority: None,
            time_zone: Some("+00:00".into()),
            max_connections: 16,
            statement_cache: 128,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(5),
            wait_timeout: Duration::from_secs(5),
            returning: true,
        };
        for (name, value) in url.query_pairs() {
            options.parameter(&name, &value)?;
        }
        Ok(options)
    }

    fn parameter(&mut self, name: &str, value: &str) -> Result<(), ConnectError> {
        match name {
            "ssl-mode" => {
                self.tls = match value.to_ascii_lowercase().replace('_', "-").as_str() {
                    "disabled" => TlsMode::Disabled,
                    "preferred" => TlsMode::Preferred,
                    "required" => TlsMode::Required,
                    "verify-identity" => TlsMode::VerifyIdentity,
                    _ => {
                        return Err(wrong(
                            "`ssl-mode` is one of `disabled`, `preferred`, `required` and `verify-identity`".into(),
                        ));
                    }
                }
            }
            "ssl-ca" => self.authority = Some(value.into()),
            "socket" => self.socket = Some(value.into()),
            "time-zone" if value.eq_ignore_ascii_case("server") => self.time_zone = None,
            "time-zone" => self.time_zone = Some(value.to_owned()),
            // The name only: the value may be a password in the wrong place.
            _ => return Err(wrong(format!("the parameter `{name}` is not known"))),
        }
        Ok(())
    }

    /// How many connections there are at most, and so how many statements run at a time; 16 by default.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// How many prepared statements each connection keeps; 128 by default. With none each statement takes a round trip more, which
    /// some proxies need.
    pub fn statement_cache(mut self, statements: usize) -> Self {
        self.statement_cache = statements;
        self
    }

    /// How long a new connection may take; 5 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a statement may take before the store is called unavailable; 5 seconds by default.
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// How long an operation waits for a connection when all are taken; 5 seconds by default.
    pub fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait_timeout = timeout;
        self
    }

    /// What the server is told about the times that come and go, which are UTC: by default that they are (`+00:00`). That is
    /// right wherever the server's zone is UTC, or Node servers on the same database run in the zone of the server.
    ///
    /// `mysql2`, with which the npm package connects, never tells the server anything. If Node servers run in UTC, or with
    /// `timezone: "Z"`, but the server does not, what they store is shifted by the server's zone; `None` (`time-zone=server` in a
    /// URL) says nothing either, and so reads and writes the same.
    pub fn time_zone(mut self, zone: Option<&str>) -> Self {
        self.time_zone = zone.map(str::to_owned);
        self
    }

    /// Treats every server as one that does not know `RETURNING`, as MySQL does not.
    #[doc(hidden)]
    pub fn without_returning(mut self) -> Self {
        self.returning = false;
        self
    }

    /// Host and port, or the socket, as errors name it.
    pub(super) fn server(&self) -> String {
        match &self.socket {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", self.host, self.port),
        }
    }
}

impl std::fmt::Debug for MysqlOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MysqlOptions")
            .field("server", &self.server())
            .field("database", &self.database)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

fn is_here(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn wrong(problem: String) -> ConnectError {
    ConnectError::ServerUrl { problem, example: EXAMPLE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_where_and_as_whom() {
        let options = MysqlOptions::new("mysql://a%40b:p%2Fw@[::1]:3307/the%20db").unwrap();
        assert_eq!((&*options.user, options.password.as_deref()), ("a@b", Some("p/w")));
        assert_eq!((&*options.host, options.port, &*options.database), ("::1", 3307, "the db"));
        assert_eq!(options.tls, TlsMode::Disabled);
        let options =
            MysqlOptions::new("mariadb://db.example.com/a?ssl-mode=VERIFY_IDENTITY&time-zone=server").unwrap();
        assert_eq!((options.tls, options.time_zone), (TlsMode::VerifyIdentity, None));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for url in
            ["mysql://u:hunter2@h", "mysql://u:hunter2@h/a/b", "mysql://u:hunter2@h/a?x=1", "mysql://u:hunter2@h:x/a"]
        {
            let said = MysqlOptions::new(url).unwrap_err().to_string();
            assert!(said.contains("mysql://<user>") && !said.contains("hunter2"), "{said}");
        }
    }
}
