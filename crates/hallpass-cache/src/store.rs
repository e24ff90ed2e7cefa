//! The store in front of the store.

use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use hallpass_store::{
    Batch, ChangeFeed, Fut, Mode, Outcome, Plan, Query, Row, Schema, SessionAndUser, SessionToken, Store, StoreError,
    Timestamp,
};

use crate::{
    concerns,
    core::{self, Core, Kept, Landed},
    numbers::{Concern, Key},
    options::{CacheOptions, WhyOff},
    stats::Stats,
};

/// A store whose session look-ups are answered from memory; see the [crate].
pub struct CachedStore {
    inner: Arc<dyn Store>,
    core: Arc<Core>,
    /// What look-ups ask for. One with another schema is passed on.
    schema: Arc<Schema>,
    owners: HashSet<Arc<str>>,
    feed: Option<Feed>,
}

/// What tells of changes, once it is started.
struct Feed {
    channel: Arc<dyn ChangeFeed>,
    options: CacheOptions,
    is_started: AtomicBool,
}

impl fmt::Debug for CachedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedStore").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl CachedStore {
    /// Puts a cache in front of a store. Look-ups with this schema are answered from memory; `clock` says when sessions end.
    ///
    /// # Errors
    /// When nothing could be kept, and why.
    pub fn new(
        inner: Arc<dyn Store>,
        schema: &Schema,
        options: &CacheOptions,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Arc<Self>, WhyOff> {
        let channel = inner.changes();
        let max_age = match (&channel, options.accept_stale) {
            (Some(_), _) if options.lease.is_zero() => return Err(WhyOff::NoLease),
            (Some(_), _) => options.max_age,
            (None, Some(accepted)) => accepted.min(options.max_age),
            (None, None) => return Err(WhyOff::StoreCannotTell),
        };
        if max_age.is_zero() || options.max_bytes == 0 {
            return Err(WhyOff::NoRoom);
        }
        let core = Core::new(core::Plan {
            lease: options.lease,
            is_leased: channel.is_some(),
            max_age,
            max_bytes: options.max_bytes,
            keeps_nobodies: channel.as_ref().is_some_and(|channel| channel.tells_of_new_sessions()),
            clock: Box::new(clock),
        });
        let feed = |channel| Feed { channel, options: options.clone(), is_started: AtomicBool::new(false) };
        Ok(Arc::new(Self {
            core: Arc::new(core),
            schema: Arc::new(schema.clone()),
            owners: concerns::owners(schema),
            feed: channel.map(feed),
            inner,
        }))
    }

    /// Begins to listen to the store's changes. The first look-up does it too; whoever wants the first look-ups kept calls it before.
    pub fn start(&self) {
        if let Some(feed) = &self.feed
            && !feed.is_started.load(Relaxed)
            && !feed.is_started.swap(true, Relaxed)
        {
            feed.channel.start(feed.options.lease, Arc::clone(&self.core) as _);
        }
    }

    /// What it did, and what it holds.
    pub fn stats(&self) -> Stats {
        self.core.stats()
    }

    /// The store behind it.
    pub fn inner(&self) -> &Arc<dyn Store> {
        &self.inner
    }

    /// Whether answers are believed because the store tells of changes, and not because stale ones are accepted.
    pub fn is_coherent(&self) -> bool {
        self.feed.is_some()
    }

    async fn look_up(&self, schema: &Schema, token: &SessionToken) -> Result<Option<SessionAndUser>, StoreError> {
        self.start();
        let key = concerns::key(token.expose());
        let is_other = schema.revision() != self.schema.revision();
        match if is_other { Kept::Unproven } else { self.core.kept(&key) } {
            Kept::Session(found) => {
                self.core.counters.hit(&key);
                Ok(Some(found))
            }
            Kept::Nobody => {
                self.core.counters.hit(&key);
                Ok(None)
            }
            Kept::Nothing => self.ask(key, token).await,
            // Nor is anybody's question joined: it may be older than what was missed.
            Kept::Unproven => {
                self.core.counters.bypass(&key);
                self.inner.session_with_user(schema, token).await
            }
        }
    }

    /// Asks the store, or waits for one who asks.
    async fn ask(&self, key: Key, token: &SessionToken) -> Result<Option<SessionAndUser>, StoreError> {
        let may_join = |departure| self.core.may_join(departure, &key);
        let (question, is_new) = self.core.flights.join(key, may_join, || {
            let (inner, core, schema) = (Arc::clone(&self.inner), Arc::clone(&self.core), Arc::clone(&self.schema));
            let (token, departure) = (token.clone(), self.core.depart());
            let asks = async move {
                let found = inner.session_with_user(&schema, &token).await;
                Landed::Ok(core.keep(key, departure, found.map_err(Arc::new)?))
            };
            (departure, asks)
        });
        if is_new {
            self.core.counters.miss(&key);
        } else {
            self.core.counters.join(&key);
        }
        match question.await {
            Ok(found) => Ok(found),
            Err(error) => Err(again(&error)),
        }
    }
}

