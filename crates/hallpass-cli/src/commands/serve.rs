use std::{io::IsTerminal, time::Duration};

use hallpass::{
    Environment, Hallpass,
    store::{Lack, Mode, Plan},
};
use hallpass_sql::{ConnectError, SqlStore};
use tokio::{net::TcpListener, time::timeout};

use super::{
    Failure, build, chain, config_check, is_missing_folder_of, open_once_up,
    session_cache::{self, explained},
};
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
    let file = SqlStore::file_of(&config.database.url).map_err(chain)?;
    if let Some(path) = file.filter(|file| is_missing_folder_of(file)) {
        // Before a secret is to be written there.
        return Err(ConnectError::Folder { path }.into());
    }
    let secrets = find_secrets(config)?;
    let auth = build(config, secrets, open_once_up(&config.database).await?)?;
    // Redis is dialled now, and not by the first request. Whether it answers is told by its connection.
    drop(auth.store().ping().await);
    // What was asked for by name is not left out in silence.
    if let (Some(true), Err(why)) = (config.session.cache.enabled, auth.session_cache()) {
        let why = explained(config, why);
        return Err(format!(
            "session.cache.enabled: there can be no session cache, because {why}; leave it out, or set session.cache.accept_stale"
        )
        .into());
    }
    let applies = config.database.migrates_at_start();
    let plan = migrate(&auth, applies).await?;
    let metrics = server::metrics::start(config, &auth).await?;
    let plan = if applies { without_what_was_done(plan) } else { plan };
    tell_of_cache(&auth, config, plan);
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
async fn migrate(auth: &Hallpass, apply: bool) -> Result<Plan, Failure> {
    let plan = auth.migrate(if apply { Mode::Apply } else { Mode::Plan }).await.map_err(chain)?;
    match plan.steps.len() {
        0 => {}
        steps if apply => tracing::info!(steps, "the database was brought up to date"),
        steps => tracing::warn!(steps, "the database lacks {}; run `hallpass migrate`", plan.missing()),
    }
    Ok(plan)
}

/// What the database still lacks after the steps were taken.
fn without_what_was_done(mut plan: Plan) -> Plan {
    plan.steps.clear();
    plan.lacks.retain(|lack| matches!(lack, Lack::Changes { permitted: false }));
    plan
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
        SecretOrigin::File(path) => {
            tracing::info!(path = %path.display(), "using the secret in this file");
            warn_of_own_secret(config);
        }
        SecretOrigin::Made(path) => {
            tracing::info!(path = %path.display(), "made a secret; whoever has this file can sign tokens");
            warn_of_own_secret(config);
        }
    }
    Ok(secrets)
}

/// Tokens of one server would be nobody's on the next.
fn warn_of_own_secret(config: &Config) {
    if !SqlStore::is_embedded(&config.database.url) {
        tracing::warn!(
            "every server at this database needs the same secret; set HALLPASS__SECRET to one for all of them"
        );
    }
}

/// Whether sessions are looked up in memory, and why not.
fn tell_of_cache(auth: &Hallpass, config: &Config, lacking: Plan) {
    // With a secondary storage it is that one which tells of changes.
    let is_alone = lacking.lacks.len() == 1;
    let silent = lacking.lacks.into_iter().find(|lack| matches!(lack, Lack::Changes { .. }));
    match auth.session_cache() {
        Ok(cache) if cache.is_coherent() => {
            let silent = silent.filter(|_| config.secondary_storage.url.is_none());
            // It finds the triggers by itself when they are there. Where tables are missing as well, that was said with them.
            if let Some(lack) = silent.as_ref().filter(|_| is_alone) {
                tracing::warn!(
                    "the session cache is off, because the database lacks {lack}; run `hallpass migrate` as a user who may, and it \
                     comes on without a restart"
                );
            }
            // Listening begins now, so that the first look-ups are kept already.
            tokio::spawn(session_cache::tell_when_on(auth.clone(), silent.is_some()));
        }
        Ok(_) => tracing::warn!(
            "the session cache is on by session.cache.accept_stale: what other nodes and programs change is seen late"
        ),
        Err(why) => tracing::info!("the session cache is off: {}", explained(config, why)),
    }
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
