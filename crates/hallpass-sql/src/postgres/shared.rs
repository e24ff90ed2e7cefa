//! A few connections for reading, which all tasks share: statements of many tasks travel on one connection at the same time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use hallpass_store::{Outage, StoreError};
use tokio::{sync::watch, task::AbortHandle, time::timeout};
use tokio_postgres::Row;

use super::{
    connection::{Connection, Driver},
    failure::{Failure, is_gone, is_stale},
    options::PostgresOptions,
};
use crate::{dialect::Cell, statement::Statement};

/// How long to wait before the next attempt to connect, at first and at most.
const BACKOFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

#[derive(Debug)]
pub(super) struct Shared {
    slots: Vec<Slot>,
    next: AtomicUsize,
    read: Duration,
    wait: Duration,
}

/// One connection, and the task that makes it again when it ends.
#[derive(Debug)]
struct Slot {
    state: watch::Receiver<State>,
    keeper: AbortHandle,
}

#[derive(Debug, Clone)]
enum State {
    Connecting,
    Up(Arc<Connection>),
    /// The last attempt failed, for this reason.
    Down(Arc<str>),
}

impl Shared {
    /// Begins with a connection that is already there.
    pub(super) fn start(options: &PostgresOptions, first: (Connection, Driver)) -> Self {
        let (mut first, outage) = (Some(first), Arc::new(Outage::default()));
        let slots = (0..options.readers()).map(|_| Slot::start(options.clone(), first.take(), &outage)).collect();
        Self { slots, next: AtomicUsize::new(0), read: options.read_timeout, wait: options.wait_timeout }
    }

    /// Rows of a statement that changes nothing, which therefore may be asked for again.
    pub(super) async fn rows(
        &self,
        sql: &str,
        cells: &[&Cell],
        statement: Option<&Statement>,
    ) -> Result<Vec<Row>, Failure> {
        let table = statement.map(|statement| &statement.table);
        let mut again = true;
        loop {
            let connection = self.connection().await?;
            let begun = Instant::now();
            match timeout(self.read, connection.run(sql, cells)).await {
                Ok(Ok((rows, _))) => return Ok(rows),
                Ok(Err(error)) if again && is_stale(&error) => connection.forget(),
                Ok(Err(error)) if again && is_gone(&error) => {}
                Ok(Err(error)) => return Err(Failure::new(error, table)),
                Err(late) => {
                    // It may be cut off without a word, and then so are the others; whoever asks next gets a new one.
                    connection.give_up();
                    self.give_up_silent(begun);
                    return Err(StoreError::unavailable(late).into());
                }
            }
            again = false;
        }
    }

    /// Gives up every connection on which nothing was heard since then.
    fn give_up_silent(&self, since: Instant) {
        let up = self.slots.iter().filter_map(|slot| slot.state.borrow().up());
        up.filter(|connection| connection.is_silent_since(since)).for_each(|connection| connection.give_up());
    }

    async fn connection(&self) -> Result<Arc<Connection>, StoreError> {
        let from = self.next.fetch_add(1, Ordering::Relaxed);
        let slots = || self.slots.iter().cycle().skip(from % self.slots.len().max(1)).take(self.slots.len());
        if let Some(up) = slots().find_map(|slot| slot.state.borrow().up()) {
            return Ok(up);
        }
        let mut reason: Arc<str> = "not connected to Postgres".into();
        for slot in slots() {
            match &*slot.state.borrow() {
                State::Down(why) => reason = Arc::clone(why),
                State::Connecting | State::Up(_) => {}
            }
        }
        // While one is being made, waiting a moment is better than refusing.
        let Some(slot) = slots().find(|slot| !matches!(*slot.state.borrow(), State::Down(_))) else {
            return Err(StoreError::unavailable(reason.to_string()));
        };
        let mut state = slot.state.clone();
        let settled =
            timeout(self.wait, state.wait_for(|state| state.up().is_some() || matches!(state, State::Down(_))));
        match settled.await {
            Ok(Ok(state)) => match &*state {
                State::Up(connection) => Ok(Arc::clone(connection)),
                State::Down(why) => Err(StoreError::unavailable(why.to_string())),
                State::Connecting => Err(StoreError::unavailable(reason.to_string())),
            },
            Ok(Err(closed)) => Err(StoreError::unavailable(closed)),
            Err(late) => Err(StoreError::unavailable(late)),
        }
    }

    pub(super) fn close(&self) {
        self.slots.iter().for_each(|slot| slot.keeper.abort());
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}

impl State {
    fn up(&self) -> Option<Arc<Connection>> {
        match self {
            Self::Up(connection) if !connection.is_closed() => Some(Arc::clone(connection)),
            _ => None,
        }
    }
}

impl Slot {
    fn start(options: PostgresOptions, first: Option<(Connection, Driver)>, outage: &Arc<Outage>) -> Self {
        let (sender, state) = watch::channel(State::Connecting);
        let keeper = tokio::spawn(keep(options, first, sender, Arc::clone(outage))).abort_handle();
        Self { state, keeper }
    }
}

async fn keep(
    options: PostgresOptions,
    mut ready: Option<(Connection, Driver)>,
    state: watch::Sender<State>,
    outage: Arc<Outage>,
) {
    let [mut pause, longest] = BACKOFF;
    loop {
        let opened = match ready.take() {
            Some(ready) => Ok(ready),
            None => Connection::open(&options).await,
        };
        match opened {
            Ok((connection, driver)) => {
                pause = BACKOFF[0];
                if outage.is_over() {
                    tracing::info!("Postgres answers again");
                }
                state.send_replace(State::Up(Arc::new(connection)));
                driver.await;
                state.send_replace(State::Connecting);
            }
            Err(error) => {
                let reason = error.to_string();
                if outage.is_news(&reason) {
                    tracing::warn!(reason, "no connection to Postgres");
                }
                state.send_replace(State::Down(reason.into()));
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(longest);
            }
        }
    }
}
