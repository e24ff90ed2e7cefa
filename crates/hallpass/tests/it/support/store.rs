//! Stores that are watched: one that counts what is asked of it, one that can be made to fail.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use hallpass::store::{
    Batch, Filter, Fut, MemoryStore, Mode, Outcome, Plan, Query, Row, Schema, SessionAndUser, SessionToken, Store,
    StoreError,
};

/// What was asked of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Migrate,
    Session,
    Find,
    Write,
    Ping,
}

type Watch = Box<dyn Fn(Asked) -> Result<(), StoreError> + Send + Sync>;

/// A store that asks a function before it does anything. What the function refuses is not done.
pub(crate) struct Watched<S> {
    inner: S,
    watch: Watch,
}

impl<S: Store> Watched<S> {
    pub(crate) fn new(inner: S, watch: impl Fn(Asked) -> Result<(), StoreError> + Send + Sync + 'static) -> Self {
        Self { inner, watch: Box::new(watch) }
    }

    fn ask<'a, T>(&'a self, asked: Asked, then: impl FnOnce(&'a S) -> Fut<'a, T>) -> Fut<'a, T>
    where
        T: Send + 'a,
    {
        match (self.watch)(asked) {
            Ok(()) => then(&self.inner),
            Err(error) => Box::pin(async { Err(error) }),
        }
    }
}

impl<S: Store> Store for Watched<S> {
    fn migrate<'a>(&'a self, schema: &'a Schema, mode: Mode) -> Fut<'a, Plan> {
        self.ask(Asked::Migrate, |inner| inner.migrate(schema, mode))
    }

    fn session_with_user<'a>(&'a self, schema: &'a Schema, token: &'a SessionToken) -> Fut<'a, Option<SessionAndUser>> {
        self.ask(Asked::Session, |inner| inner.session_with_user(schema, token))
    }

    fn find<'a>(&'a self, schema: &'a Schema, query: Query) -> Fut<'a, Vec<Row>> {
        self.ask(Asked::Find, |inner| inner.find(schema, query))
    }

    fn write<'a>(&'a self, schema: &'a Schema, batch: Batch) -> Fut<'a, Vec<Outcome>> {
        self.ask(Asked::Write, |inner| inner.write(schema, batch))
    }

    fn sessions_are_documents(&self) -> bool {
        self.inner.sessions_are_documents()
    }

    fn ping(&self) -> Fut<'_, ()> {
        self.ask(Asked::Ping, |inner| inner.ping())
    }
}

/// What a store was asked, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<Asked>>>);

impl Calls {
    /// What was asked since the last time this was called.
    pub(crate) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Counts what is asked of a store.
pub(crate) fn counting<S: Store>(inner: S, calls: &Calls) -> Watched<S> {
    let calls = calls.clone();
    Watched::new(inner, move |asked| {
        calls.0.lock().unwrap().push(asked);
        Ok(())
    })
}

/// How a store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing can be reached.
    Away,
    /// Nothing can be read.
    ReadsAway,
    /// Sessions are found, and nothing else can be read.
    FindsAway,
    /// Nothing can be written.
    WritesAway,
    /// What is read makes no sense.
    Corrupt,
}

/// The switch of a failing store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Option<Fault>>>);

impl Faults {
    /// What the text of every failure holds, and no answer may.
    pub(crate) const DETAIL: &str = "disk 7 in rack 12";

    pub(crate) fn set(&self, fault: impl Into<Option<Fault>>) {
        *self.0.lock().unwrap() = fault.into();
    }

    fn meet(&self, asked: Asked) -> Result<(), StoreError> {
        let reads = matches!(asked, Asked::Session | Asked::Find | Asked::Ping);
        let (is_met, fault) = match *self.0.lock().unwrap() {
            None => return Ok(()),
            Some(fault @ Fault::Away) => (true, fault),
            Some(fault @ Fault::FindsAway) => (asked == Asked::Find, fault),
            Some(fault @ Fault::WritesAway) => (!reads, fault),
            Some(fault @ (Fault::ReadsAway | Fault::Corrupt)) => (reads, fault),
        };
        match fault {
            _ if !is_met => Ok(()),
            Fault::Corrupt => Err(StoreError::corrupt("session", "expiresAt", "s1", Self::DETAIL)),
            _ => Err(StoreError::unavailable(Self::DETAIL)),
        }
    }
}

/// Makes a store fail when its switch says so.
pub(crate) fn failing<S: Store>(inner: S, faults: &Faults) -> Watched<S> {
    let faults = faults.clone();
    Watched::new(inner, move |asked| faults.meet(asked))
}

/// A store that loses every session at the moment it is to be written to: as when somebody revokes one between
/// look-up and refresh.
pub(crate) fn revoking(memory: &MemoryStore) -> Watched<MemoryStore> {
    let (inner, schema) = (memory.clone(), Schema::core());
    Watched::new(memory.clone(), move |asked| {
        if asked == Asked::Write {
            inner.write(&schema, Batch::new().delete("session", Filter::All)).now_or_never().unwrap()?;
        }
        Ok(())
    })
}
