//! One file a command.

mod config_check;
mod migrate;
mod secret;
mod serve;
mod session;
mod user;

use hallpass::{
    Bearer, Hallpass,
    store::{Filter, Query, Record, User},
};
use hallpass_sql::SqlStore;

use crate::{
    cli::{Cli, Command, ConfigCommand},
    config::{self, Loaded},
    output,
};

/// What a command fails with: a sentence for the person at the terminal.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    if matches!(cli.command, Command::Secret) {
        secret::run();
        return Ok(());
    }
    let mut loaded = config::load(cli.config.as_deref())?;
    if let Command::Serve(arguments) = cli.command {
        if let Some(listen) = arguments.listen {
            loaded.config.server.listen = listen;
        }
        return serve::run(loaded).await;
    }
    // The server has a log for this; tools say it where they are used.
    for warning in &loaded.warnings {
        output::say(&format!("warning: {warning}"));
    }
    match cli.command {
        Command::Config(ConfigCommand::Check) => config_check::run(&loaded),
        Command::Migrate(arguments) => migrate::run(&build(&loaded).await?, arguments.plan).await?,
        Command::User(command) => user::run(&build(&loaded).await?, command).await?,
        Command::Session(command) => session::run(&build(&loaded).await?, command).await?,
        Command::Serve(_) | Command::Secret => {}
    }
    Ok(())
}

/// The engine that a configuration describes.
pub(crate) async fn build(loaded: &Loaded) -> Result<Hallpass, Failure> {
    let config = &loaded.config;
    let (secret, _) = config.secret()?;
    let store = SqlStore::connect(&config.database.url).await.map_err(chain)?;
    let mut builder = Hallpass::builder()
        .environment(config.environment())
        .secret(secret)
        .store(store)
        .trusted_origins(&config.trusted_origins)
        .disabled_paths(&config.disabled_paths)
        .email_and_password(config.email_and_password.clone())
        .session(config.session.clone())
        .user(config.user.clone())
        .rate_limit(config.rate_limit.clone())
        .advanced(config.advanced.clone())
        .body_limit(config.server.body_limit);
    if let Some(url) = &config.base_url {
        builder = builder.base_url(url);
    }
    if let Some(path) = &config.base_path {
        builder = builder.base_path(path);
    }
    if let Some(url) = &config.on_api_error.error_url {
        builder = builder.error_url(url);
    }
    if config.plugins.bearer.enabled {
        builder = builder.plugin(Bearer::new().require_signature(config.plugins.bearer.require_signature));
    }
    Ok(builder.build()?)
}

/// An error with everything underneath it in one line.
pub(crate) fn chain(error: impl std::error::Error) -> Failure {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text.into()
}

/// The user an id or an e-mail address names.
async fn find_user(auth: &Hallpass, named: &str) -> Result<User, Failure> {
    let filter = if named.contains('@') { Filter::eq("email", named.to_lowercase()) } else { Filter::eq("id", named) };
    let rows = auth.store().find(auth.schema(), Query::table(User::TABLE).filter(filter)).await.map_err(chain)?;
    let row = rows.into_iter().next().ok_or_else(|| format!("there is no user `{named}`"))?;
    User::from_row(row).map_err(chain)
}
