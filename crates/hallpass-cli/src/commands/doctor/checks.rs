//! What is looked at, one function for each.

use std::sync::Arc;

use hallpass::{
    Clock, Environment, Hallpass, SystemClock,
    cache::{CachedStore, WhyOff},
    options::{BaseUrl, RateLimitStorage},
    store::{Lack, Mode, Plan, Store},
};
use hallpass_sql::SqlStore;
use url::{Host, Url};

use super::{
    Findings,
    Level::{self, Error, Hint, Warning},
};
use crate::{
    commands::{
        chain,
        config_check::without_password,
        is_missing_folder_of, open, rehearsal,
        session_cache::{PATIENCE, explained, is_proven},
    },
    config::{Config, SecretOrigin},
};

fn is_production(config: &Config) -> bool {
    config.environment() == Environment::Production
}

/// Who can reach the server, and what it believes to be reached at.
pub(super) fn environment(config: &Config, findings: &mut Findings) {
    if !is_production(config) && !config.listens_on_loopback() {
        let says = "other machines can reach this server, and development has no rate limits and a page on which anybody \
                    can try everything; set environment = \"production\" unless that is wanted";
        findings.add(Warning, "environment", says);
    }
    match config.base_url.as_ref().filter(|url| !matches!(url, BaseUrl::Url(url) if url.is_empty())) {
        _ if !is_production(config) => {}
        None => findings.add(
            Warning,
            "base_url",
            "it is not set, so that each request's own Host header is taken for it; set it to what clients reach this \
             server at, such as https://api.example.com",
        ),
        Some(BaseUrl::Url(url)) if is_plain(url) => findings.add(
            Warning,
            "base_url",
            "it begins with http://, so that tokens and passwords travel in the clear and cookies are not `Secure`; put \
             TLS in front, and say https:// here",
        ),
        Some(_) => findings.add(Level::Ok, "base_url", "what clients reach this server at is known"),
    }
}

/// Whether a URL leads over a network without TLS.
fn is_plain(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !is_here
}

/// No endpoint is there, so its limit is what every path has that nobody has thought of.
const ANY_PATH: &str = "/-";

/// Whom the rate limiter counts, and what it must not count.
pub(super) fn limits(config: &Config, engine: &Hallpass, findings: &mut Findings) {
    let Some(usual) = engine.rate_limit_of(ANY_PATH) else {
        if is_production(config) {
            findings.add(
                Warning,
                "rate_limit",
                "nothing limits how often passwords are guessed; leave rate_limit.enabled out",
            );
        }
        return;
    };
    let addresses = &config.advanced.ip_address;
    let names_a_proxy = addresses.ip_address_headers.as_ref().is_some_and(|headers| !headers.is_empty())
        || !addresses.trusted_proxies.is_empty();
    if addresses.disable_ip_tracking {
        let says = "clients have no addresses with disable_ip_tracking, so the rate limiter counts nobody";
        findings.add(Warning, "advanced.ip_address", says);
    } else if !addresses.peer_address && !names_a_proxy {
        findings.add(
            Warning,
            "advanced.ip_address",
            "nothing says where a client's address is found. Without a proxy that sets x-forwarded-for to one address all \
             clients share one count of the rate limiter, and a client that is not behind the proxy chooses its own. Set \
             peer_address = true where clients connect directly, trusted_proxies or ip_address_headers where a proxy does",
        );
    } else {
        findings.add(Level::Ok, "advanced.ip_address", "clients are told apart by their addresses");
    }
    if engine.rate_limit_of("/get-session") == Some(usual) {
        findings.add(
            Hint,
            "rate_limit.custom_rules",
            format!(
                "services that ask /get-session who their callers are share one count of {} calls in {} s, that of their own \
                 address; if you have any, give it a rule: [rate_limit.custom_rules] \"/get-session\" = false, or a higher max",
                usual.max,
                usual.window.as_secs()
            ),
        );
    }
    let bearer = &config.plugins.bearer;
    if bearer.enabled && bearer.verify_endpoint && engine.rate_limit_of("/bearer/verify").is_some() {
        findings.add(
            Warning,
            "rate_limit.custom_rules",
            "a rule limits /bearer/verify, by which every request passes that a gateway lets through, all of them from the \
             gateway's address; add \"/bearer/verify\" = false before it",
        );
    }
}

