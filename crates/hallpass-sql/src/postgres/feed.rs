//! Hearing of changes: one connection that listens, and one on which round trips begin.
//!
//! A round trip is a notification that is sent where everybody writes, and arrives where we listen. Postgres queues
//! notifications in the order of commits and hands them over in that order, so when ours arrives, every change committed before we sent it has
//! arrived. The answer to a query would prove nothing: it may overtake a notification. Nor would a notification sent over the connection
//! that listens: behind a pooler it comes back while those of others are thrown away, and at another database it comes back although nobody
//! writes there. The same task reads the channel, tells of changes and proves, so a proof never comes before what it vouches for, nor
//! after the news that the channel is closed.

use std::{
    future::poll_fn,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use hallpass_store::{Change, ChangeFeed, ChangeListener, Outage, UserId};
use tokio::{
    runtime::Handle,
    sync::watch,
    task::AbortHandle,
    time::{sleep, timeout},
};
use tokio_postgres::{
    AsyncMessage, Client,
    types::{ToSql, Type},
};

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
    /// How to connect where everybody writes. Round trips have a connection there to themselves: behind a slow read they would come too late.
    options: PostgresOptions,
    outage: Outage,
    runtime: Handle,
    /// What is watched; known once the first look-up was made.
    tables: RwLock<Option<Tables>>,
    running: Mutex<Option<AbortHandle>>,
}

impl Feed {
    pub(super) fn new(options: PostgresOptions) -> Self {
        Self {
            options,
            outage: Outage::default(),
            runtime: Handle::current(),
            tables: RwLock::default(),
            running: Mutex::default(),
        }
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
    /// Drawn for this trip. Other nodes send trips of their own, which vouch for nothing that we began; and whoever may write to the channel
    /// cannot know it before it has arrived.
    mark: u64,
    begun: Instant,
}

impl Feed {
    async fn listen_for_ever(&self, lease: Duration, listener: &Arc<dyn ChangeListener>) {
        let [mut pause, longest] = BACKOFF;
        loop {
            let began = Instant::now();
            let end = self.listen(lease, listener).await;
            listener.lost();
            if self.outage.is_news(&end) {
                tracing::warn!(
                    reason = end,
                    "the channel on which Postgres tells of changes is closed; sessions are looked up until it is open again"
                );
            }
            pause = if began.elapsed() > longest { BACKOFF[0] } else { (pause * 2).min(longest) };
            sleep(pause).await;
        }
    }

    /// Listens until that no longer works, and says why.
    async fn listen(&self, lease: Duration, listener: &Arc<dyn ChangeListener>) -> String {
        let listening = self.options.listening();
        let ((client, wire, _), (sender, sends, _)) = match tokio::try_join!(dial(&listening), dial(&self.options)) {
            Ok(dialled) => dialled,
            Err(error) => return error.to_string(),
        };
        let (sent, trip) = watch::channel(None);
        let (arrived, arrivals) = watch::channel(0);
        // Ends with the connection; nothing is proven after that.
        let ear = hear(wire, trip, arrived, Arc::clone(listener));
        tokio::select! {
            () = ear => "the connection has ended".to_owned(),
            _ = sends => "the connection has ended".to_owned(),
            reason = self.ask([&client, &sender], lease, listener, &sent, arrivals) => reason,
        }
    }

