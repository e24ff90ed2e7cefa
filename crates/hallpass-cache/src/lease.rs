//! Until when it is proven that every change has been heard of.

use std::{
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::{Duration, Instant},
};

/// Nanoseconds since the cache was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    pub(crate) fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }
}

/// Tells moments, and keeps the last one up to which everything was heard.
pub(crate) struct Lease {
    base: Instant,
    span: u64,
    /// When the last proven round trip began, plus one so that 0 is "not at all".
    proven: AtomicU64,
}

impl Lease {
    pub(crate) fn new(span: Duration) -> Self {
        Self { base: Instant::now(), span: nanos(span), proven: AtomicU64::new(0) }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment(nanos(self.base.elapsed()))
    }

    /// Whether what has been heard of is all that had happened one lease before `now`. Ask this **before** looking at the numbers: changes
    /// are told before the round trip that proves them, so whoever sees the proof sees the numbers.
    pub(crate) fn holds(&self, now: Moment) -> bool {
        match self.proven.load(SeqCst) {
            0 => false,
            proven => now.0.saturating_sub(proven - 1) <= self.span,
        }
    }

    /// Whether the channel was open when it was last heard of.
    pub(crate) fn is_open(&self) -> bool {
        self.proven.load(SeqCst) != 0
    }

    pub(crate) fn prove(&self, begun: Instant) {
        let begun = nanos(begun.saturating_duration_since(self.base));
        // The latest of all; an answer that was overtaken proves nothing new.
        self.proven.fetch_max(begun.saturating_add(1), SeqCst);
    }

    pub(crate) fn lose(&self) {
        self.proven.store(0, SeqCst);
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_from_when_the_round_trip_began() {
        let lease = Lease::new(Duration::from_secs(1));
        assert!(!lease.holds(lease.now()) && !lease.is_open());
        let begun = lease.base + Duration::from_secs(10);
        lease.prove(begun);
        let at = |millis| Moment(nanos(Duration::from_millis(millis)));
        assert!(lease.holds(at(10_000)) && lease.holds(at(11_000)));
        assert!(!lease.holds(at(11_001)));
        // One that began earlier and was answered later.
        lease.prove(lease.base + Duration::from_secs(9));
        assert!(lease.holds(at(11_000)));
    }

    #[test]
    fn it_ends_at_once_when_the_channel_closes() {
        let lease = Lease::new(Duration::from_hours(1));
        lease.prove(Instant::now());
        assert!(lease.holds(lease.now()));
        lease.lose();
        assert!(!lease.holds(lease.now()));
    }

    #[test]
    fn a_round_trip_of_before_the_cache_proves_its_beginning() {
        let before = Instant::now();
        let lease = Lease::new(Duration::from_hours(1));
        lease.prove(before);
        assert!(lease.is_open());
    }
}
