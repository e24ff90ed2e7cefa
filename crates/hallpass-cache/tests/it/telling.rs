//! A real database whose writes go through a wrapper that tells of them, with a channel that can be slowed, silenced and closed. The other
//! end of the channel is in the same process, so what is tested here is what the cache makes of what it is told; the channels of
//! real databases are tested beside their stores.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use hallpass_sql::{SqlStore, SqliteOptions};
use hallpass_store::{
    Action, Batch, Change, ChangeFeed, ChangeListener, Filter, Fut, Mode, Outcome, Plan, Query, Row, Schema,
    SessionAndUser, SessionToken, Store, UserId, Value,
};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// The database, and the channel of every node at it.
pub(crate) struct Database {
    pub(crate) store: Arc<SqlStore>,
    pub(crate) channels: Mutex<Vec<Arc<Channel>>>,
    _folder: tempfile::TempDir,
}

/// A node's end of the channel.
pub(crate) struct Channel {
    sender: Mutex<Option<UnboundedSender<(Instant, Message)>>>,
    /// Messages are dropped without a word.
    pub(crate) is_cut: Arc<AtomicBool>,
    /// How long each is on its way.
    delay: Duration,
    tells_of_new_sessions: bool,
}

enum Message {
    Change(Change),
    Ping(Instant),
    Lost,
}

/// A node: the database with its end of the channel.
pub(crate) struct Node {
    database: Arc<Database>,
    pub(crate) channel: Arc<Channel>,
    /// How often the database was asked for a session.
    pub(crate) asked: AtomicU64,
    /// How long a look-up takes, once the database has answered.
    pub(crate) slow: Mutex<Duration>,
    pub(crate) is_away: AtomicBool,
}

impl Database {
    pub(crate) async fn new(schema: &Schema) -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let store = SqlStore::sqlite(SqliteOptions::new(folder.path().join("test.db"))).await.unwrap();
        store.migrate(schema, Mode::Apply).await.unwrap();
        Arc::new(Self { store: Arc::new(store), channels: Mutex::default(), _folder: folder })
    }

    pub(crate) fn node(self: &Arc<Self>, delay: Duration, tells_of_new_sessions: bool) -> Arc<Node> {
        let channel =
            Arc::new(Channel { sender: Mutex::default(), is_cut: Arc::default(), delay, tells_of_new_sessions });
        self.channels.lock().unwrap().push(Arc::clone(&channel));
        let (asked, slow, is_away) = (AtomicU64::new(0), Mutex::default(), AtomicBool::new(false));
        Arc::new(Node { database: Arc::clone(self), channel, asked, slow, is_away })
    }

    /// A write that no node's cache sees but by what it is told, as another program's.
    pub(crate) async fn write_elsewhere(&self, schema: &Schema, batch: Batch) {
        let changes = changes(&batch);
        self.store.write(schema, batch).await.unwrap();
        for channel in self.channels.lock().unwrap().iter() {
            for change in &changes {
                channel.send(Message::Change(change.clone()));
            }
        }
    }
}

impl Channel {
    fn send(&self, message: Message) {
        if !self.is_cut.load(SeqCst)
            && let Some(sender) = &*self.sender.lock().unwrap()
        {
            let _ = sender.send((Instant::now(), message));
        }
    }

    /// Closes the channel; it opens again by itself after a while, unless it is cut.
    pub(crate) fn close(&self) {
        self.send(Message::Lost);
    }

    /// Lets messages through again. Some may have been dropped.
    pub(crate) fn mend(&self) {
        self.is_cut.store(false, SeqCst);
        self.send(Message::Change(Change::Everything));
    }
}

impl ChangeFeed for Channel {
    fn start(&self, lease: Duration, listener: Arc<dyn ChangeListener>) {
        let (sender, mut messages) = unbounded_channel();
        assert!(self.sender.lock().unwrap().replace(sender.clone()).is_none(), "started once");
        let delay = self.delay;
        tokio::spawn(async move {
            while let Some((sent, message)) = messages.recv().await {
                tokio::time::sleep_until((sent + delay).into()).await;
                match message {
                    Message::Change(change) => listener.changed(change),
                    Message::Ping(begun) => listener.proven(begun),
                    Message::Lost => listener.lost(),
                }
            }
        });
        let is_cut = Arc::clone(&self.is_cut);
        tokio::spawn(async move {
            loop {
                if !is_cut.load(SeqCst) && sender.send((Instant::now(), Message::Ping(Instant::now()))).is_err() {
                    return;
                }
                tokio::time::sleep(lease / 4).await;
            }
        });
    }

    fn tells_of_new_sessions(&self) -> bool {
        self.tells_of_new_sessions
    }
}

fn changes(batch: &Batch) -> Vec<Change> {
    batch.operations().iter().filter(|operation| matches!(&*operation.table, "session" | "user")).map(change).collect()
}

fn change(operation: &hallpass_store::Operation) -> Change {
    let of_token = |token: &str| Change::Session { token_sha256: Sha256::digest(token).into() };
    let filter = match &operation.action {
        Action::Insert(row) => {
            return row.get("token").and_then(Value::as_text).map_or(Change::User(UserId::new("new")), of_token);
        }
        Action::Update { filter, .. } | Action::Delete(filter) | Action::Take(filter) => filter,
        _ => return Change::Everything,
    };
    match (&*operation.table, filter) {
        ("session", Filter::Eq(column, Value::Text(token))) if &**column == "token" => of_token(token),
        ("session", Filter::Eq(column, Value::Text(id))) if &**column == "userId" => Change::User(UserId::new(id)),
        ("user", Filter::Eq(column, Value::Text(id))) if &**column == "id" => Change::User(UserId::new(id)),
        _ => Change::Everything,
    }
}

impl Store for Node {
    fn migrate<'a>(&'a self, schema: &'a Schema, mode: Mode) -> Fut<'a, Plan> {
        self.database.store.migrate(schema, mode)
    }

    fn session_with_user<'a>(&'a self, schema: &'a Schema, token: &'a SessionToken) -> Fut<'a, Option<SessionAndUser>> {
        Box::pin(async move {
            self.asked.fetch_add(1, SeqCst);
            let found = self.database.store.session_with_user(schema, token).await;
            let slow = *self.slow.lock().unwrap();
            if !slow.is_zero() {
                tokio::time::sleep(slow).await;
            }
            if self.is_away.load(SeqCst) {
                return Err(hallpass_store::StoreError::unavailable("away"));
            }
            found
        })
    }

    fn find<'a>(&'a self, schema: &'a Schema, query: Query) -> Fut<'a, Vec<Row>> {
        self.database.store.find(schema, query)
    }

    fn write<'a>(&'a self, schema: &'a Schema, batch: Batch) -> Fut<'a, Vec<Outcome>> {
        Box::pin(async move {
            let changes = changes(&batch);
            let outcomes = self.database.store.write(schema, batch).await?;
            for channel in self.database.channels.lock().unwrap().iter() {
                for change in &changes {
                    channel.send(Message::Change(change.clone()));
                }
            }
            Ok(outcomes)
        })
    }

    fn changes(&self) -> Option<Arc<dyn ChangeFeed>> {
        Some(Arc::clone(&self.channel) as _)
    }

    fn ping(&self) -> Fut<'_, ()> {
        self.database.store.ping()
    }
}
