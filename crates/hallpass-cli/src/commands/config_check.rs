use std::net::SocketAddr;

use hallpass::store::MemoryStore;
use hallpass_sql::SqlStore;

use super::{Failure, builder, chain};
use crate::{
    config::{Loaded, draw_secret},
    output,
};

/// `hallpass config check`. What is wrong with single keys was told when it was loaded; this asks those who are to use them.
pub(super) fn run(loaded: &Loaded) -> Result<(), Failure> {
    let config = &loaded.config;
    SqlStore::file_of(&config.database.url).map_err(|error| format!("database.url: {}", chain(error)))?;
    if let Some(address) = config.server.metrics_listen.as_deref().filter(|it| it.parse::<SocketAddr>().is_err()) {
        return Err(format!("server.metrics_listen: `{address}` is no address and port such as 127.0.0.1:9100").into());
    }
    config.log_filter()?;
    builder(config).secret(draw_secret()).store(MemoryStore::new()).build()?;
    output::data(&format!(
        "the configuration is good: {:?}, listening on {}, database {}",
        config.environment(),
        config.server.listen,
        without_password(&config.database.url)
    ));
    Ok(())
}

/// A database URL may hold a password, which does not print.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}"),
        None => url.to_owned(),
    }
}