/// Where calls are counted, for those who run several servers.
pub(super) fn counters(config: &Config, engine: &Hallpass, findings: &mut Findings) {
    let is_limited = engine.rate_limit_of(ANY_PATH).is_some();
    let is_counted_here = match config.rate_limit.storage {
        None => config.secondary_storage.url.is_none(),
        Some(storage) => storage == RateLimitStorage::Memory,
    };
    if is_production(config) && is_limited && is_counted_here && !SqlStore::is_embedded(&config.database.url) {
        findings.add(
            Hint,
            "rate_limit.storage",
            "each server counts for itself, so that several at this database allow several times as much; if there are, set it to \
             \"database\"",
        );
    }
}

/// Whether the database is there and has what the engine needs.
pub(super) async fn database(config: &Config, engine: &Hallpass, findings: &mut Findings) {
    let url = &config.database.url;
    match SqlStore::file_of(url) {
        Ok(Some(file)) if is_missing_folder_of(&file) => {
            let says = format!("the folder of {} does not exist; make it, or name another file", without_password(url));
            return findings.add(Error, "database.url", says);
        }
        Ok(Some(file)) if !file.exists() => {
            let says = format!(
                "there is none yet at {}; `hallpass serve` or `hallpass migrate` makes it",
                without_password(url)
            );
            return findings.add(Hint, "database", says);
        }
        Ok(None) if SqlStore::is_embedded(url) => {
            return findings.add(Warning, "database", "it is in memory, and gone when the server stops");
        }
        Ok(_) | Err(_) => {}
    }
    let store = match open(&config.database).await {
        Ok(store) => store,
        Err(error) => return findings.add(Error, "database", error.to_string()),
    };
    let store = Arc::new(store);
    let mut silent = None;
    match store.migrate(&rehearsal::in_database(config, engine), Mode::Plan).await {
        Ok(plan) => {
            what_it_lacks(config, &plan, findings);
            if plan.can_wait()
                && let Err(error) = rehearsal::database(&*store, &rehearsal::in_database(config, engine)).await
            {
                findings.add(
                    Error,
                    "database",
                    format!("it does not take what is written when people sign in: {}", chain(error)),
                );
            }
            silent = plan.lacks.into_iter().find(|lack| matches!(lack, Lack::Changes { .. }));
        }
        Err(error) => findings.add(Error, "database", chain(error).to_string()),
    }
    // With a secondary storage it is that one which tells of sessions.
    let could_tell = config.secondary_storage.url.is_none() && store.changes().is_some();
    match silent.filter(|_| could_tell && config.session.cache.enabled != Some(false)) {
        None => session_cache(config, engine, &store, findings).await,
        Some(Lack::Changes { permitted: true }) if config.database.migrates_at_start() => {
            findings.add(Hint, "session.cache", "it is on when `hallpass serve` has made the triggers that it needs");
        }
        Some(lack) => {
            let says = format!("it is off: the database lacks {lack}; run `hallpass migrate` as a user who may");
            findings.add(Warning, "session.cache", says);
        }
    }
    if let Err(error) = store.close().await {
        findings.add(Warning, "database", chain(error).to_string());
    }
}

fn what_it_lacks(config: &Config, plan: &Plan, findings: &mut Findings) {
    let missing = plan.missing();
    if plan.lacks.iter().all(|lack| matches!(lack, Lack::Changes { .. })) {
        findings.add(Level::Ok, "database", "it has the tables and columns that this needs");
    } else if config.database.migrates_at_start() {
        let says = format!(
            "it lacks {missing}, which `hallpass serve` adds at its start; `hallpass migrate --plan` shows how"
        );
        findings.add(Warning, "database", says);
    } else if plan.can_wait() {
        findings.add(Warning, "database", format!("it lacks {missing}; run `hallpass migrate`"));
    } else {
        findings.add(Error, "database", format!("it lacks {missing}, which this needs; run `hallpass migrate`"));
    }
}

