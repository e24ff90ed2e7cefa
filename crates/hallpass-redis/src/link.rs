//! The one connection: made again when it breaks.
//!
//! A task of its own makes the connection when it is first asked for, sends a round trip over it now and then, and makes another when one is not answered. Callers take the connection that is there, and wait
//! a moment when there is none.
//!
//! Why what is told is in order: with tracking on, Redis writes its invalidations into the same stream as its answers. The crate `redis` reads that stream in one task, which calls the push
//! sender *inside* of reading, before it reads on. So when an answer reaches its caller, every invalidation that stood before it in the stream has been handed to the listener.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hallpass_store::{Change, ChangeListener, Outage, StoreError};
use redis::{AsyncConnectionConfig, PushInfo, PushKind, RedisError, aio::MultiplexedConnection};
use tokio::{runtime::Handle, sync::watch, task::JoinHandle, time::timeout};

use crate::{
    origin::{Origin, SetupError},
    rights, tracking,
};

/// How long Redis may take to accept a connection, and how long to answer.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How long a caller waits for a connection that is being made.
const PATIENCE: Duration = Duration::from_millis(500);
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Who is told, and how often round trips have to be.
#[derive(Clone)]
struct Feed {
    lease: Duration,
    listener: Arc<dyn ChangeListener>,
}

type Current = Result<MultiplexedConnection, Arc<str>>;

pub(crate) struct Link {
    /// Which Redis it is.
    name: String,
    current: watch::Receiver<Current>,
    feed: watch::Sender<Option<Feed>>,
    again: Arc<tokio::sync::Notify>,
    life: Mutex<Life>,
}

/// The task that keeps the connection. A tool that asks nothing of Redis does not dial it.
enum Life {
    NotBegun(Box<Keeper>),
    Begun(JoinHandle<()>),
    Over,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    pub(crate) fn open(url: &str, prefix: Arc<str>) -> Result<Self, SetupError> {
        // TLS is rustls with aws-lc-rs; whoever has chosen already keeps what they chose.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let origin = Origin::of(url)?;
        let name = origin.name().to_owned();
        let (publish, current) = watch::channel(Err(Arc::from("it has not been reached yet")));
        let (feed, of_feed) = watch::channel(None);
        let again = Arc::new(tokio::sync::Notify::new());
        let keeper = Keeper { origin, prefix, publish, feed: of_feed, again: Arc::clone(&again) };
        Ok(Self { name, current, feed, again, life: Mutex::new(Life::NotBegun(Box::new(keeper))) })
    }

    /// The connection, or why there is none.
    pub(crate) async fn connection(&self) -> Result<MultiplexedConnection, StoreError> {
        if let Ok(connection) = &*self.current.borrow() {
            return Ok(connection.clone());
        }
        self.begin();
        let mut current = self.current.clone();
        let waited = timeout(PATIENCE, current.wait_for(Result::is_ok)).await;
        if let Ok(Ok(found)) = &waited
            && let Ok(connection) = &**found
        {
            return Ok(connection.clone());
        }
        drop(waited);
        let reason = self.current.borrow().as_ref().err().cloned().unwrap_or_else(|| Arc::from("closed"));
        Err(StoreError::unavailable(format!("Redis at {} cannot be used: {reason}", self.name)))
    }

    /// What a failure means, and whether the connection is still the right one.
    pub(crate) fn failed(&self, error: &RedisError) -> StoreError {
        match error.code() {
            Some("WRONGTYPE" | "CORRUPT") => return StoreError::corrupt("session", "", "", "a value of another kind"),
            // After a failover the master is another.
            Some("READONLY" | "MASTERDOWN") => self.again.notify_one(),
            _ => {}
        }
        StoreError::unavailable(words(error))
    }

    pub(crate) fn tell(&self, lease: Duration, listener: Arc<dyn ChangeListener>) {
        self.feed.send_replace(Some(Feed { lease, listener }));
        self.begin();
    }

    /// Outside of a runtime nothing begins; whoever asks for a connection later is inside of one.
    fn begin(&self) {
        let Ok(runtime) = Handle::try_current() else { return };
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        *life = match std::mem::replace(&mut *life, Life::Over) {
            Life::NotBegun(keeper) => Life::Begun(runtime.spawn(keeper.run())),
            other => other,
        };
    }

