//! `hallpass doctor`: what an operator would want to hear before it goes wrong.
//!
//! `checks` has one function for each thing that is looked at, `redis` those for Redis; `heard` collects what the engine itself warns of.
//! Nothing stays written, but that SQLite puts a file it opens into WAL mode, as every other command does.

mod checks;
mod heard;
mod redis;

use hallpass::{Hallpass, Secret, store::MemoryStore};
use serde::Serialize;
use tracing_subscriber::layer::SubscriberExt;

use self::heard::Heard;
use super::{Failure, builder};
use crate::{
    config::{ConfigError, Loaded, SecretOrigin, draw_secret},
    output,
};

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Hint,
    /// Likely to do harm.
    Warning,
    /// Does harm.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    level: Level,
    /// Which key, or part of the server.
    about: &'static str,
    says: String,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, level: Level, about: &'static str, says: impl Into<String>) {
        self.0.push(Finding { level, about, says: says.into() });
    }

    fn say(&self) {
        for Finding { level, about, says } in &self.0 {
            let level = match level {
                Level::Ok => "ok",
                Level::Hint => "hint",
                Level::Warning => "warning",
                Level::Error => "error",
            };
            output::data(&format!("{level:8} {about}: {}", output::harmless(says)));
        }
    }
}

/// `hallpass doctor [--json]`
pub(super) async fn run(loaded: Result<Loaded, ConfigError>, json: bool) -> Result<(), Failure> {
    let findings = match loaded {
        Ok(loaded) => examine(&loaded).await?,
        Err(error) => {
            let mut findings = Findings::default();
            // One problem a line.
            error.to_string().lines().for_each(|line| findings.add(Level::Error, "configuration", line.trim()));
            findings
        }
    };
    if json {
        output::data(&output::json(&findings.0)?);
    } else {
        findings.say();
    }
    match findings.0.iter().filter(|finding| finding.level == Level::Error).count() {
        0 => Ok(()),
        1 => Err("one thing is wrong; see above".into()),
        errors => Err(format!("{errors} things are wrong; see above").into()),
    }
}

async fn examine(loaded: &Loaded) -> Result<Findings, Failure> {
    let heard = Heard::default();
    // Nobody else has a log in this command.
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(heard.clone()))?;
    let mut findings = Findings::default();
    for warning in &loaded.warnings {
        findings.add(Level::Warning, "configuration", warning.as_str());
    }
    let config = &loaded.config;
    checks::environment(config, &mut findings);
    checks::plugins(config, &mut findings);
    match engine(loaded, &mut findings) {
        Ok((engine, origin)) => {
            findings.0.extend(heard.take("configuration"));
            checks::limits(config, &engine, &mut findings);
            checks::counters(config, &engine, &mut findings);
            // Before the database is opened: SQLite gives the files beside it the mode of its own.
            checks::files(config, origin.as_ref(), &mut findings);
            checks::database(config, &engine, &mut findings).await;
            redis::examine(config, &engine, &mut findings).await;
            findings.0.extend(heard.take("database"));
        }
        Err(error) => findings.add(Level::Error, "configuration", error.to_string()),
    }
    Ok(findings)
}

/// The engine as it is configured, with its own secret and an empty store.
fn engine(loaded: &Loaded, findings: &mut Findings) -> Result<(Hallpass, Option<SecretOrigin>), Failure> {
    super::config_check::run(loaded)?;
    let found = loaded.config.found_secrets()?;
    if found.is_none() {
        findings.add(Level::Hint, "secret", "there is none yet; `hallpass serve` makes one");
    }
    let (secrets, origin) =
        found.map_or_else(|| (Secret::new(draw_secret()).into(), None), |(secrets, origin)| (secrets, Some(origin)));
    Ok((secrets.give(builder(&loaded.config)?).store(MemoryStore::new()).build()?, origin))
}
