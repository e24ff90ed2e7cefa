//! MariaDB: how it is made, started and asked.

use std::{
    io::Read,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use crate::{
    Settings,
    programs::output,
    service::{Place, Service::MariaDb},
};

/// A small log, because it is written out in full when a server is made.
const LOG_SIZE: &str = "--innodb-log-file-size=8M";

pub(crate) fn initialise(data: &Path) -> Result<(), String> {
    let mut install = MariaDb.command("mariadb-install-db")?;
    install.args([
        "--no-defaults",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--skip-name-resolve",
    ]);
    install.args([LOG_SIZE, "--innodb-flush-method=nosync"]);
    output(install.arg(format!("--datadir={}", data.display()))).map(drop)
}

pub(crate) fn server(place: &Place, settings: &Settings) -> Result<Command, String> {
    let mut mariadbd = MariaDb.command("mariadbd")?;
    mariadbd.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", LOG_SIZE]);
    mariadbd.args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"]);
    // What was committed survives the death of the server either way; only the death of the machine is another matter.
    mariadbd.args(if settings.durable {
        ["--innodb-flush-log-at-trx-commit=1", "--innodb-flush-method=fsync"]
    } else {
        ["--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync"]
    });
    mariadbd.args([
        "--innodb-buffer-pool-size=32M".to_owned(),
        format!("--max-connections={}", settings.max_connections),
        format!("--port={}", place.address.port()),
        format!("--datadir={}", place.data().display()),
        format!("--tmpdir={}", place.folder.display()),
        format!("--socket={}", place.folder.join("socket").display()),
        format!("--pid-file={}", place.folder.join("mariadbd.pid").display()),
    ]);
    mariadbd.args(settings.others().map(|(name, value)| format!("--{name}={value}")));
    Ok(mariadbd)
}

/// It says hello with the version of its protocol, or with 255 if it has to refuse.
pub(crate) fn is_ready(address: SocketAddr) -> bool {
    let hello = TcpStream::connect_timeout(&address, Duration::from_secs(1)).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).map(|()| hello)
    });
    matches!(hello, Ok([.., 10]))
}

pub(crate) fn statement(url: &str, statement: &str) -> Result<String, String> {
    let url = url::Url::parse(url).map_err(|error| error.to_string())?;
    let mut mariadb = MariaDb.command("mariadb")?;
    mariadb.args(["--no-defaults", "--batch", "--skip-column-names", "--protocol=tcp"]);
    mariadb.args(["--host", url.host_str().unwrap_or("127.0.0.1"), "--port", &url.port().unwrap_or(3306).to_string()]);
    mariadb.args(["--user", if url.username().is_empty() { "root" } else { url.username() }]);
    mariadb.args(["--execute", statement]);
    if let Some(password) = url.password() {
        mariadb.env("MYSQL_PWD", password);
    }
    let database = url.path().trim_start_matches('/');
    if !database.is_empty() {
        mariadb.args(["--database", database]);
    }
    output(&mut mariadb)
}