impl Store for CachedStore {
    fn migrate<'a>(&'a self, schema: &'a Schema, mode: Mode) -> Fut<'a, Plan> {
        Box::pin(async move {
            // Columns that are added may come with values.
            let _news = (mode == Mode::Apply).then(|| News { core: &self.core, concerns: vec![Concern::Everything] });
            self.inner.migrate(schema, mode).await
        })
    }

    fn session_with_user<'a>(&'a self, schema: &'a Schema, token: &'a SessionToken) -> Fut<'a, Option<SessionAndUser>> {
        Box::pin(self.look_up(schema, token))
    }

    fn find<'a>(&'a self, schema: &'a Schema, query: Query) -> Fut<'a, Vec<Row>> {
        self.inner.find(schema, query)
    }

    fn write<'a>(&'a self, schema: &'a Schema, batch: Batch) -> Fut<'a, Vec<Outcome>> {
        let concerns = concerns::of(&batch, &self.owners);
        if concerns.is_empty() {
            return self.inner.write(schema, batch);
        }
        Box::pin(async move {
            let _news = News { core: &self.core, concerns };
            self.inner.write(schema, batch).await
        })
    }

    /// None: this store has taken its store's channel.
    fn changes(&self) -> Option<Arc<dyn ChangeFeed>> {
        None
    }

    fn sessions_are_documents(&self) -> bool {
        self.inner.sessions_are_documents()
    }

    fn ping(&self) -> Fut<'_, ()> {
        self.inner.ping()
    }

    fn close(&self) -> Fut<'_, ()> {
        self.inner.close()
    }
}

/// Tells the cache of a write when it goes: after the commit and before the answer, and likewise when the write failed, when nobody knows
/// how it ended, and when whoever waited for it went away in the middle.
///
/// A write that was given up in the middle may be committed after that. Nobody was told that it was, so no promise is broken on this node;
/// and the store tells of it, as it tells the other nodes.
struct News<'a> {
    core: &'a Core,
    concerns: Vec<Concern>,
}

impl Drop for News<'_> {
    fn drop(&mut self) {
        self.concerns.iter().for_each(|concern| self.core.invalidate(concern));
    }
}

/// The same error for one more who waited for it.
fn again(error: &Arc<StoreError>) -> StoreError {
    match &**error {
        StoreError::Conflict(conflict) => StoreError::Conflict(conflict.clone()),
        StoreError::Corrupt { table, column, row, reason } => StoreError::corrupt(table, column, row, reason.as_str()),
        StoreError::Misuse(what) => StoreError::misuse(what.as_str()),
        _ => StoreError::unavailable(Told(Arc::clone(error))),
    }
}

/// Why a question failed that several waited for.
#[derive(Debug)]
struct Told(Arc<StoreError>);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a look-up of the same session failed")
    }
}

impl std::error::Error for Told {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0)
    }
}
