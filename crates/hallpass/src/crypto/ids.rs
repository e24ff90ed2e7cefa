//! The ids of rows (`advanced.database.generateId` in the npm package; CONTRACT §6).

use std::sync::Arc;

use hallpass_store::Value;

use super::random::{ALPHANUMERIC, ID_LEN, Randomness, draw, draw_uuid};
use crate::options::GenerateId;

/// A function that makes the id of a row of the table it is given.
pub(crate) type MakeId = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// Makes the ids of rows.
#[derive(Clone)]
pub(crate) struct Ids {
    source: Source,
    randomness: Arc<dyn Randomness>,
}

#[derive(Clone)]
enum Source {
    Letters,
    Uuid,
    Database,
    Function(MakeId),
}

impl Ids {
    pub(crate) fn new(option: Option<GenerateId>, function: Option<MakeId>, randomness: Arc<dyn Randomness>) -> Self {
        let source = match (function, option) {
            (Some(function), _) => Source::Function(function),
            (None, None) => Source::Letters,
            (None, Some(GenerateId::Uuid)) => Source::Uuid,
            (None, Some(GenerateId::Serial | GenerateId::Database)) => Source::Database,
        };
        Self { source, randomness }
    }

    /// Whether ids are what records are drafted with, letters and digits.
    pub(crate) fn are_letters(&self) -> bool {
        matches!(self.source, Source::Letters)
    }

    /// Whether an id may be given out again once its row is gone: nobody draws the same letters twice, but numbers come back.
    pub(crate) fn may_come_back(&self) -> bool {
        matches!(self.source, Source::Database | Source::Function(_))
    }

    /// The id of a new row of a table; no value where the database decides.
    pub(crate) fn make(&self, table: &str) -> Value {
        match &self.source {
            Source::Letters => draw(&*self.randomness, ID_LEN, ALPHANUMERIC).into(),
            Source::Uuid => draw_uuid(&*self.randomness).into(),
            Source::Database => Value::Null,
            Source::Function(function) => function(table).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct All(u8);
    impl Randomness for All {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn a_uuid_says_that_it_is_random() {
        let uuid = |byte| Ids::new(Some(GenerateId::Uuid), None, Arc::new(All(byte))).make("user");
        assert_eq!(uuid(0x00), "00000000-0000-4000-8000-000000000000".into());
        assert_eq!(uuid(0xff), "ffffffff-ffff-4fff-bfff-ffffffffffff".into());
    }

    #[test]
    fn a_function_comes_before_the_option_and_is_told_the_table() {
        let function: MakeId = Arc::new(|table| format!("{table}-1"));
        let ids = Ids::new(Some(GenerateId::Serial), Some(function), Arc::new(All(0)));
        assert_eq!(ids.make("session"), "session-1".into());
    }
}
