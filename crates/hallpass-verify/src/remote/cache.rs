//! What an auth server said a moment ago. Off unless asked for.

use std::time::{Duration, Instant};

use hallpass_store::Timestamp;

use crate::source::{Reason, Verdict};

type Key = [u8; 32];

/// Live callers and worthless tokens, each in a room of their own: strangers who try tokens must not drive the callers out.
pub(super) struct Cache {
    live: Option<Room<crate::Caller>>,
    invalid: Option<Room<Reason>>,
}

struct Room<V> {
    max_age: Duration,
    entries: quick_cache::sync::Cache<Key, (Instant, V)>,
}

impl<V: Clone> Room<V> {
    fn new((max_age, capacity): (Duration, usize)) -> Option<Self> {
        let is_on = !max_age.is_zero() && capacity > 0;
        is_on.then(|| Self { max_age, entries: quick_cache::sync::Cache::new(capacity) })
    }

    fn get(&self, key: &Key) -> Option<V> {
        let (asked, value) = self.entries.get(key)?;
        (asked.elapsed() < self.max_age).then_some(value)
    }
}

impl Cache {
    pub(super) fn new(live: (Duration, usize), invalid: (Duration, usize)) -> Self {
        Self { live: Room::new(live), invalid: Room::new(invalid) }
    }

    /// What is still believed of a token.
    pub(super) fn get(&self, key: &Key, now: Timestamp) -> Option<Verdict> {
        let live = self.live.as_ref().and_then(|room| room.get(key));
        if let Some(caller) = live.filter(|caller| caller.expires_at().is_none_or(|end| now < end)) {
            return Some(Verdict::Live(caller));
        }
        self.invalid.as_ref().and_then(|room| room.get(key)).map(Verdict::Invalid)
    }

    /// Keeps what was said to a question that was sent at `asked`.
    pub(super) fn insert(&self, key: Key, asked: Instant, verdict: &Verdict) {
        match verdict {
            Verdict::Live(caller) => {
                if let Some(room) = &self.live {
                    room.entries.insert(key, (asked, caller.clone()));
                }
            }
            Verdict::Invalid(reason) => {
                // Whoever learns that a session is over learns it at once.
                if let Some(room) = &self.live {
                    room.entries.remove(&key);
                }
                if let Some(room) = &self.invalid {
                    room.entries.insert(key, (asked, *reason));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hallpass_store::UserId;

    use super::*;
    use crate::Caller;

    const NOW: Timestamp = Timestamp::from_millis(1000);

    fn live(end: i64) -> Verdict {
        let caller = Caller::of_user(UserId::new("u1"));
        Verdict::Live(caller.with_claims(serde_json::Map::new(), Timestamp::from_millis(end)))
    }

    #[test]
    fn it_is_off_unless_asked_for() {
        let cache = Cache::new((Duration::ZERO, 10), (Duration::from_secs(1), 0));
        cache.insert([1; 32], Instant::now(), &live(2000));
        cache.insert([2; 32], Instant::now(), &Reason::Unknown.into());
        assert!(cache.get(&[1; 32], NOW).is_none() && cache.get(&[2; 32], NOW).is_none());
    }

    #[test]
    fn an_entry_ages_from_when_it_was_asked_for_and_ends_with_its_session() {
        let cache = Cache::new((Duration::from_secs(10), 10), (Duration::ZERO, 0));
        cache.insert([1; 32], Instant::now(), &live(2000));
        assert!(matches!(cache.get(&[1; 32], NOW), Some(Verdict::Live(_))));
        assert!(cache.get(&[1; 32], Timestamp::from_millis(2000)).is_none());
        cache.insert([2; 32], Instant::now().checked_sub(Duration::from_secs(10)).unwrap(), &live(2000));
        assert!(cache.get(&[2; 32], NOW).is_none());
    }

    #[test]
    fn what_is_known_to_be_over_is_not_believed_to_be_alive() {
        let cache = Cache::new((Duration::from_secs(10), 10), (Duration::ZERO, 0));
        cache.insert([1; 32], Instant::now(), &live(2000));
        cache.insert([1; 32], Instant::now(), &Reason::Unknown.into());
        assert!(cache.get(&[1; 32], NOW).is_none());
    }

    #[test]
    fn strangers_tokens_do_not_drive_callers_out() {
        let cache = Cache::new((Duration::from_secs(10), 10), (Duration::from_secs(10), 10));
        cache.insert([1; 32], Instant::now(), &live(2000));
        for number in 0..10_000_u32 {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&number.to_be_bytes());
            cache.insert(key, Instant::now(), &Reason::Unknown.into());
        }
        assert!(matches!(cache.get(&[1; 32], NOW), Some(Verdict::Live(_))));
        assert!(cache.invalid.as_ref().unwrap().entries.len() <= 10);
    }
}
