//! Counting calls in this process, which costs next to nothing and knows nothing of other processes.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hallpass_store::Timestamp;

use super::rate_limit::Limit;

/// Counters in memory.
#[derive(Debug, Default)]
pub(super) struct MemoryCounters(Mutex<Counters>);

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

impl MemoryCounters {
    /// Counts a call. When it is one too many, how many seconds to wait.
    pub(super) fn count(&self, key: String, limit: Limit, now: Timestamp) -> Result<(), u64> {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counters.make_room(now);
        let running = counters.running.get(&key).filter(|counter| !limit.is_over(counter.last, now));
        let count = match running {
            None => 1,
            Some(counter) if counter.count >= limit.max => return Err(limit.seconds_left(counter.last, now)),
            Some(counter) => counter.count + 1,
        };
        counters.running.insert(key, Counter { count, last: now, limit });
        Ok(())
    }
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

    const THREE: Limit = Limit { window: Duration::from_secs(10), max: 3 };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_window_slides_with_each_accepted_call() {
        let counters = MemoryCounters::default();
        let count = |time| counters.count("k".into(), THREE, at(time));
        assert_eq!([0, 4_000, 8_000].map(count), [Ok(()); 3]);
        assert_eq!([8_001, 17_999, 18_000].map(count), [Err(10), Err(1), Ok(())]);
    }

    #[test]
    fn concurrent_calls_never_exceed_the_limit() {
        let counters = MemoryCounters::default();
        let admitted = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    if counters.count("k".into(), THREE, at(0)).is_ok() {
                        admitted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 3);
    }

    #[test]
    fn counters_do_not_grow_without_bound_and_a_flood_sets_no_count_back() {
        let counters = MemoryCounters::default();
        let many = Limit { window: Duration::from_secs(10), max: 100 };
        (0..3).for_each(|_| assert_eq!(counters.count("guesses".into(), THREE, at(0)), Ok(())));
        for number in 0..MOST_COUNTERS * 2 {
            assert_eq!(counters.count(format!("flood {number}"), many, at(1)), Ok(()));
        }
        let kept = || counters.0.lock().unwrap().running.len();
        assert!(kept() <= MOST_COUNTERS, "{}", kept());
        assert_eq!(counters.count("guesses".into(), THREE, at(2)), Err(10));
        assert_eq!(counters.count("later".into(), many, at(20_000)), Ok(()));
        assert_eq!(kept(), 1);
    }
}
