use std::{io::IsTerminal, time::Duration};

use hallpass::{Environment, Hallpass, store::Mode};
use hallpass_sql::SqlStore;
use tokio::{net::TcpListener, time::timeout};

use super::{Failure, build, chain, config_check};
use crate::{
    config::{Config, Loaded, LogFormat, SecretOrigin, Secrets},
    server,
};

/// How long mail on its way may take once the last request is answered.
const LAST_POST: Duration = Duration::from_secs(10);

/// `hallpass serve`
pub(super) async fn run(loaded: Loaded) -> Result<(), Failure> {
    let config = &loaded.config;
    start_log(config)?;
    loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    // What can be refused is refused before anything is written.
    config_check::run(&loaded)?;
    let address = config.listen().ok_or("server.listen is no address and port")?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("{address} cannot be listened on: {error}; set server.listen to a free port"))?;
    let auth = build(config, find_secrets(config)?).await?;
    let is_embedded = SqlStore::is_embedded(&config.database.url);
    migrate(&auth, config.database.auto_migrate.unwrap_or(is_embedded)).await?;
    let metrics = server::metrics::start(config).await?;
    greet(config, &auth, listener.local_addr()?);
    server::run(listener, &auth, config).await?;
    if timeout(LAST_POST, auth.finish_background_work()).await.is_err() {
        tracing::error!("some mail could not be sent before the end, and is lost");
    }
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    auth.store().close().await.map_err(chain)?;
    tracing::info!("stopped");
    Ok(())
}

/// Brings the database up to date, or says that it is not.
async fn migrate(auth: &Hallpass, apply: bool) -> Result<(), Failure> {
    let plan = auth.migrate(if apply { Mode::Apply } else { Mode::Plan }).await.map_err(chain)?;
    match plan.steps.len() {
        0 => {}
        steps if apply => tracing::info!(steps, "the database was brought up to date"),
        steps => tracing::warn!(steps, "the database lacks tables or columns; run `hallpass migrate`"),
    }
    Ok(())
}

pub(super) fn start_log(config: &Config) -> Result<(), Failure> {
    let log = tracing_subscriber::fmt()
        .with_env_filter(config.log_filter()?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match config.log.format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

fn find_secrets(config: &Config) -> Result<Secrets, Failure> {
    let (secrets, origin) = config.secrets()?;
    match origin {
        SecretOrigin::Configured => {}
        SecretOrigin::File(path) => tracing::info!(path = %path.display(), "using the secret in this file"),
        SecretOrigin::Made(path) => {
            tracing::info!(path = %path.display(), "made a secret; whoever has this file can sign tokens");
        }
    }
    Ok(secrets)
}

fn greet(config: &Config, auth: &Hallpass, address: std::net::SocketAddr) {
    let is_development = config.environment() == Environment::Development;
    tracing::info!(
        environment = if is_development { "development" } else { "production" },
        endpoints = format!("http://{address}{}", auth.base_path()),
        "listening on http://{address}{}",
        if is_development { "; open it in a browser to try it out" } else { "" }
    );
}
