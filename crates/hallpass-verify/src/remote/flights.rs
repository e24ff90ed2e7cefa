//! Look-ups of one token that share a question.
//!
//! A look-up shares only a question that has *not been sent yet*. While one is under way, all that come wait for it to end and share the
//! next: so a thousand at once cost two questions, and no answer is older than the look-up it answers. What is under way ends when nobody
//! waits any more, and not when the one who began it goes away.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};

type Key = [u8; 32];

/// The questions under way.
pub(super) struct Flights<T: Clone>(Arc<Board<T>>);

struct Board<T: Clone> {
    latest: Mutex<HashMap<Key, Flight<T>>>,
    count: AtomicU64,
}

struct Flight<T: Clone> {
    number: u64,
    departed: Arc<AtomicBool>,
    // Weak, so that it ends with the last who waits.
    outcome: WeakShared<BoxFuture<'static, T>>,
}

impl<T: Clone> Default for Flights<T> {
    fn default() -> Self {
        Self(Arc::new(Board { latest: Mutex::default(), count: AtomicU64::new(0) }))
    }
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// The outcome of `ask`, or of another's question about the same key that had not been sent yet.
    pub(super) async fn join(&self, key: Key, ask: impl Future<Output = T> + Send + 'static) -> T {
        self.board(key, ask).await
    }

    fn board(&self, key: Key, ask: impl Future<Output = T> + Send + 'static) -> Shared<BoxFuture<'static, T>> {
        let mut latest = self.0.lock();
        let earlier = latest.get(&key).and_then(|flight| Some((flight.outcome.upgrade()?, &flight.departed)));
        let earlier = match earlier {
            Some((waiting, departed)) if !departed.load(Ordering::Acquire) => return waiting,
            Some((under_way, _)) => Some(under_way),
            None => None,
        };
        let number = self.0.count.fetch_add(1, Ordering::Relaxed);
        let departed = Arc::new(AtomicBool::new(false));
        let entry = Entry { board: Arc::downgrade(&self.0), key, number };
        let outcome = {
            let departed = Arc::clone(&departed);
            let flight = async move {
                let _entry = entry;
                if let Some(earlier) = earlier {
                    earlier.await;
                }
                departed.store(true, Ordering::Release);
                ask.await
            };
            flight.boxed().shared()
        };
        if let Some(weak) = outcome.downgrade() {
            latest.insert(key, Flight { number, departed, outcome: weak });
        }
        outcome
    }
}

impl<T: Clone> Board<T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Flight<T>>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes its flight off the board when it ends, one way or the other.
struct Entry<T: Clone> {
    board: Weak<Board<T>>,
    key: Key,
    number: u64,
}

impl<T: Clone> Drop for Entry<T> {
    fn drop(&mut self) {
        let Some(board) = self.board.upgrade() else { return };
        let mut latest = board.lock();
        if latest.get(&self.key).is_some_and(|flight| flight.number == self.number) {
            latest.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, time::Duration};

    use tokio::time::{Instant, sleep};

    use super::*;

    const KEY: Key = [7; 32];

    fn counting(asked: &Arc<AtomicUsize>) -> impl Future<Output = usize> + Send + 'static {
        let asked = Arc::clone(asked);
        async move {
            let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
            sleep(Duration::from_secs(1)).await;
            number
        }
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_come_while_a_question_is_under_way_share_the_next() {
        let (flights, asked) = (Arc::new(Flights::default()), Arc::new(AtomicUsize::new(0)));
        let mut waiting = Vec::new();
        for _ in 0..1000 {
            let (flights, ask) = (Arc::clone(&flights), counting(&asked));
            waiting.push(tokio::spawn(async move { flights.join(KEY, ask).await }));
            tokio::task::yield_now().await;
        }
        let begun = Instant::now();
        let mut answers = Vec::new();
        for one in waiting {
            answers.push(one.await.unwrap());
        }
        assert_eq!(answers[0], 1);
        assert!(answers[1..].iter().all(|answer| *answer == 2));
        assert_eq!(begun.elapsed().as_secs(), 2);
        assert!(flights.0.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_goes_away_takes_nobody_along() {
        let (flights, asked) = (Arc::new(Flights::default()), Arc::new(AtomicUsize::new(0)));
        let begin = |flights: &Arc<Flights<usize>>| {
            let (flights, ask) = (Arc::clone(flights), counting(&asked));
            tokio::spawn(async move { flights.join(KEY, ask).await })
        };
        let first = begin(&flights);
        sleep(Duration::from_millis(100)).await;
        let (second, third) = (begin(&flights), begin(&flights));
        sleep(Duration::from_millis(100)).await;
        first.abort();
        second.abort();
        assert_eq!(third.await.unwrap(), 2);
        assert!(flights.0.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_nobody_waits_for_is_dropped() {
        let (flights, asked) = (Arc::new(Flights::default()), Arc::new(AtomicUsize::new(0)));
        let only = tokio::time::timeout(Duration::from_millis(100), flights.join(KEY, counting(&asked))).await;
        assert!(only.is_err());
        assert!(flights.0.lock().is_empty());
        assert_eq!(flights.join(KEY, counting(&asked)).await, 2);
    }
}
