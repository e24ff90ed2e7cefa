//! What the engine and its store warn of, as findings.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use super::Finding;

/// Keeps the text of each warning.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    /// What was heard since the last time, each thing once.
    pub(super) fn take(&self, about: &'static str) -> Vec<Finding> {
        let mut heard = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        heard.dedup();
        heard.into_iter().map(|says| Finding { level: super::Level::Warning, about, says }).collect()
    }
}

/// What says of a connection that it cannot be made. The checks of database and secondary storage find that out for themselves.
const CONNECTIONS: [&str; 2] = ["hallpass_redis::link", "hallpass_sql::postgres::shared"];

impl<S: Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if *metadata.level() > Level::WARN || CONNECTIONS.iter().any(|path| metadata.target().starts_with(path)) {
            return;
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.0);
    }
}

/// An event's message without its fields.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
