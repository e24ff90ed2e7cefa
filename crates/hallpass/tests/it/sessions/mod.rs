//! The life of a session (CONTRACT §7), to the millisecond.

mod copies;
mod creation;
mod deferred;
mod ends;
mod freshness;
mod refresh;
mod traces;

use std::time::Duration;

use hallpass::{
    Bearer,
    options::{SessionOptions, Span},
};

use crate::support::{Stage, stage_with};

const MILLI: Duration = Duration::from_millis(1);

/// A day but for a millisecond.
const NEARLY_A_DAY: Duration = Duration::from_millis(86_399_999);

/// A stage with bearer and these session options.
fn with(options: SessionOptions) -> Stage {
    stage_with(|builder| builder.plugin(Bearer::new()).session(options))
}

/// Seconds, as options have them.
#[expect(clippy::unnecessary_wraps, reason = "every option is optional")]
const fn seconds(seconds: u64) -> Option<Span> {
    Some(Span::from_secs(seconds))
}