    pub(crate) fn close(&self) {
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        if let Life::Begun(keeper) = std::mem::replace(&mut *life, Life::Over) {
            keeper.abort();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}

/// Why a connection is made anew when somebody begins to listen: the old one is not tracked.
const LISTENS: &str = "changes are to be told from now on";

struct Keeper {
    origin: Origin,
    prefix: Arc<str>,
    publish: watch::Sender<Current>,
    feed: watch::Receiver<Option<Feed>>,
    again: Arc<tokio::sync::Notify>,
}

impl Keeper {
    async fn run(mut self) {
        let (mut pause, outage) = (FIRST_PAUSE, Outage::default());
        loop {
            let begun = Instant::now();
            let feed = self.feed.borrow_and_update().clone();
            let broken = Arc::new(tokio::sync::Notify::new());
            let connecting = timeout(TIMEOUT * 2, self.connect(feed.clone(), Arc::clone(&broken)));
            match connecting.await.unwrap_or_else(|_| Err("it did not answer in time".to_owned())) {
                Ok((connection, is_tracked)) => {
                    if outage.is_over() {
                        tracing::info!("Redis at {} answers again", self.origin.name());
                    }
                    let feed = feed.filter(|_| is_tracked);
                    // First the new connection, then "everything has changed": whoever notes the state of things after that can only read over the new one, which is tracked.
                    drop(self.publish.send_replace(Ok(connection.clone())));
                    if let Some(feed) = &feed {
                        feed.listener.changed(Change::Everything);
                    }
                    let reason = self.watch(connection, feed.as_ref(), &broken).await;
                    drop(self.publish.send_replace(Err(Arc::from(&*reason))));
                    if let Some(feed) = &feed {
                        feed.listener.lost();
                    }
                    if reason != LISTENS && outage.is_news(&reason) {
                        tracing::warn!(reason, "the connection to Redis at {} is made anew", self.origin.name());
                    }
                    // One that never lasts is no reason to hurry.
                    if reason == LISTENS || begun.elapsed() > LONGEST_PAUSE {
                        pause = FIRST_PAUSE;
                    }
                }
                Err(reason) => {
                    if outage.is_news(&reason) {
                        tracing::warn!(reason, "Redis at {} cannot be used", self.origin.name());
                    }
                    drop(self.publish.send_replace(Err(Arc::from(&*reason))));
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Sends round trips until one fails or the connection has to be another. Says why.
    async fn watch(
        &mut self,
        mut connection: MultiplexedConnection,
        feed: Option<&Feed>,
        broken: &tokio::sync::Notify,
    ) -> String {
        let lease = feed.map_or(TIMEOUT * 2, |feed| feed.lease.max(Duration::from_millis(20)));
        loop {
            let begun = Instant::now();
            let answered: Result<Result<(), _>, _> =
                timeout(lease, redis::cmd("PING").query_async(&mut connection)).await;
            match answered {
                Ok(Ok(())) => {
                    if let Some(feed) = feed {
                        feed.listener.proven(begun);
                    }
                }
                Ok(Err(error)) => return words(&error),
                Err(_) => return "it did not answer in time".to_owned(),
            }
            tokio::select! {
                () = tokio::time::sleep(lease / 4) => {}
                () = broken.notified() => return "the connection was closed".to_owned(),
                () = self.again.notified() => return "it takes no writes".to_owned(),
                _ = self.feed.changed() => return LISTENS.to_owned(),
            }
        }
    }

    /// Connects, and says whether Redis tells of changes over this connection.
    async fn connect(
        &mut self,
        feed: Option<Feed>,
        broken: Arc<tokio::sync::Notify>,
    ) -> Result<(MultiplexedConnection, bool), String> {
        let told = feed.clone();
        let prefix = Arc::clone(&self.prefix);
        let push = move |push: PushInfo| -> Result<(), ()> {
            match push.kind {
                PushKind::Disconnection => {
                    if let Some(feed) = &told {
                        feed.listener.lost();
                    }
                    broken.notify_one();
                }
                PushKind::Invalidate => {
                    if let Some(feed) = &told {
                        tracking::invalidated(&prefix, &push.data, &*feed.listener);
                    }
                }
                _ => {}
            }
            Ok(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            .set_push_sender(push);
        let mut connection = self.origin.connect(&config).await.map_err(|error| words(&error))?;
        let about: String =
            redis::cmd("INFO").arg("server").query_async(&mut connection).await.map_err(|error| words(&error))?;
        if about.contains("redis_mode:cluster") {
            return Err("it is a Redis Cluster, which this layout cannot be in: its scripts need keys of several slots. Use one Redis, or Sentinel".to_owned());
        }
        // A user who may not even do this is told here, and not again and again when the connection is watched.
        redis::cmd("PING").exec_async(&mut connection).await.map_err(|error| words(&error))?;
        rights::examine(&mut connection, &self.prefix).await?;
        let is_tracked = feed.is_some() && tracking::begin(&mut connection).await?;
        Ok((connection, is_tracked))
    }
}

/// What went wrong. A server that does not know a command repeats its arguments, and those of `HELLO` are user and password.
pub(crate) fn words(error: &RedisError) -> String {
    match error.code() {
        Some("NOAUTH") => "it wants a password, and the address has none".to_owned(),
        Some("WRONGPASS") => "it does not know this user with this password".to_owned(),
        _ => error.to_string().split(", with args").next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use redis::ErrorKind;

    use super::*;

    #[test]
    fn a_password_that_a_server_repeats_is_not_passed_on() {
        let told = "unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'ann' 'hush' ";
        let words = words(&RedisError::from((ErrorKind::Client, "ERR", told.to_owned())));
        assert!(words.contains("unknown command 'HELLO'") && !words.contains("hush"), "{words}");
    }
}
