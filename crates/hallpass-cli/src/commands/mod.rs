//! One file a command.

mod client;
mod config_check;
mod doctor;
mod migrate;
mod proxy;
pub(crate) mod rehearsal;
mod secret;
mod serve;
mod session;
mod session_cache;
mod user;

use std::{
    fs,
    path::{self, Path},
    time::{Duration, Instant},
};

use hallpass::{
    Bearer, Builder, Hallpass, OpenApi, Secret, SystemClock,
    oauth::{GenericOAuth, ReqwestClient},
    store::{Filter, Mode, Query, Record, User},
};
use hallpass_mail::{FileMailer, SetupError, SmtpMailer, WebhookMailer};
use hallpass_redis::RedisStorage;
use hallpass_sql::{ConnectError, MysqlOptions, PostgresOptions, SqlStore};
use tokio::time::sleep;

use crate::{
    cli::{Cli, Command, ConfigCommand},
    config::{self, Carrier, Config, DatabaseSection, Loaded, OpenApiSection, Secrets},
    output,
};

/// What a command fails with: a sentence for the person at the terminal.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The exit status for it.
pub(crate) fn exit_code(failure: &Failure) -> u8 {
    failure.downcast_ref().map_or(1, client::Ended::exit_code)
}

pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Client(command) => client::run(command).await,
        Command::Doctor(arguments) => doctor::run(config::load(cli.config.as_deref(), None), arguments.json).await,
        Command::Secret => {
            secret::run();
            Ok(())
        }
        command => run_configured(cli.config.as_deref(), command).await,
    }
}

/// The commands that are about the server which a configuration describes.
async fn run_configured(file: Option<&Path>, command: Command) -> Result<(), Failure> {
    if let Command::Doctor(arguments) = &command {
        return doctor::run(config::load(file, None), arguments.json).await;
    }
    let listen = match &command {
        Command::Serve(arguments) => arguments.listen.as_deref(),
        _ => None,
    };
    let loaded = config::load(file, listen)?;
    match command {
        Command::Serve(_) => return serve::run(loaded).await,
        Command::Proxy(arguments) => return proxy::run(&loaded, arguments).await,
        _ => {}
    }
    // The server has a log; tools say what there is to say where they are used.
    let warnings = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr);
    warnings.without_time().with_target(false).with_ansi(false).init();
    for warning in &loaded.warnings {
        output::say(&format!("warning: {warning}"));
    }
    match command {
        Command::Config(ConfigCommand::Check) => config_check::announce(&loaded)?,
        Command::Migrate(arguments) => {
            let mut loaded = loaded;
            if arguments.plan && is_still_to_be_made(&loaded.config.database)? {
                // The plan for a file that is not there is that for an empty database, and makes none.
                loaded.config.database.url = IN_MEMORY.into();
            }
            migrate::run(&tool(&loaded, true).await?, arguments.plan).await?;
        }
        Command::User(command) => user::run(&tool(&loaded, false).await?, command).await?,
        Command::Session(command) => session::run(&tool(&loaded, false).await?, command).await?,
        Command::Serve(_) | Command::Proxy(_) | Command::Secret | Command::Doctor(_) | Command::Client(_) => {}
    }
    Ok(())
}

/// Whether there is no folder for this file.
pub(crate) fn is_missing_folder_of(file: &Path) -> bool {
    let file = path::absolute(file).unwrap_or_default();
    file.parent().is_some_and(|folder| matches!(fs::exists(folder), Ok(false)))
}

/// The database that a configuration names.
pub(crate) async fn open(database: &DatabaseSection) -> Result<SqlStore, Failure> {
    dial(database).await?.map_err(chain)
}

/// One attempt to reach it. What fails around that is the configuration.
async fn dial(database: &DatabaseSection) -> Result<Result<SqlStore, ConnectError>, Failure> {
    Ok(if database.is_postgres() {
        Box::pin(SqlStore::postgres(postgres(database)?)).await
    } else if database.is_mysql() {
        Box::pin(SqlStore::mysql(mysql(database)?)).await
    } else {
        Box::pin(SqlStore::connect(&database.url)).await
    })
}

/// How long [`open_once_up`] waits.
const BOOT: Duration = Duration::from_secs(30);

/// The same for a server, which is often started together with its database and is the faster one.
async fn open_once_up(database: &DatabaseSection) -> Result<SqlStore, Failure> {
    let (begun, mut pause) = (Instant::now(), Duration::from_millis(250));
    let mut told = false;
    loop {
        match dial(database).await? {
            Err(away @ ConnectError::Unreachable { .. }) if begun.elapsed() < BOOT => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(reason = chain(away), "waiting for the database, half a minute at most");
                }
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            opened => return opened.map_err(chain),
        }
    }
}

fn of_url(error: ConnectError) -> Failure {
    format!("database.url: {}", chain(error)).into()
}

fn postgres(database: &DatabaseSection) -> Result<PostgresOptions, Failure> {
    let mut options = PostgresOptions::new(&database.url).map_err(of_url)?.statement_cache(database.statement_cache);
    if let Some(url) = database.listen_url() {
        options = options.listen_url(url).map_err(|error| format!("database.listen_url: {}", chain(error)))?;
    }
    if let Some(most) = database.max_connections {
        options = options.connections(most);
    }
    if let Some(limit) = database.connect_timeout {
        options = options.connect_timeout(limit.into());
    }
    if let Some(limit) = database.wait_timeout {
        options = options.wait_timeout(limit.into());
    }
    if let Some(limit) = database.statement_timeout {
        options = options.read_timeout(limit.into()).write_timeout(limit.into());
    }
    Ok(options)
}

