//! Connections, handed out to one operation at a time.
//!
//! Nothing is asked of a connection that was in use a second ago, which would be a round trip for each operation. One that does not work
//! any more shows when it is used; then all that are idle are forgotten, because what broke one has broken the others. A connection
//! comes back only by [`Lent::give_back`]: what was left in the middle of something is closed, and the server rolls back.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hallpass_store::StoreError;
use mysql_async::{Conn, Opts, prelude::Queryable};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::failure::store_error;

/// A server that does not answer is asked again after this long, and then after twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// At most this long, so that a server that is back is soon found.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A connection that was idle for longer may have been dropped by what is in between.
const IDLE: Duration = Duration::from_mins(5);
/// One that was idle for longer may have been cut off without a word; it is asked before it is used.
const TRUSTED: Duration = Duration::from_secs(1);
/// How long it may take to answer then.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Pool {
    opts: Opts,
    seats: Semaphore,
    idle: Mutex<Vec<(Conn, Instant)>>,
    pause: Mutex<Option<(Instant, Duration)>>,
    connect_timeout: Duration,
    wait_timeout: Duration,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("free", &self.seats.available_permits()).finish_non_exhaustive()
    }
}

/// A connection that one operation has to itself.
pub(super) struct Lent<'p> {
    pool: &'p Pool,
    pub(super) conn: Conn,
    /// Whether it was opened for this operation, so that it is not broken by what was before.
    pub(super) fresh: bool,
    _seat: SemaphorePermit<'p>,
}

impl Pool {
    pub(super) fn new(opts: Opts, connections: usize, connect_timeout: Duration, wait_timeout: Duration) -> Self {
        Self {
            opts,
            seats: Semaphore::new(connections),
            idle: Mutex::default(),
            pause: Mutex::default(),
            connect_timeout,
            wait_timeout,
        }
    }

    pub(super) async fn take(&self) -> Result<Lent<'_>, StoreError> {
        let seat = match timeout(self.wait_timeout, self.seats.acquire()).await {
            Ok(Ok(seat)) => seat,
            Ok(Err(closed)) => return Err(StoreError::unavailable(closed)),
            Err(_) => return Err(late("all connections to the database were taken for too long")),
        };
        let kept = held(&self.idle).pop();
        if let Some((mut conn, since)) = kept {
            let idle = since.elapsed();
            let answers = idle < TRUSTED || (idle < IDLE && matches!(timeout(PATIENCE, conn.ping()).await, Ok(Ok(()))));
            if answers {
                return Ok(Lent { pool: self, conn, fresh: false, _seat: seat });
            }
            // What has cut it off has cut off the others.
            self.forget_idle();
        }
        let conn = self.connect().await?;
        Ok(Lent { pool: self, conn, fresh: true, _seat: seat })
    }

    async fn connect(&self) -> Result<Conn, StoreError> {
        let pause = *held(&self.pause);
        if let Some((until, _)) = pause
            && Instant::now() < until
        {
            return Err(late("the database server could not be reached a moment ago"));
        }
        let connected = match timeout(self.connect_timeout, Conn::new(self.opts.clone())).await {
            Ok(Ok(conn)) => Ok(conn),
            Ok(Err(error)) => Err(store_error(error, None)),
            Err(_) => Err(late("the database server takes too long to answer")),
        };
        *held(&self.pause) = if connected.is_ok() {
            None
        } else {
            let length = pause.map_or(FIRST_PAUSE, |(_, length)| (length * 2).min(LONGEST_PAUSE));
            Some((Instant::now() + length, length))
        };
        // An answer of the server's is no reason to call the request wrong.
        connected.map_err(|error| if error.is_unavailable() { error } else { StoreError::unavailable(error) })
    }

    /// Forgets every connection that is idle.
    pub(super) fn forget_idle(&self) {
        let forgotten = std::mem::take(&mut *held(&self.idle));
        drop(forgotten);
    }

    /// Says goodbye on every connection that is idle. Who asks afterwards gets a new one.
    pub(super) async fn close(&self) {
        let idle = std::mem::take(&mut *held(&self.idle));
        for (conn, _) in idle {
            let _ = timeout(Duration::from_secs(1), conn.disconnect()).await;
        }
    }
}

impl Lent<'_> {
    /// Keeps the connection for the next operation.
    pub(super) fn give_back(self) {
        if !self.conn.is_disconnected() {
            held(&self.pool.idle).push((self.conn, Instant::now()));
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something took too long.
pub(super) fn late(what: &'static str) -> StoreError {
    StoreError::unavailable(io::Error::new(io::ErrorKind::TimedOut, what))
}
