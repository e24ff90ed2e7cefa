//! How often one client may call one path (CONTRACT §10).

use std::{fmt, sync::Arc, time::Duration};

use hallpass_store::{SecondaryStorage, StoreError, Timestamp};
use hallpass_verify::SigningKey;

use super::{counters::MemoryCounters, glob::Glob, stored_counters::StoredCounters};
use crate::options::{CustomRule, Environment, RateLimitOptions};

/// A limit: so many calls in a window that starts anew with each accepted call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The window.
    pub window: Duration,
    /// Calls in it.
    pub max: u64,
}

impl Limit {
    /// Whether a window that began anew at `last` is over.
    pub(super) fn is_over(self, last: Timestamp, now: Timestamp) -> bool {
        last + self.window <= now
    }

    /// Whole seconds until it is over.
    pub(super) fn seconds_left(self, last: Timestamp, now: Timestamp) -> u64 {
        let millis = u64::try_from((last + self.window).millis_since(now)).unwrap_or(0);
        millis.div_ceil(1000)
    }
}

/// A limit, or none at all, for the paths a function picks; what plugins register.
pub struct RateLimitRule {
    matcher: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// Where there is none, calls are not counted.
    limit: Option<Limit>,
}

impl RateLimitRule {
    /// Limits the paths (below the base path) for which `matcher` answers true.
    pub fn new(matcher: impl Fn(&str) -> bool + Send + Sync + 'static, window: Duration, max: u64) -> Self {
        Self { matcher: Box::new(matcher), limit: Some(Limit { window, max }) }
    }

    /// Lets the paths for which `matcher` answers true be called as often as anybody likes.
    pub fn none(matcher: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self { matcher: Box::new(matcher), limit: None }
    }
}

impl fmt::Debug for RateLimitRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitRule").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Knows the limits, and has calls counted.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    enabled: bool,
    general: Limit,
    plugins: Vec<RateLimitRule>,
    custom: Vec<(Pattern, CustomRule)>,
    key: SigningKey,
    counters: Counters,
}

#[derive(Debug)]
enum Pattern {
    Exact(String),
    Glob(Glob),
}

/// Where calls are counted.
enum Counters {
    Memory(MemoryCounters),
    Stored(StoredCounters),
    Secondary(Arc<dyn SecondaryStorage>),
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory(_) => "Memory",
            Self::Stored(_) => "Stored",
            Self::Secondary(_) => "Secondary",
        })
    }
}

/// Why a call is not let in.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is one too many; the client may come back after so many seconds.
    TooMany {
        /// How long to wait.
        seconds: u64,
    },
    /// It could not be counted.
    Uncounted(StoreError),
}

/// Longer paths are counted by their signature, or a stranger could fill memory and database with them.
const LONGEST_PATH: usize = 128;

impl RateLimiter {
    /// `stored` counts in the database; without it calls are counted in memory.
    pub(crate) fn new(
        options: &RateLimitOptions,
        environment: Environment,
        plugins: Vec<RateLimitRule>,
        key: SigningKey,
        stored: Option<StoredCounters>,
    ) -> Self {
        let pattern = |path: &str| {
            let glob = if path.contains('*') { Glob::new(path) } else { None };
            glob.map_or_else(|| Pattern::Exact(path.to_owned()), Pattern::Glob)
        };
        let mut limiter = Self {
            enabled: options.is_enabled(environment),
            general: Limit { window: options.window(), max: options.max() },
            plugins,
            custom: options.custom_rules.iter().map(|(path, rule)| (pattern(path), rule.clone())).collect(),
            key,
            counters: Counters::Memory(MemoryCounters::default()),
        };
        if let Some(stored) = stored {
            limiter.counters = Counters::Stored(stored.keeping_for(limiter.longest_window()));
        }
        limiter
    }