fn mysql(database: &DatabaseSection) -> Result<MysqlOptions, Failure> {
    let mut options = MysqlOptions::new(&database.url).map_err(of_url)?;
    if !database.statement_cache {
        options = options.statement_cache(0);
    }
    if let Some(most) = database.max_connections {
        options = options.max_connections(most);
    }
    if let Some(limit) = database.connect_timeout {
        options = options.connect_timeout(limit.into());
    }
    if let Some(limit) = database.wait_timeout {
        options = options.wait_timeout(limit.into());
    }
    if let Some(limit) = database.statement_timeout {
        options = options.statement_timeout(limit.into());
    }
    Ok(options)
}

/// The engine that a configuration describes, on its database.
pub(crate) fn build(config: &Config, secrets: Secrets, store: SqlStore) -> Result<Hallpass, Failure> {
    Ok(secrets.give(builder(config)?).store(store).build()?)
}

/// A SQLite database that is nowhere else.
const IN_MEMORY: &str = "sqlite::memory:";

/// Whether it is a file that is not there yet.
fn is_still_to_be_made(database: &DatabaseSection) -> Result<bool, Failure> {
    Ok(SqlStore::file_of(&database.url).map_err(chain)?.is_some_and(|file| !file.exists()))
}

/// The engine for a tool. It signs nothing, so it needs no secret and makes none; and it makes no database by the way.
async fn tool(loaded: &Loaded, may_create: bool) -> Result<Hallpass, Failure> {
    let url = &loaded.config.database.url;
    if !may_create && is_still_to_be_made(&loaded.config.database)? {
        return Err(
            format!("there is no database at {url}; say where it is with --config or HALLPASS__DATABASE__URL").into()
        );
    }
    let store = open(&loaded.config.database).await?;
    let auth = build(&loaded.config, Secret::new(config::draw_secret()).into(), store)?;
    if !may_create {
        let plan = auth.migrate(Mode::Plan).await.map_err(chain)?;
        if !plan.can_wait() {
            return Err(format!("the database lacks {}; run `hallpass migrate`", plan.missing()).into());
        }
    }
    Ok(auth)
}

/// Everything a configuration says of the engine but its secret and its store.
pub(crate) fn builder(config: &Config) -> Result<Builder, Failure> {
    let mut builder = Hallpass::builder()
        .environment(config.environment())
        .trusted_origins(&config.trusted_origins)
        .disabled_paths(&config.disabled_paths)
        .email_and_password(config.email_and_password.clone())
        .email_verification(config.email_verification.clone())
        .verification(config.verification.clone())
        .session(config.session.clone())
        .user(config.user.clone())
        .account(config.account.clone())
        .rate_limit(config.rate_limit.clone())
        .advanced(config.advanced.clone())
        .body_limit(config.server.body_limit);
    if let Some(url) = &config.base_url {
        builder = builder.base_url(url.clone());
    }
    if let Some(path) = &config.base_path {
        builder = builder.base_path(path);
    }
    if let Some(url) = &config.on_api_error.error_url {
        builder = builder.error_url(url);
    }
    if let Some(url) = &config.secondary_storage.url {
        let storage = RedisStorage::connect_with_prefix(url, &config.secondary_storage.key_prefix)
            .map_err(|error| format!("secondary_storage.url: {error}"))?;
        builder = builder.secondary_storage(storage);
    }
    let bearer = &config.plugins.bearer;
    if bearer.enabled {
        let plugin = Bearer::new().require_signature(bearer.require_signature).verify_endpoint(bearer.verify_endpoint);
        builder = builder.plugin(plugin);
    }
    if let Some(section) = config.plugins.open_api.as_ref().filter(|section| section.enabled) {
        builder = builder.plugin(open_api(section));
    }
    with_mailer(with_providers(builder, config)?, config)
}

fn with_providers(builder: Builder, config: &Config) -> Result<Builder, Failure> {
    let providers = &config.plugins.generic_oauth.config;
    if providers.is_empty() {
        return Ok(builder);
    }
    Ok(builder.http_client(ReqwestClient::new().map_err(chain)?).plugin(GenericOAuth::new(providers.iter().cloned())))
}

fn with_mailer(builder: Builder, config: &Config) -> Result<Builder, Failure> {
    let wrong = |error: SetupError| format!("mail: {error}");
    let carrier = config.mail_carrier()?;
    if config.base_url.is_none() && matches!(carrier, Carrier::Smtp { .. } | Carrier::Webhook { .. }) {
        // Also in development: such mail reaches people, and a stranger's Host header must not say where its links lead.
        return Err(
            "base_url is required where mail is sent to people; set it to what clients reach this server at".into()
        );
    }
    Ok(match carrier {
        Carrier::Nobody => builder,
        Carrier::File(path) => builder.mailer(FileMailer::new(path)),
        Carrier::Smtp { url, from } => builder.mailer(SmtpMailer::new(url, from, SystemClock).map_err(wrong)?),
        Carrier::Webhook { url, secret } => {
            builder.mailer(WebhookMailer::new(url, secret, SystemClock).map_err(wrong)?)
        }
    })
}

fn open_api(section: &OpenApiSection) -> OpenApi {
    // Paths of endpoints live as long as the program; this one is read once.
    let plugin = OpenApi::new().path(String::leak(section.path.clone()));
    if section.disable_default_reference { plugin.disable_default_reference() } else { plugin }
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
