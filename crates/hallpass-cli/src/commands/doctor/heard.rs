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

use super::{Finding, redis};

/// Keeps where each warning came from, and its text.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<(&'static str, String)>>>);

impl Heard {
    /// What was heard since the last time, each thing once. What does not come from Redis is about this.
    pub(super) fn take(&self, about: &'static str) -> Vec<Finding> {
        let mut heard = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        heard.dedup();
        let of = |target: &str| if target.starts_with("hallpass_redis") { redis::ABOUT } else { about };
        heard
            .into_iter()
            .map(|(target, says)| Finding { level: super::Level::Warning, about: of(target), says })
            .collect()
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
        let mut said = Said::default();
        event.record(&mut said);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((metadata.target(), said.text()));
    }
}

/// An event's message, and the reason for it where one is given.
#[derive(Default)]
struct Said {
    message: String,
    reason: Option<String>,
}

impl Said {
    fn text(self) -> String {
        match self.reason {
            Some(reason) => format!("{}: {reason}", self.message),
            None => self.message,
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "reason" => self.reason = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}
