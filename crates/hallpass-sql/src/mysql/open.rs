//! The first connection, and saying what is wrong when that fails.

use mysql_async::{Conn, DriverError, Error, IoError, Opts, OptsBuilder, SslOpts, prelude::Queryable};
use tokio::time::timeout;

use super::options::{MysqlOptions, TlsMode};
use crate::ConnectError;

const DATABASE: &str = "MySQL or MariaDB";

/// What is sent at most in one piece; less than any server takes by default.
const LONGEST_PACKET: usize = 16 << 20;

/// How to connect, once it has worked, and whether the server knows `RETURNING`.
pub(super) async fn open(options: &MysqlOptions) -> Result<(Opts, Conn, bool), ConnectError> {
    let mut opts = opts(options, options.tls);
    let mut connected = connect(options, &opts).await;
    if options.tls == TlsMode::Preferred && matches!(&connected, Err(Failed::Driver(error)) if has_no_tls(error)) {
        tracing::warn!(server = options.server(), "the database server has no TLS, so the connection is not encrypted");
        opts = self::opts(options, TlsMode::Disabled);
        connected = connect(options, &opts).await;
    }
    let mut conn = connected.map_err(|failed| explain(options, failed))?;
    let version: Option<String> =
        conn.query_first("SELECT VERSION()").await.map_err(|error| explain(options, Failed::Driver(error)))?;
    let returning = options.returning && version.is_some_and(|version| has_returning(&version));
    Ok((opts, conn, returning))
}

/// MariaDB has it for inserts since 10.5, MySQL has not.
fn has_returning(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version.to_ascii_lowercase().contains("mariadb") && (major, minor) >= (10, 5)
}

fn opts(options: &MysqlOptions, tls: TlsMode) -> Opts {
    // In one round trip. Errors are read by their English text.
    let zone = options.time_zone.as_deref().map(|zone| format!("time_zone='{}', ", zone.replace(['\'', '\\'], "")));
    let settings = format!(
        "SET {}sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', lc_messages='en_US', innodb_lock_wait_timeout={}; \
         SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        zone.unwrap_or_default(),
        options.statement_timeout.as_secs().max(1),
    );
    let builder = OptsBuilder::default()
        .ip_or_hostname(options.host.clone())
        .tcp_port(options.port)
        .socket(options.socket.as_ref().map(|socket| socket.to_string_lossy().into_owned()))
        .user(Some(options.user.clone()))
        .pass(options.password.clone())
        .db_name(Some(options.database.clone()))
        .prefer_socket(false)
        .tcp_nodelay(true)
        .client_found_rows(true)
        .max_allowed_packet(Some(LONGEST_PACKET))
        .wait_timeout(Some(28_800))
        .stmt_cache_size(options.statement_cache)
        .setup(vec![settings])
        .ssl_opts(tls_opts(options, tls));
    Opts::from(builder)
}

fn tls_opts(options: &MysqlOptions, mode: TlsMode) -> Option<SslOpts> {
    let tls = match (mode, options.socket.is_some()) {
        (TlsMode::Disabled, _) | (_, true) => return None,
        (TlsMode::Preferred | TlsMode::Required, _) => SslOpts::default().with_danger_accept_invalid_certs(true),
        (TlsMode::VerifyIdentity, _) => SslOpts::default(),
    };
    Some(match &options.authority {
        Some(file) => tls.with_root_certs(vec![file.clone().into()]).with_disable_built_in_roots(true),
        None => tls,
    })
}

enum Failed {
    Driver(Error),
    Late,
}

async fn connect(options: &MysqlOptions, opts: &Opts) -> Result<Conn, Failed> {
    match timeout(options.connect_timeout, Conn::new(opts.clone())).await {
        Ok(connected) => connected.map_err(Failed::Driver),
        Err(_) => Err(Failed::Late),
    }
}

fn has_no_tls(error: &Error) -> bool {
    matches!(error, Error::Driver(DriverError::NoClientSslFlagFromServer))
}

fn explain(options: &MysqlOptions, failed: Failed) -> ConnectError {
    let (database, server) = (DATABASE, options.server());
    let error = match failed {
        Failed::Late => {
            let cause = std::io::Error::from(std::io::ErrorKind::TimedOut);
            return ConnectError::Unreachable { database, server, cause: cause.into() };
        }
        Failed::Driver(error) => error,
    };
    match error {
        Error::Server(error) if matches!(error.code, 1044 | 1045 | 1698) => {
            ConnectError::Refused { database, server, user: options.user.clone(), cause: error.into() }
        }
        Error::Server(error) if error.code == 1049 => ConnectError::NoDatabase {
            name: options.database.clone(),
            server,
            command: format!("CREATE DATABASE {}", crate::dialect::mysql::quote(&options.database)),
        },
        Error::Server(error) => ConnectError::Server { database, server, problem: error.to_string() },
        Error::Io(IoError::Tls(error)) => {
            ConnectError::Tls { database, server, problem: error.to_string(), cause: None }
        }
        error if has_no_tls(&error) => {
            ConnectError::Tls { database, server, problem: "the server has no TLS".into(), cause: None }
        }
        Error::Io(error) => ConnectError::Unreachable { database, server, cause: error.into() },
        other => ConnectError::Server { database, server, problem: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_with_returning_are_known_by_their_version() {
        for version in ["10.11.19-MariaDB-0+deb12u1", "11.4.2-MariaDB", "10.5.0-mariadb-log"] {
            assert!(has_returning(version), "{version}");
        }
        for version in ["8.0.36", "8.4.0-commercial", "10.4.30-MariaDB", "", "5.7.44-log"] {
            assert!(!has_returning(version), "{version}");
        }
    }
}
