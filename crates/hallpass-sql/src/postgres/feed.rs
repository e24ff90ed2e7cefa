//! Hearing of changes: one connection that listens.
//!
//! A round trip is a notification to our own channel that comes back. Postgres queues notifications in the order of commits and hands them over
//! in that order, so when ours arrives, every change committed before we sent it has arrived. The answer to a query would prove nothing: it may
//! overtake a notification. The same task reads the channel, tells of changes and proves, so a proof never comes before what it vouches for, nor
//! after the news that the channel is closed.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use hallpass_store::{Change, ChangeFeed, ChangeListener, UserId};
use tokio::{
    runtime::Handle,
    sync::watch,
    task::AbortHandle,
    time::{sleep, timeout},
};
use tokio_postgres::{AsyncMessage, Client, types::Type};

use super::{
    connection::{Wire, dial},
    options::PostgresOptions,
    triggers::{ARMED, CHANNEL, COUNT, Tables},
};

/// How long to wait before the next attempt to connect, at first and at most.
const BACKOFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// The ear on a database.
#[derive(Debug)]
pub(super) struct Feed {
    options: PostgresOptions,
    runtime: Handle,
    /// What is watched; known once the first look-up was made.
    tables: RwLock<Option<Tables>>,
    running: Mutex<Option<AbortHandle>>,
}

impl Feed {
    pub(super) fn new(options: PostgresOptions) -> Self {
        Self { options, runtime: Handle::current(), tables: RwLock::default(), running: Mutex::default() }
    }

    pub(super) fn watch(&self, tables: Tables) {
        *self.tables.write().unwrap_or_else(PoisonError::into_inner) = Some(tables);
    }

    pub(super) fn stop(&self) {
        if let Some(running) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() {
            running.abort();
        }
    }

    fn tables(&self) -> Option<Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the engine gets of it; it does not keep a database open.
pub(super) struct Ear(pub(super) Arc<Feed>);

impl ChangeFeed for Ear {
    fn start(&self, lease: Duration, listener: Arc<dyn ChangeListener>) {
        let feed = Arc::clone(&self.0);
        let task = self.0.runtime.spawn(async move { feed.listen_for_ever(lease, &listener).await });
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.abort_handle());
    }
}

/// A round trip under way.
#[derive(Debug, Clone, Copy)]
struct Trip {
    number: u64,
    /// Our own process at the server: other nodes send trips of their own, which vouch for nothing that we began.
    process: i32,
    begun: Instant,
}

impl Feed {
    async fn listen_for_ever(&self, lease: Duration, listener: &Arc<dyn ChangeListener>) {
        let [mut pause, longest] = BACKOFF;
        loop {
            let began = Instant::now();
            let end = self.listen(lease, listener).await;
            listener.lost();
            tracing::warn!(
                reason = end,
                "the channel on which Postgres tells of changes is closed; sessions are looked up until it is open again"
            );
            pause = if began.elapsed() > longest { BACKOFF[0] } else { (pause * 2).min(longest) };
            sleep(pause).await;
        }
    }

    /// Listens until that no longer works, and says why.
    async fn listen(&self, lease: Duration, listener: &Arc<dyn ChangeListener>) -> String {
        let (client, wire, _) = match dial(&self.options).await {
            Ok(dialled) => dialled,
            Err(error) => return error.to_string(),
        };
        let (sent, trip) = watch::channel(None);
        let (arrived, arrivals) = watch::channel(0);
        // Ends with the connection; nothing is proven after that.
        let ear = hear(wire, trip, arrived, Arc::clone(listener));
        tokio::select! {
            () = ear => "the connection has ended".to_owned(),
            reason = self.ask(&client, lease, listener, &sent, arrivals) => reason,
        }
    }

