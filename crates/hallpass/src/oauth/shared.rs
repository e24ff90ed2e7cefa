//! Something fetched once for all who want it at the same time.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};

/// A value that is fetched when it is wanted and kept.
pub(super) struct Shared<T>(Mutex<State<T>>);

struct State<T> {
    value: Option<(Arc<T>, Instant)>,
    /// When the last attempt to fetch one failed.
    failed: Option<Instant>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::new(State { value: None, failed: None }))
    }
}

impl<T> Shared<T> {
    /// The value that is there if it is good enough, of its age, and else a fresh one. Whoever waited while somebody else fetched in vain
    /// does not try again, nor does anybody within `rest` of that.
    pub(super) async fn get<F>(
        &self,
        is_good: impl Fn(&T, Duration) -> bool,
        rest: Duration,
        fetch: F,
    ) -> Option<Arc<T>>
    where
        F: Future<Output = Option<T>>,
    {
        let wanted = Instant::now();
        let mut state = self.0.lock().await;
        if let Some((value, since)) = &state.value
            && is_good(value, since.elapsed())
        {
            return Some(Arc::clone(value));
        }
        if state.failed.is_some_and(|failed| failed > wanted || failed.elapsed() < rest) {
            return None;
        }
        let fetched = fetch.await.map(Arc::new);
        let now = Instant::now();
        state.failed = fetched.is_none().then_some(now);
        if let Some(value) = &fetched {
            state.value = Some((Arc::clone(value), now));
        }
        fetched
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    async fn slowly(calls: &AtomicUsize, value: Option<usize>) -> Option<usize> {
        calls.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(10)).await;
        value
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_want_it_at_once_fetch_once_also_in_vain() {
        for (value, next) in [(Some(5), 1), (None, 2)] {
            let (shared, calls) = (Shared::default(), AtomicUsize::new(0));
            let want = || shared.get(|_, _| true, Duration::ZERO, slowly(&calls, value));
            let all = futures_util::future::join_all((0..20).map(|_| want())).await;
            assert!(all.iter().all(|got| got.as_deref() == value.as_ref()));
            assert_eq!(calls.load(Ordering::SeqCst), 1);
            want().await;
            assert_eq!(calls.load(Ordering::SeqCst), next, "what was there is kept, a failure is not");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_there_is_a_rest() {
        let (shared, calls) = (Shared::default(), AtomicUsize::new(0));
        let want = || shared.get(|_, _| true, Duration::from_secs(1), slowly(&calls, None));
        want().await;
        want().await;
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        tokio::time::advance(Duration::from_secs(2)).await;
        want().await;
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_good_any_more_is_fetched_again() {
        let (shared, calls) = (Shared::default(), AtomicUsize::new(0));
        let want = || shared.get(|_, age| age < Duration::from_mins(1), Duration::ZERO, slowly(&calls, Some(1)));
        want().await;
        tokio::time::advance(Duration::from_secs(61)).await;
        want().await;
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }
}
