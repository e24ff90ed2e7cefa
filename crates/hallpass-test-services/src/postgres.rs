//! Postgres: how it is made, started and asked.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    Settings,
    programs::output,
    service::{Place, Service::Postgres},
};

pub(crate) fn initialise(data: &Path) -> Result<(), String> {
    let mut initdb = Postgres.command("initdb")?;
    initdb.args(["--no-sync", "--username=hallpass", "--auth=trust", "--encoding=UTF8", "--no-locale", "--pgdata"]);
    output(initdb.arg(data)).map(drop)
}

pub(crate) fn server(place: &Place, settings: &Settings) -> Result<Command, String> {
    let mut postgres = Postgres.command("postgres")?;
    postgres.arg("-D").arg(place.data()).arg("-k").arg(&place.folder);
    postgres.args(["-h", "127.0.0.1", "-p", &place.address.port().to_string()]);
    let durable = if settings.durable { "on" } else { "off" };
    // What was committed survives the death of the server either way; only the death of the machine is another matter.
    let ours = [
        ("fsync", durable),
        ("full_page_writes", durable),
        ("shared_buffers", "32MB"),
        ("max_connections", &settings.max_connections.to_string()),
        ("dynamic_shared_memory_type", "mmap"),
    ];
    for (name, value) in ours.into_iter().chain(settings.others()) {
        postgres.args(["-c", &format!("{name}={value}")]);
    }
    Ok(postgres)
}

pub(crate) fn is_ready(address: SocketAddr) -> bool {
    let asked = Postgres.command("pg_isready").and_then(|mut ask| {
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let ask = ask.args(["--quiet", "--timeout=2", "--host", &host, "--port", &port]).stdout(Stdio::null());
        ask.status().map_err(|error| error.to_string())
    });
    asked.is_ok_and(|status| status.success())
}

pub(crate) fn statement(url: &str, statement: &str) -> Result<String, String> {
    let mut psql = Postgres.command("psql")?;
    psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]);
    output(psql.args(["--command", statement, "--dbname", url]))
}