    async fn ask(
        &self,
        client: &Client,
        lease: Duration,
        listener: &Arc<dyn ChangeListener>,
        sent: &watch::Sender<Option<Trip>>,
        mut arrivals: watch::Receiver<u64>,
    ) -> String {
        let opened = timeout(self.options.connect_timeout, open(client)).await;
        let (channel, process) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return error.to_string(),
            Err(late) => return late.to_string(),
        };
        // What happened before the channel was open nobody told.
        listener.changed(Change::Everything);
        let mut complained = false;
        for number in 1.. {
            let Some(tables) = self.tables() else {
                sleep(lease / 4).await;
                continue;
            };
            let begun = Instant::now();
            sent.send_replace(Some(Trip { number, process, begun }));
            let trip = timeout(lease, async {
                let armed = notify(client, &channel, &tables, number).await?;
                let _ = arrivals.wait_for(|arrived| *arrived >= number).await;
                Ok::<_, tokio_postgres::Error>(armed)
            });
            match trip.await {
                Ok(Ok(armed)) if armed < COUNT && !complained => {
                    complained = true;
                    tracing::warn!(
                        "this database does not tell of changes, so sessions are not cached; run `hallpass migrate` as a role that may create triggers"
                    );
                }
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return error.to_string(),
                Err(_) => return "a round trip took longer than the lease".to_owned(),
            }
            sleep((lease / 4).saturating_sub(begun.elapsed())).await;
        }
        String::new()
    }
}

/// Begins to listen; the channel, and our own process at the server.
async fn open(client: &Client) -> Result<(String, i32), tokio_postgres::Error> {
    let rows = client.query_typed(CHANNEL, &[]).await?;
    let channel: String = rows.first().map_or_else(|| Ok(String::new()), |row| row.try_get(0))?;
    let rows = client.query_typed("SELECT pg_backend_pid()", &[]).await?;
    let process = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
    // A name made of letters and digits alone.
    client.batch_execute(&format!("LISTEN {channel}")).await?;
    Ok((channel, process))
}

/// Sends a notification that says how many triggers are armed; that many.
async fn notify(client: &Client, channel: &str, tables: &Tables, number: u64) -> Result<i64, tokio_postgres::Error> {
    let sql = format!("SELECT armed, pg_notify($3, 'h:' || $4 || ':' || armed) FROM ({ARMED}) AS all_of (armed)");
    let number = number.to_string();
    let rows = client
        .query_typed(
            &sql,
            &[(&tables.session, Type::TEXT), (&tables.user, Type::TEXT), (&channel, Type::TEXT), (&number, Type::TEXT)],
        )
        .await?;
    rows.first().map_or(Ok(0), |row| row.try_get(0))
}

/// Reads the channel until it ends.
async fn hear(
    mut wire: Wire,
    trip: watch::Receiver<Option<Trip>>,
    arrived: watch::Sender<u64>,
    listener: Arc<dyn ChangeListener>,
) {
    let mut is_armed = false;
    while let Some(Ok(message)) = poll_fn(|cx| wire.poll_message(cx)).await {
        let AsyncMessage::Notification(told) = message else { continue };
        match understood(told.payload()) {
            Told::Change(change) => listener.changed(change),
            Told::Trip { number, armed } => {
                let current = *trip.borrow();
                let ours = |trip: &Trip| trip.number == number && trip.process == told.process_id();
                let Some(Trip { begun, .. }) = current.filter(ours) else { continue };
                if armed == COUNT {
                    listener.proven(begun);
                } else if is_armed {
                    // While triggers are missing nobody tells. Whatever is kept from before must be gone when they are back.
                    listener.lost();
                }
                is_armed = armed == COUNT;
                arrived.send_replace(number);
            }
        }
    }
}

enum Told {
    Change(Change),
    Trip { number: u64, armed: i64 },
}

/// What a notification says. One that makes no sense may stand for anything.
fn understood(payload: &str) -> Told {
    let everything = Told::Change(Change::Everything);
    match payload.split_once(':') {
        Some(("s", hex)) => {
            sha256(hex).map_or(everything, |token_sha256| Told::Change(Change::Session { token_sha256 }))
        }
        Some(("u", id)) => Told::Change(Change::User(UserId::new(id))),
        Some(("h", trip)) => {
            let parsed =
                trip.split_once(':').and_then(|(number, armed)| Some((number.parse().ok()?, armed.parse().ok()?)));
            parsed.map_or(everything, |(number, armed)| Told::Trip { number, armed })
        }
        _ => everything,
    }
}

fn sha256(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
