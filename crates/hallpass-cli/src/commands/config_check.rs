use crate::{config::Loaded, output};

/// `hallpass config check`. What is wrong was told when it was loaded.
pub(super) fn run(loaded: &Loaded) {
    let config = &loaded.config;
    output::data(&format!(
        "the configuration is good: {:?}, listening on {}, database {}",
        config.environment(),
        config.server.listen,
        without_password(&config.database.url)
    ));
}

/// A database URL may hold a password, which does not print.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}"),
        None => url.to_owned(),
    }
}
