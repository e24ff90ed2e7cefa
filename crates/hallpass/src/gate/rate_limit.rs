//! How often one client may call one path (CONTRACT §10).

use std::{
    collections::{HashMap, hash_map::RandomState},
    fmt,
    hash::BuildHasher,
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
    hasher: RandomState,
    counters: Mutex<Counters>,
}

#[derive(Debug)]
enum Pattern {
    Exact(String),
    Glob(Glob),
}

/// The counters, and when to look for those that are over.
#[derive(Debug)]
struct Counters {
    running: HashMap<String, Counter>,
    next_sweep: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    count: u64,
    last: Timestamp,
    limit: Limit,
}

/// As many counters as the npm package keeps.
const MOST_COUNTERS: usize = 100_000;
/// How often counters whose window is over are dropped.
const SWEEP: Duration = Duration::from_secs(10);
/// Longer paths are counted by a hash, or a stranger could fill the memory with them.
const LONGEST_PATH: usize = 128;

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
            hasher: RandomState::new(),
            counters: Mutex::default(),
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Counts a call. When it is one too many, how many seconds to wait.
    pub(crate) fn admit(&self, ip: Option<&str>, path: &str, now: Timestamp) -> Result<(), u64> {
        let Some(limit) = self.limit_for(path) else { return Ok(()) };
        let key = self.key(ip, path);
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.make_room(now);
        let since = |counter: &Counter| u128::try_from(now.millis_since(counter.last)).unwrap_or(0);
        let running = counters.running.get(&key).filter(|counter| since(counter) < limit.window.as_millis());
        let count = match running {
            None => 1,
            Some(counter) if counter.count >= limit.max => {
                let left = limit.window.as_millis() - since(counter);
                return Err(u64::try_from(left.div_ceil(1000)).unwrap_or(u64::MAX));
            }
            Some(counter) => counter.count + 1,
        };
        counters.running.insert(key, Counter { count, last: now, limit });
        Ok(())
    }

    fn key(&self, ip: Option<&str>, path: &str) -> String {
        let ip = ip.unwrap_or("no-trusted-ip");
        if path.len() <= LONGEST_PATH {
            format!("{ip}|{path}")
        } else {
            format!("{ip}|{:x}", self.hasher.hash_one(path))
        }
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

impl Default for Counters {
    fn default() -> Self {
        Self { running: HashMap::new(), next_sweep: Timestamp::from_millis(i64::MIN) }
    }
}

impl Counters {
    /// Drops what is over from time to time. When there are too many all the same, a tenth goes at once, and those that
    /// have reached their limit last: a flood of other calls must not set anybody's count of guesses back.
    fn make_room(&mut self, now: Timestamp) {
        if now >= self.next_sweep {
            self.running.retain(|_, counter| counter.last + counter.limit.window > now);
            self.running.shrink_to(MOST_COUNTERS / 10);
            self.next_sweep = now + SWEEP;
        }
        if self.running.len() < MOST_COUNTERS {
            return;
        }
        let mut surplus = MOST_COUNTERS / 10;
        let mut drop_where = |doomed: fn(&Counter) -> bool| {
            self.running.retain(|_, counter| {
                let goes = surplus > 0 && doomed(counter);
                surplus -= usize::from(goes);
                !goes
            });
        };
        drop_where(|counter| counter.count < counter.limit.max);
        drop_where(|_| true);
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
    fn counters_do_not_grow_without_bound_and_a_flood_sets_no_count_back() {
        let limiter = limiter(&[]);
        (0..3).for_each(|_| assert_eq!(limiter.admit(Some("9.9.9.9"), "/sign-in/email", at(0)), Ok(())));
        for number in 0..MOST_COUNTERS * 2 {
            assert_eq!(limiter.admit(Some("9.9.9.9"), &format!("/nothing/{number}"), at(1)), Ok(()));
        }
        let kept = || limiter.counters.lock().unwrap().running.len();
        assert!(kept() <= MOST_COUNTERS, "{}", kept());
        assert_eq!(limiter.admit(Some("9.9.9.9"), "/sign-in/email", at(2)), Err(10));
        assert_eq!(limiter.admit(Some("9.9.9.9"), "/ok", at(20_000)), Ok(()));
        assert_eq!(kept(), 1);
    }

    #[test]
    fn long_paths_are_told_apart_without_being_kept() {
        let limiter = limiter(&[("/**", CustomRule::Limit { window: Span::from_secs(60), max: 1 })]);
        let [one, other] = ["a", "b"].map(|end| format!("/{}{end}", "x".repeat(10_000)));
        assert_eq!(limiter.admit(None, &one, at(0)), Ok(()));
        assert_eq!(limiter.admit(None, &other, at(0)), Ok(()));
        assert!(limiter.admit(None, &one, at(1)).is_err());
        assert!(limiter.counters.lock().unwrap().running.keys().all(|key| key.len() < 100));
    }
}
