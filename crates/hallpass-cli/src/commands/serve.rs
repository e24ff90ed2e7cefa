use hallpass::{Environment, Hallpass, Secret, store::Mode};
use hallpass_sql::SqlStore;
use tokio::net::TcpListener;

use super::{Failure, build, chain};
use crate::{
    config::{Config, Loaded, LogFormat, SecretOrigin},
    server,
};

/// `hallpass serve`
pub(super) async fn run(loaded: Loaded) -> Result<(), Failure> {
    let config = &loaded.config;
    start_log(config)?;
    loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let secret = find_secret(config)?;
    let auth = build(config, secret).await?;
    let is_embedded = SqlStore::file_of(&config.database.url).is_ok();
    if config.database.auto_migrate.unwrap_or(is_embedded) {
        let plan = auth.migrate(Mode::Apply).await.map_err(chain)?;
        if !plan.is_empty() {
            tracing::info!(steps = plan.steps.len(), "the database was brought up to date");
        }
    }
    let address = config.listen().ok_or("server.listen is no address and port")?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("{address} cannot be listened on: {error}; set server.listen to a free port"))?;
    let metrics = server::metrics::start(config).await?;
    greet(config, &auth, listener.local_addr()?);
    server::run(listener, &auth, config).await?;
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    auth.store().close().await.map_err(chain)?;
    tracing::info!("stopped");
    Ok(())
}

fn start_log(config: &Config) -> Result<(), Failure> {
    let log = tracing_subscriber::fmt().with_env_filter(config.log_filter()?).with_writer(std::io::stderr);
    match config.log.format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

fn find_secret(config: &Config) -> Result<Secret, Failure> {
    let (secret, origin) = config.secret()?;
    match origin {
        SecretOrigin::Configured => {}
        SecretOrigin::File(path) => tracing::info!(path = %path.display(), "using the secret in this file"),
        SecretOrigin::Made(path) => {
            tracing::info!(path = %path.display(), "made a secret; whoever has this file can sign tokens");
        }
    }
    Ok(secret)
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
