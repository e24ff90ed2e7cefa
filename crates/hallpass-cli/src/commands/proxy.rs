use std::time::Duration;

use hallpass_verify::{Guard, RemoteSource, SetupError, StoreSource};
use tokio::net::TcpListener;

use super::{Failure, serve::start_log, tool};
use crate::{
    cli,
    config::Loaded,
    proxy::{Proxy, Settings, Upstream},
    server::connections,
};

/// `hallpass proxy`
pub(super) async fn run(loaded: &Loaded, arguments: cli::Proxy) -> Result<(), Failure> {
    start_log(&loaded.config)?;
    loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let upstream = Upstream::new(&arguments.upstream)?;
    let guard = match &arguments.auth_url {
        Some(url) => Guard::new(auth_server(loaded, url).map_err(|error| format!("--auth-url: {error}"))?),
        None => Guard::new(shared_store(loaded).await?),
    };
    let guard = guard.realm(&arguments.realm);
    let guard = if arguments.optional { guard.optional() } else { guard };
    let listener = TcpListener::bind(&arguments.listen)
        .await
        .map_err(|error| format!("{} cannot be listened on: {error}; give --listen a free port", arguments.listen))?;
    tracing::info!("listening on http://{}, in front of {}", listener.local_addr()?, arguments.upstream);
    if !listener.local_addr()?.ip().is_loopback() {
        tracing::warn!("tokens arrive here in the clear; put TLS in front of whatever others can reach");
    }
    let settings = Settings {
        pass_authorization: arguments.pass_authorization,
        trust_forwarded: arguments.trust_forwarded,
        recheck: Duration::from_secs(arguments.recheck.into()),
    };
    let proxy = Proxy::new(guard, upstream, settings);
    let header_timeout = Duration::from(loaded.config.server.header_timeout);
    connections::serve(listener, header_timeout, move |line, request| proxy.clone().answer(line, request)).await;
    tracing::info!("stopped");
    Ok(())
}

/// An auth server, whose endpoints are at the usual place unless its address has a path.
fn auth_server(loaded: &Loaded, url: &str) -> Result<RemoteSource, SetupError> {
    let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/').contains('/'));
    let base = if has_path { url.to_owned() } else { format!("{}/api/auth", url.trim_end_matches('/')) };
    RemoteSource::builder(&base).require_signature(loaded.config.plugins.bearer.require_signature).build()
}

/// The database that the auth server writes, with the secret it signs with.
async fn shared_store(loaded: &Loaded) -> Result<StoreSource, Failure> {
    let found = loaded.config.found_secrets()?;
    let secret = found.as_ref().and_then(|(secrets, _)| secrets.current()).ok_or(
        "there is no secret to check signatures with; set the auth server's as HALLPASS__SECRET, run this where its \
         hallpass.toml is, or name the server with --auth-url",
    )?;
    let auth = tool(loaded, false).await?;
    let source = StoreSource::shared(auth.store().clone(), secret.clone()).schema(auth.schema().clone());
    Ok(source.require_signature(loaded.config.plugins.bearer.require_signature))
}
