//! Redis: how it is started and asked. Its databases have numbers; what is published reaches all of them.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
    time::Duration,
};

use crate::{
    Settings,
    programs::output,
    service::{Place, Service::Redis},
};

/// How many databases a private one has.
const DATABASES: &str = "1000";

pub(crate) fn server(place: &Place, settings: &Settings) -> Result<Command, String> {
    let mut redis = Redis.command("redis-server")?;
    redis.args(["--bind", "127.0.0.1", "--port", &place.address.port().to_string(), "--databases", DATABASES]);
    redis.args(["--maxclients", &settings.max_connections.to_string()]);
    // It begins again with what it held: the file of commands is written at once, if not to the disk.
    redis.args(["--save", "", "--appendonly", "yes", "--appendfsync", if settings.durable { "always" } else { "no" }]);
    redis.arg("--dir").arg(place.data());
    for (name, value) in settings.others() {
        redis.args([&format!("--{name}"), value]);
    }
    Ok(redis)
}

pub(crate) fn is_ready(address: SocketAddr) -> bool {
    let answer = TcpStream::connect_timeout(&address, Duration::from_secs(1)).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).map(|()| answer)
    });
    // While it reads its files it says -LOADING.
    answer.is_ok_and(|answer| &answer == b"+PONG")
}

pub(crate) fn statement(url: &str, statement: &str) -> Result<String, String> {
    let mut cli = Redis.command("redis-cli")?;
    output(cli.args(["-e", "-u", url]).args(statement.split_whitespace()))
}

pub(crate) fn database(url: &str, number: usize) -> Result<String, String> {
    let mut chosen = url::Url::parse(url).map_err(|error| error.to_string())?;
    chosen.set_path(&number.to_string());
    statement(chosen.as_str(), "FLUSHDB")?;
    Ok(chosen.into())
}
