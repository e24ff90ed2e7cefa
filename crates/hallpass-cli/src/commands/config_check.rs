use std::net::SocketAddr;

use hallpass::{Environment, Secret, store::MemoryStore};
use hallpass_sql::SqlStore;

use super::{Failure, builder, chain, mysql, postgres};
use crate::{
    config::{Loaded, draw_secret},
    output,
};

/// `hallpass config check`
pub(super) fn announce(loaded: &Loaded) -> Result<(), Failure> {
    run(loaded)?;
    let config = &loaded.config;
    let environment = if config.environment() == Environment::Production { "production" } else { "development" };
    output::data(&format!(
        "the configuration is good: {environment}, listening on {}, database {}",
        config.server.listen,
        without_password(&config.database.url)
    ));
    Ok(())
}

/// What is wrong with single keys was told when the configuration was loaded; this asks those who are to use them.
pub(super) fn run(loaded: &Loaded) -> Result<(), Failure> {
    let config = &loaded.config;
    let database = &config.database;
    SqlStore::file_of(&database.url).map_err(|error| format!("database.url: {}", chain(error)))?;
    if database.is_postgres() {
        drop(postgres(database)?);
    } else if database.is_mysql() {
        drop(mysql(database)?);
    }
    if let Some(address) = config.server.metrics_listen.as_deref().filter(|it| it.parse::<SocketAddr>().is_err()) {
        return Err(format!("server.metrics_listen: `{address}` is no address and port such as 127.0.0.1:9100").into());
    }
    config.log_filter()?;
    let secrets = config.configured_secrets().unwrap_or_else(|| Secret::new(draw_secret()).into());
    secrets.give(builder(config)?).store(MemoryStore::new()).build()?;
    Ok(())
}

/// A database URL may hold a password, which does not print.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    // What comes after the host may hold one as well: `?password=`.
    let shown = |host: &str| host.split(['?', '&']).next().unwrap_or_default().to_owned();
    match rest.rsplit_once('@') {
        // The `@` is one of the password's own.
        Some((before, _)) if before.contains("password=") => format!("{scheme}://…"),
        Some((_, host)) => format!("{scheme}://…@{}", shown(host)),
        None => format!("{scheme}://{}", shown(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_url_shows_a_password() {
        for (url, shown) in [
            ("sqlite://a.db", "sqlite://a.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("postgres://u:hush@h:5432/d?sslmode=require", "postgres://…@h:5432/d"),
            ("postgres://u:hu?sh@h/d", "postgres://…@h/d"),
            ("postgres://h/d?user=u&password=hush", "postgres://h/d"),
            ("postgres://h/d?user=u@x&password=hush", "postgres://…@x"),
            ("postgres://h/d?password=hu@sh", "postgres://…"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
