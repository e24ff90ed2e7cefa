//! How often one client may call one path (CONTRACT §10).

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hallpass_store::Timestamp;

use super::glob::Glob;
use crate::options::{CustomRule, Environment, RateLimitOptions};

/// A limit: so many calls in a window that starts anew with each accepted call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The window.
    pub window: Duration,
    /// Calls in it.
    pub max: u64,
}

/// A limit for the paths a function picks; what plugins register.
pub struct RateLimitRule {
    matcher: Box<dyn Fn(&str) -> bool + Send + Sync>,
    limit: Limit,
}

impl RateLimitRule {
    /// Limits the paths (below the base path) for which `matcher` answers true.
    pub fn new(matcher: impl Fn(&str) -> bool + Send + Sync + 'static, window: Duration, max: u64) -> Self {
        Self { matcher: Box::new(matcher), limit: Limit { window, max } }
    }
}

impl fmt::Debug for RateLimitRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitRule").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Counts calls in memory.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    enabled: bool,
    general: Limit,
    plugins: Vec<RateLimitRule>,
    custom: Vec<(Pattern, CustomRule)>,
    counters: Mutex<HashMap<String, Counter>>,
}

#[derive(Debug)]
enum Pattern {
    Exact(String),
    Glob(Glob),
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    count: u64,
    last: Timestamp,
    window: Duration,
}

/// More counters than this, and those whose window is over are dropped; if that is not enough, any.
const MOST_COUNTERS: usize = 100_000;

impl RateLimiter {
    pub(crate) fn new(options: &RateLimitOptions, environment: Environment, plugins: Vec<RateLimitRule>) -> Self {
        let pattern = |path: &str| {
            let glob = if path.contains('*') { Glob::new(path) } else { None };
            glob.map_or_else(|| Pattern::Exact(path.to_owned()), Pattern::Glob)
        };
        Self {
            enabled: options.is_enabled(environment),
            general: Limit { window: options.window(), max: options.max() },
            plugins,
            custom: options.custom_rules.iter().map(|(path, rule)| (pattern(path), rule.clone())).collect(),
            counters: Mutex::default(),
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Counts a call. When it is one too many, how many seconds to wait.
    pub(crate) fn admit(&self, ip: Option<&str>, path: &str, now: Timestamp) -> Result<(), u64> {
        let Some(limit) = self.limit_for(path) else { return Ok(()) };
        let key = format!("{}|{path}", ip.unwrap_or("no-trusted-ip"));
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.len() >= MOST_COUNTERS {
            make_room(&mut counters, now);
        }
        let since = |counter: &Counter| u128::try_from(now.millis_since(counter.last)).unwrap_or(0);
        let running = counters.get(&key).filter(|counter| since(counter) < limit.window.as_millis());
        let count = match running {
            None => 1,
            Some(counter) if counter.count >= limit.max => {
                let left = limit.window.as_millis() - since(counter);
                return Err(u64::try_from(left.div_ceil(1000)).unwrap_or(u64::MAX));
            }
            Some(counter) => counter.count + 1,
        };
        counters.insert(key, Counter { count, last: now, window: limit.window });
        Ok(())
    }

    /// The limit of a path; later rules win: the general one, the built-in one, a plugin's, the operator's.
    fn limit_for(&self, path: &str) -> Option<Limit> {
        let plugin = self.plugins.iter().find(|rule| (rule.matcher)(path)).map(|rule| rule.limit);
        let limit = plugin.or_else(|| built_in(path)).unwrap_or(self.general);
        let custom = self.custom.iter().find(|(pattern, _)| match pattern {
            Pattern::Exact(exact) => exact == path,
            Pattern::Glob(glob) => glob.matches(path),
        });
        match custom.map(|(_, rule)| rule) {
            Some(CustomRule::Switch(false)) => None,
            Some(CustomRule::Limit { window, max }) => Some(Limit { window: (*window).into(), max: *max }),
            Some(CustomRule::Switch(true)) | None => Some(limit),
        }
    }
}

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
    (mails || starts(&["/forget-password"])).then_some(Limit { window: Duration::from_mins(1), max: 3 })
}

fn make_room(counters: &mut HashMap<String, Counter>, now: Timestamp) {
    counters.retain(|_, counter| counter.last + counter.window > now);
    let surplus = (counters.len() + 1).saturating_sub(MOST_COUNTERS);
    let doomed: Vec<String> = counters.keys().take(surplus).cloned().collect();
    for key in doomed {
        counters.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Span;

    fn limiter(rules: &[(&str, CustomRule)]) -> RateLimiter {
        let custom_rules = rules.iter().map(|(path, rule)| ((*path).to_owned(), rule.clone())).collect();
        let options = RateLimitOptions { custom_rules, ..RateLimitOptions::default() };
        RateLimiter::new(&options, Environment::Production, Vec::new())
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_window_slides_with_each_accepted_call() {
        let limiter = limiter(&[]);
        for time in [0, 4_000, 8_000] {
            assert_eq!(limiter.admit(Some("9.9.9.9"), "/sign-in/email", at(time)), Ok(()));
        }
        assert_eq!(limiter.admit(Some("9.9.9.9"), "/sign-in/email", at(8_001)), Err(10));
        assert_eq!(limiter.admit(Some("9.9.9.9"), "/sign-in/email", at(17_999)), Err(1));
        assert_eq!(limiter.admit(Some("9.9.9.9"), "/sign-in/email", at(18_000)), Ok(()));
    }

    #[test]
    fn clients_and_paths_are_counted_apart_and_unknown_clients_together() {
        let limiter = limiter(&[]);
        for (ip, path) in
            [(Some("1.1.1.1"), "/sign-in/email"), (Some("2.2.2.2"), "/sign-in/email"), (None, "/sign-up/email")]
        {
            (0..3).for_each(|_| assert_eq!(limiter.admit(ip, path, at(0)), Ok(())));
            assert_eq!(limiter.admit(ip, path, at(0)), Err(10));
        }
    }

    #[test]
    fn the_operators_rules_come_last() {
        let rule = |max| CustomRule::Limit { window: Span::from_secs(60), max };
        let limiter = limiter(&[
            ("/sign-in/email", CustomRule::Switch(false)),
            ("/sign-in/*", rule(1)),
            ("/ok", CustomRule::Switch(true)),
            ("/**", rule(2)),
        ]);
        assert_eq!(limiter.limit_for("/sign-in/email"), None);
        assert_eq!(limiter.limit_for("/sign-in/social").unwrap().max, 1);
        assert_eq!(limiter.limit_for("/ok").unwrap().max, 100);
        assert_eq!(limiter.limit_for("/a/b").unwrap().max, 2);
    }

    #[test]
    fn concurrent_calls_never_exceed_the_limit() {
        let limiter = limiter(&[]);
        let admitted = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    if limiter.admit(None, "/sign-in/email", at(0)).is_ok() {
                        admitted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 3);
    }

    #[test]
    fn counters_do_not_grow_without_bound() {
        let mut counters: HashMap<String, Counter> = (0..MOST_COUNTERS + 5)
            .map(|number| (number.to_string(), Counter { count: 1, last: at(0), window: Duration::from_secs(10) }))
            .collect();
        make_room(&mut counters, at(1));
        assert_eq!(counters.len(), MOST_COUNTERS - 1);
        make_room(&mut counters, at(10_000));
        assert!(counters.is_empty());
    }
}
