//! Answers that take the same time whatever they found.

use std::time::Duration;

use tokio::time::Instant;

use crate::{context::Context, request::Door};

/// Measures how long an answer takes, to hold it back until a least time has passed.
pub(super) struct Pace(Option<Instant>);

impl Pace {
    /// Begins to measure. Calls in process are not held back: nobody who makes them needs to measure anything.
    pub(super) fn begin(cx: &Context) -> Self {
        Self((cx.request().door() == Door::Http).then(Instant::now))
    }

    /// Waits until `least` has passed since the beginning.
    pub(super) async fn hold(self, least: Duration) {
        if let Some(begun) = self.0 {
            tokio::time::sleep_until(begun + least).await;
        }
    }
}