    /// Counts in a secondary storage, if there is one to count in.
    pub(crate) fn counting_in(mut self, secondary: Option<Arc<dyn SecondaryStorage>>) -> Self {
        if let Some(secondary) = secondary {
            self.counters = Counters::Secondary(secondary);
        }
        self
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// The limit of a path, if calls are limited at all.
    pub(crate) fn limit_of(&self, path: &str) -> Option<Limit> {
        if self.enabled { self.limit_for(path) } else { None }
    }

    /// Counts a call, unless it is one too many.
    pub(crate) async fn admit(&self, ip: Option<&str>, path: &str, now: Timestamp) -> Result<(), Refusal> {
        let Some(limit) = self.limit_for(path) else { return Ok(()) };
        let key = self.key(ip, path);
        let counted = match &self.counters {
            Counters::Memory(counters) => counters.count(key, limit, now),
            // What guesses are counted with must not be had out of the way by overloading it, so a call that cannot be
            // counted is not let in. (Nor could most calls be answered: the store is the one that has the users.)
            Counters::Stored(counters) => counters.count(&key, limit).await.map_err(Refusal::Uncounted)?,
            // As the npm package says it: a whole window, wherever in it the call came.
            Counters::Secondary(storage) => {
                match storage.count(&key, limit.window).await.map_err(Refusal::Uncounted)? {
                    counted if counted.count <= limit.max => Ok(()),
                    _ => Err(limit.window.as_secs()),
                }
            }
        };
        counted.map_err(|seconds| Refusal::TooMany { seconds })
    }

    fn key(&self, ip: Option<&str>, path: &str) -> String {
        let ip = ip.unwrap_or("no-trusted-ip");
        if path.len() <= LONGEST_PATH {
            return format!("{ip}|{path}");
        }
        let signed = self.key.sign(path);
        format!("{ip}|{}", signed.rsplit('.').next().unwrap_or_default())
    }

    fn longest_window(&self) -> Duration {
        let custom = self.custom.iter().filter_map(|(_, rule)| match rule {
            CustomRule::Limit { window, .. } => Some(Duration::from(*window)),
            CustomRule::Switch(_) => None,
        });
        let plugins = self.plugins.iter().filter_map(|rule| Some(rule.limit?.window));
        custom.chain(plugins).chain([self.general.window]).fold(LONGEST_BUILT_IN, Duration::max)
    }

    /// The limit of a path; later rules win: the general one, the built-in one, a plugin's, the operator's.
    fn limit_for(&self, path: &str) -> Option<Limit> {
        let plugin = self.plugins.iter().find(|rule| (rule.matcher)(path)).map(|rule| rule.limit);
        let limit = plugin.unwrap_or_else(|| Some(built_in(path).unwrap_or(self.general)));
        let custom = self.custom.iter().find(|(pattern, _)| match pattern {
            Pattern::Exact(exact) => exact == path,
            Pattern::Glob(glob) => glob.matches(path),
        });
        match custom.map(|(_, rule)| rule) {
            Some(CustomRule::Switch(false)) => None,
            Some(CustomRule::Limit { window, max }) => Some(Limit { window: (*window).into(), max: *max }),
            Some(CustomRule::Switch(true)) | None => limit,
        }
    }
}

/// The longest window of the built-in limits.
const LONGEST_BUILT_IN: Duration = Duration::from_mins(1);

/// Paths on which guessing pays.
fn built_in(path: &str) -> Option<Limit> {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    if starts(&["/sign-in", "/sign-up", "/change-password", "/change-email"]) {
        return Some(Limit { window: Duration::from_secs(10), max: 3 });
    }
    let mails = matches!(
        path,
        "/request-password-reset"
            | "/send-verification-email"
            | "/email-otp/send-verification-otp"
            | "/email-otp/request-password-reset"
    );
    (mails || starts(&["/forget-password"])).then_some(Limit { window: LONGEST_BUILT_IN, max: 3 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Span;

    fn limiter(rules: &[(&str, CustomRule)]) -> RateLimiter {
        let custom_rules = rules.iter().map(|(path, rule)| ((*path).to_owned(), rule.clone())).collect();
        let options = RateLimitOptions { custom_rules, ..RateLimitOptions::default() };
        RateLimiter::new(&options, Environment::Production, Vec::new(), SigningKey::new("key"), None)
    }

    fn rule(seconds: u64, max: u64) -> CustomRule {
        CustomRule::Limit { window: Span::from_secs(seconds), max }
    }

    #[test]
    fn the_operators_rules_come_last() {
        let limiter = limiter(&[
            ("/sign-in/email", CustomRule::Switch(false)),
            ("/sign-in/*", rule(60, 1)),
            ("/ok", CustomRule::Switch(true)),
            ("/**", rule(60, 2)),
        ]);
        assert_eq!(limiter.limit_for("/sign-in/email"), None);
        assert_eq!(limiter.limit_for("/sign-in/social").unwrap().max, 1);
        assert_eq!(limiter.limit_for("/ok").unwrap().max, 100);
        assert_eq!(limiter.limit_for("/a/b").unwrap().max, 2);
    }

    #[test]
    fn clients_and_paths_are_counted_apart_and_unknown_clients_together() {
        let limiter = limiter(&[]);
        assert_eq!(limiter.key(Some("1.1.1.1"), "/ok"), "1.1.1.1|/ok");
        assert_eq!(limiter.key(None, "/ok"), "no-trusted-ip|/ok");
    }

    #[test]
    fn long_paths_are_told_apart_without_being_kept() {
        let [one, other] = ["a", "b"].map(|end| format!("/{}{end}", "x".repeat(10_000)));
        let key = |path: &str| limiter(&[]).key(None, path);
        assert_ne!(key(&one), key(&other));
        assert_eq!(key(&one), key(&one));
        assert!(key(&one).len() < 100);
    }

    #[test]
    fn counters_are_kept_as_long_as_the_longest_window() {
        assert_eq!(limiter(&[]).longest_window(), Duration::from_mins(1));
        assert_eq!(limiter(&[("/ok", rule(90, 1)), ("/", rule(5, 1))]).longest_window(), Duration::from_secs(90));
    }
}