    async fn ask(
        &self,
        [client, sender]: [&Client; 2],
        lease: Duration,
        listener: &Arc<dyn ChangeListener>,
        sent: &watch::Sender<Option<Trip>>,
        mut arrivals: watch::Receiver<u64>,
    ) -> String {
        let opened = timeout(self.options.connect_timeout, open(client)).await;
        match opened {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.to_string(),
            Err(late) => return late.to_string(),
        }
        // What happened before the channel was open nobody told.
        listener.changed(Change::Everything);
        let mut complained = false;
        let marks = RandomState::new();
        for number in 1_u64.. {
            let Some(tables) = self.tables() else {
                sleep(lease / 4).await;
                continue;
            };
            let (mark, begun) = (marks.hash_one(number), Instant::now());
            sent.send_replace(Some(Trip { mark, begun }));
            let trip = timeout(lease, async {
                let armed = notify(sender, &tables, mark).await?;
                let _ = arrivals.wait_for(|arrived| *arrived == mark).await;
                Ok::<_, tokio_postgres::Error>(armed)
            });
            match trip.await {
                Ok(Ok(armed)) if armed < COUNT && !complained => {
                    complained = true;
                    tracing::warn!(
                        "this database does not tell of changes, so sessions are not cached; run `hallpass migrate` as a role that may create triggers"
                    );
                }
                Ok(Ok(armed)) => {
                    if armed == COUNT && (self.outage.is_over() | std::mem::take(&mut complained)) {
                        tracing::info!("Postgres tells of changes again; sessions are kept in memory");
                    }
                }
                Ok(Err(error)) => return error.to_string(),
                Err(_) => return LATE.to_owned(),
            }
            sleep((lease / 4).saturating_sub(begun.elapsed())).await;
        }
        String::new()
    }
}

const LATE: &str = "a notification took longer than the lease, or was lost; where database.url leads to a pooler, database.listen_url has \
                    to lead past it, to the same database";

/// Begins to listen.
async fn open(client: &Client) -> Result<(), tokio_postgres::Error> {
    let rows = client.query_typed(CHANNEL, &[]).await?;
    let channel: String = rows.first().map_or_else(|| Ok(String::new()), |row| row.try_get(0))?;
    // A name made of letters and digits alone.
    client.batch_execute(&format!("LISTEN {channel}")).await
}

/// Sends a notification that says how many triggers are armed; that many.
async fn notify(sender: &Client, tables: &Tables, mark: u64) -> Result<i64, tokio_postgres::Error> {
    let sql =
        format!("SELECT armed, pg_notify(({CHANNEL}), 'h:' || $3 || ':' || armed) FROM ({ARMED}) AS all_of (armed)");
    let mark = mark.to_string();
    let told = [(&tables.session as &(dyn ToSql + Sync), Type::TEXT), (&tables.user, Type::TEXT), (&mark, Type::TEXT)];
    let rows = sender.query_typed(&sql, &told).await?;
    rows.first().map_or(Ok(0), |row| row.try_get(0))
}

/// Reads the channel until it ends.
async fn hear(
    mut wire: Wire,
    trip: watch::Receiver<Option<Trip>>,
    arrived: watch::Sender<u64>,
    listener: Arc<dyn ChangeListener>,
) {
    let (mut is_armed, mut last) = (false, None);
    while let Some(Ok(message)) = poll_fn(|cx| wire.poll_message(cx)).await {
        let AsyncMessage::Notification(told) = message else { continue };
        match understood(told.payload()) {
            Told::Change(change) => listener.changed(change),
            Told::Trip { mark, armed } => {
                let current = *trip.borrow();
                let ours = |trip: &Trip| trip.mark == mark;
                let Some(Trip { begun, .. }) = current.filter(ours) else { continue };
                // Whoever may listen here knows the mark by now, and may say it again with another count.
                if last.replace(mark) == Some(mark) {
                    continue;
                }
                if armed == COUNT {
                    listener.proven(begun);
                } else if is_armed {
                    // While triggers are missing nobody tells. Whatever is kept from before must be gone when they are back.
                    listener.lost();
                }
                is_armed = armed == COUNT;
                arrived.send_replace(mark);
            }
        }
    }
}

enum Told {
    Change(Change),
    Trip { mark: u64, armed: i64 },
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
            let parsed = trip.split_once(':').and_then(|(mark, armed)| Some((mark.parse().ok()?, armed.parse().ok()?)));
            parsed.map_or(everything, |(mark, armed)| Told::Trip { mark, armed })
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
