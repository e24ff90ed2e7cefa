//! What a store says of a server that does not answer, and how often.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A reason that stays the same is said again after this.
const AGAIN: Duration = Duration::from_mins(1);

/// What was last said of it, while it lasts. An outage is told when it begins, when it gets another reason, once a minute, and when it
/// is over: attempts are many, and a line for each would hide everything else.
///
/// ```
/// use hallpass_store::Outage;
/// let outage = Outage::default();
/// assert!(outage.is_news("refused"), "this is to be logged");
/// assert!(!outage.is_news("refused"), "and this was");
/// assert!(outage.is_over());
/// ```
#[derive(Debug, Default)]
pub struct Outage(Mutex<Option<(String, Instant)>>);

impl Outage {
    /// Whether to say that it does not work, and why.
    pub fn is_news(&self, reason: &str) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.as_ref().is_some_and(|(known, at)| known == reason && at.elapsed() < AGAIN) {
            return false;
        }
        *said = Some((reason.to_owned(), Instant::now()));
        true
    }

    /// Whether to say that it works again.
    pub fn is_over(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_and_its_end_once() {
        let outage = Outage::default();
        assert!(!outage.is_over());
        assert!(outage.is_news("refused"));
        assert!(!outage.is_news("refused"));
        assert!(outage.is_news("timed out"));
        assert!(outage.is_over());
        assert!(!outage.is_over());
        assert!(outage.is_news("timed out"));
    }
}
