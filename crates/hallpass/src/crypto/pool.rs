//! The threads on which passwords are hashed.
//!
//! A hash costs tens of milliseconds and 32 MiB. On the threads that serve requests, a flood of sign-ins would stall every
//! session check and take memory without bound. So there are as many hashing threads as cores and no more, at the lowest
//! priority, behind a queue that refuses when it is full.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Runs expensive jobs a few at a time.
pub(crate) struct Pool {
    jobs: SyncSender<Job>,
}

/// The queue is full; the client should come back in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are waiting to be hashed")]
pub(crate) struct Overloaded;

impl Pool {
    /// Starts `threads` threads with room for `waiting` more jobs.
    pub(crate) fn start(threads: usize, waiting: usize) -> std::io::Result<Self> {
        let (jobs, queue) = sync_channel(waiting);
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..threads.max(1) {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name(format!("hallpass-hash-{number}")).spawn(move || work(&queue))?;
        }
        Ok(Self { jobs })
    }

    /// Runs a job and waits for what it returns, without holding up the calling thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            // A client that went away while waiting costs nothing more.
            if !done.is_closed() {
                let _ = done.send(job());
            }
        });
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Overloaded,
        })?;
        result.await.map_err(|_| Overloaded)
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    lower_priority();
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            // A job that panics answers "overloaded" to its client; the thread goes on for all others.
            Ok(job) => drop(catch_unwind(AssertUnwindSafe(job))),
            Err(_) => return,
        }
    }
}

/// Lets every other thread go first. Where the system refuses, hashing still works, only less politely.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 19);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_refuses_and_the_running_jobs_finish() {
        let pool = Pool::start(1, 1).unwrap();
        let (release, gate) = sync_channel::<()>(0);
        let (started, begun) = sync_channel::<()>(0);
        let first = pool.run(move || {
            started.send(()).unwrap();
            gate.recv().unwrap();
            1
        });
        let mut first = Box::pin(first);
        assert!(futures_util::poll!(&mut first).is_pending());
        begun.recv().unwrap();
        let mut second = Box::pin(pool.run(|| 2));
        assert!(futures_util::poll!(&mut second).is_pending());
        assert_eq!(pool.run(|| 3).await, Err(Overloaded));
        release.send(()).unwrap();
        assert_eq!((first.await, second.await), (Ok(1), Ok(2)));
    }
}
