//! What a guard tells those who watch it.

use std::time::Duration;

use crate::{
    caller::Caller,
    source::{Reason, Unavailable},
};

/// One decision, for metrics and logs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Check<'a> {
    /// What was decided.
    pub seen: Seen<'a>,
    /// How long that took.
    pub took: Duration,
}

/// What a guard found.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Seen<'a> {
    /// A caller, who may go on.
    Caller(&'a Caller),
    /// A caller whom [`Guard::authorize`](crate::Guard::authorize) refused.
    Forbidden(&'a Caller),
    /// No caller, and why. With [`Reason::Missing`] the request may have gone on, if a caller is optional.
    Nobody(Reason),
    /// The source could not say.
    Unavailable(&'a Unavailable),
}

impl Seen<'_> {
    /// A short name, fit for a metric's label.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Caller(_) => "live",
            Self::Forbidden(_) => "forbidden",
            Self::Nobody(reason) => reason.as_str(),
            Self::Unavailable(_) => "unavailable",
        }
    }
}
