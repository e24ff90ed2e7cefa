//! Look-ups of one token that share a question.
//!
//! The caller decides which flight is recent enough to join, by the number that it noted. A flight goes on as long as anybody waits for it:
//! whoever waits drives it, so one who goes away (the one who began it, say) takes nobody along, and one that nobody waits for is dropped.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};

use crate::{
    lease::Moment,
    numbers::{Key, Noted},
};

/// When a flight began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Departure {
    pub(crate) noted: Noted,
    pub(crate) begun: Moment,
}

/// A question that others may wait for.
pub(crate) type Question<T> = Shared<BoxFuture<'static, T>>;

pub(crate) struct Flights<T: Clone>(Arc<Board<T>>);

struct Board<T: Clone> {
    shards: [Mutex<HashMap<Key, Flight<T>>>; 16],
    count: AtomicU64,
}

struct Flight<T: Clone> {
    id: u64,
    departure: Departure,
    outcome: WeakShared<BoxFuture<'static, T>>,
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Board { shards: std::array::from_fn(|_| Mutex::default()), count: AtomicU64::new(0) }))
    }

    /// A flight of this token that `may_join`, or else a new one, and whether it is new.
    pub(crate) fn join<F: Future<Output = T> + Send + 'static>(
        &self,
        key: Key,
        may_join: impl FnOnce(Departure) -> bool,
        begin: impl FnOnce() -> (Departure, F),
    ) -> (Question<T>, bool) {
        let mut shard = self.0.shard(&key);
        // A flight that is not joined must not be taken hold of here: letting it go could end it, which takes it off this board.
        let recent = shard.get(&key).filter(|flight| may_join(flight.departure));
        if let Some(question) = recent.and_then(|flight| flight.outcome.upgrade()) {
            return (question, false);
        }
        let (departure, asks) = begin();
        let id = self.0.count.fetch_add(1, Relaxed);
        let entry = Entry { board: Arc::downgrade(&self.0), key, id };
        let question = async move {
            let _entry = entry;
            asks.await
        };
        let question = question.boxed().shared();
        if let Some(outcome) = question.downgrade() {
            shard.insert(key, Flight { id, departure, outcome });
        }
        (question, true)
    }
}

impl<T: Clone> Board<T> {
    fn shard(&self, key: &Key) -> MutexGuard<'_, HashMap<Key, Flight<T>>> {
        let ([first, ..], [number, ..]) = (&self.shards, key);
        let shard = self.shards.get(usize::from(number % 16)).unwrap_or(first);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes its flight off the board when it ends, one way or the other.
struct Entry<T: Clone> {
    board: Weak<Board<T>>,
    key: Key,
    id: u64,
}

impl<T: Clone> Drop for Entry<T> {
    fn drop(&mut self) {
        let Some(board) = self.board.upgrade() else { return };
        let mut shard = board.shard(&self.key);
        if shard.get(&self.key).is_some_and(|flight| flight.id == self.id) {
            shard.remove(&self.key);
        }
    }
}