/// Whether session look-ups will be answered from memory: it is tried.
async fn session_cache(config: &Config, engine: &Hallpass, store: &Arc<SqlStore>, findings: &mut Findings) {
    let options = &config.session.cache;
    let schema = engine.schema();
    // The engine's own database is in memory here, so it has a cache of its own only with a secondary storage.
    let own;
    let cache = match &config.secondary_storage.url {
        _ if options.enabled == Some(false) => Err(WhyOff::Disabled),
        Some(_) => engine.session_cache(),
        None => {
            own = CachedStore::new(Arc::clone(store) as _, schema, &options.into(), || SystemClock.now());
            own.as_deref().map_err(|why| *why)
        }
    };
    let (level, says) = match cache {
        Ok(cache) if !cache.is_coherent() => {
            (Warning, "it is on by accept_stale: what other nodes and programs change is seen late".into())
        }
        Ok(cache) if is_proven(cache, schema, PATIENCE).await => (Level::Ok, "it is on: changes are heard of".into()),
        // A secondary storage that is away is told as what it is.
        Ok(_) if engine.store().ping().await.is_err() => return,
        Ok(_) => {
            let way = if config.database.listen_url().is_some() { " over database.listen_url" } else { "" };
            let says = format!("it is off as long as changes are not heard of, and none was{way} when that was tried");
            (Warning, says)
        }
        Err(WhyOff::Disabled) => (Hint, "it is switched off: every look-up asks the database".into()),
        Err(why) if options.enabled == Some(true) => {
            let why = explained(config, why);
            (Error, format!("it is asked for, but {why}; else leave session.cache.enabled out"))
        }
        Err(why @ WhyOff::StoreCannotTell) => {
            let is_meant = config.secondary_storage.url.is_none() && !config.database.is_deaf();
            (if is_meant { Level::Ok } else { Warning }, format!("it is off: {}", explained(config, why)))
        }
        Err(why) => (Hint, format!("it is off: {}", explained(config, why))),
    };
    findings.add(level, "session.cache", says);
}

/// Plugins that do not do what was meant, or show what was not.
pub(super) fn plugins(config: &Config, findings: &mut Findings) {
    let bearer = &config.plugins.bearer;
    if bearer.verify_endpoint && !bearer.enabled {
        let says = "it is on and does nothing, since plugins.bearer.enabled is false";
        findings.add(Warning, "plugins.bearer.verify_endpoint", says);
    }
    let is_disabled = config.disabled_paths.iter().any(|path| path == "/bearer/verify");
    if bearer.verify_endpoint && is_disabled {
        let says = "it is on, and disabled_paths has it: gateways get 404, and let nobody pass";
        findings.add(Warning, "plugins.bearer.verify_endpoint", says);
    }
    if is_production(config) && config.plugins.open_api.as_ref().is_some_and(|section| section.enabled) {
        let says = "everybody can read which endpoints there are; leave the section out where that is not wanted";
        findings.add(Hint, "plugins.open_api", says);
    }
}

/// Who on this machine can read what is nobody's business. What the operator wrote themselves is theirs to look after.
pub(super) fn files(config: &Config, origin: Option<&SecretOrigin>, findings: &mut Findings) {
    if let Some(SecretOrigin::File(path)) = origin {
        match others_may(path) {
            None => findings.add(Level::Ok, "secret", "its file is for its owner's eyes only"),
            Some(mode) => {
                let says = format!(
                    "others on this machine can get at {} (mode {mode:o}), and whoever reads it can sign tokens: chmod 600",
                    path.display()
                );
                findings.add(Error, "secret", says);
            }
        }
    }
    let Ok(Some(database)) = SqlStore::file_of(&config.database.url) else { return };
    if !database.exists() {
        return;
    }
    let beside = ["", "-wal", "-shm"].map(|end| {
        let mut path = database.clone().into_os_string();
        path.push(end);
        std::path::PathBuf::from(path)
    });
    match beside.iter().find_map(|path| Some((path, others_may(path)?))) {
        None => findings.add(Level::Ok, "database", "its files are for their owner's eyes only"),
        Some((path, mode)) => {
            let says = format!(
                "others on this machine can get at {} (mode {mode:o}), which has sessions and password hashes in it: chmod 600",
                path.display()
            );
            findings.add(Warning, "database", says);
        }
    }
}

/// The mode of a file that others than its owner may read or write.
#[cfg(unix)]
fn others_may(path: &std::path::Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o066 != 0).then_some(mode)
}

/// Other systems have rights of another kind.
#[cfg(not(unix))]
fn others_may(_: &std::path::Path) -> Option<u32> {
    None
}
