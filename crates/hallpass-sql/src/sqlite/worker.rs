//! Threads that own connections, behind a bounded queue.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use hallpass_store::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::ConnectError;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A thread for each connection. They end when this is dropped and the queue is empty.
#[derive(Debug)]
pub(super) struct Workers {
    queue: SyncSender<Job>,
}

/// What has waited for longer is not begun any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("too many operations are waiting for the database")]
    Full,
    #[error("an operation has waited too long for the database")]
    Late,
    #[error("the database thread has ended")]
    Ended,
}

impl Workers {
    pub(super) fn start(name: &str, connections: Vec<Connection>, queue: usize) -> Result<Self, ConnectError> {
        let (sender, receiver) = sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for mut connection in connections {
            let jobs = Arc::clone(&receiver);
            let work = move || {
                while let Some(job) = next(&jobs) {
                    // A job that panics is "unavailable" to its caller; the thread goes on for all others.
                    drop(catch_unwind(AssertUnwindSafe(|| job(&mut connection))));
                }
            };
            thread::Builder::new().name(name.into()).spawn(work).map_err(ConnectError::Thread)?;
        }
        Ok(Self { queue: sender })
    }

    /// Runs a job on one of the threads. A caller that stops waiting does not stop the job.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let asked = Instant::now();
        let job = Box::new(move |connection: &mut Connection| {
            // While somebody else holds the lock each waits in vain for as long as may be, and those behind for the sum of it.
            let done =
                if asked.elapsed() > PATIENCE { Err(StoreError::unavailable(Refusal::Late)) } else { job(connection) };
            // Nobody may be waiting any more, which is fine.
            drop(answer.send(done));
        });
        self.queue.try_send(job).map_err(|error| {
            StoreError::unavailable(match error {
                TrySendError::Full(_) => Refusal::Full,
                TrySendError::Disconnected(_) => Refusal::Ended,
            })
        })?;
        answered.await.map_err(|_| StoreError::unavailable(Refusal::Ended))?
    }
}

fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Runs one thing on a thread of its own.
pub(super) async fn run_once<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, ConnectError> + Send + 'static,
) -> Result<T, ConnectError> {
    let (answer, answered) = oneshot::channel();
    let work = move || drop(answer.send(work()));
    thread::Builder::new().name(name.into()).spawn(work).map_err(ConnectError::Thread)?;
    answered.await.map_err(|_| ConnectError::Thread(io::Error::other(Refusal::Ended)))?
}
