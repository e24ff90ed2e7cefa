//! Work that goes on after the answer.

use tokio_util::task::TaskTracker;

/// Runs tasks beside the requests, and knows when the last of them is done. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Background(TaskTracker);

impl Background {
    /// Runs a task. Outside a tokio runtime nothing can run it: that is logged, and the task is dropped.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(self.0.spawn_on(task, &runtime)),
            Err(error) => tracing::error!(%error, "work after an answer was dropped; call hallpass on a tokio runtime"),
        }
    }

    /// Runs a task to its end even when whoever waits for it goes away. `None` when it panicked; outside a tokio runtime it
    /// runs in place.
    pub(crate) async fn see_through<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => self.0.spawn_on(task, &runtime).await.ok(),
            Err(_) => Some(task.await),
        }
    }

    /// Waits until everything that was begun is done.
    pub(crate) async fn finish(&self) {
        self.0.close();
        self.0.wait().await;
        self.0.reopen();
    }
}
