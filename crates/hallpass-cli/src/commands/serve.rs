use hallpass::{Environment, Hallpass, store::Mode};
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
    announce_secret(config)?;

    let auth = build(&loaded).await?;
    let is_embedded = config.database.url.starts_with("sqlite:");
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
    let filter = config.log.filter.as_deref().unwrap_or("info");
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .map_err(|error| format!("log.filter: `{filter}` cannot be understood: {error}"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log.format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

fn announce_secret(config: &Config) -> Result<(), Failure> {
    match config.secret()?.1 {
        SecretOrigin::Configured => {}
        SecretOrigin::File(path) => tracing::info!(path = %path.display(), "using the secret in this file"),
        SecretOrigin::Made(path) => {
            tracing::info!(path = %path.display(), "made a secret; whoever has this file can sign tokens");
        }
    }
    Ok(())
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
