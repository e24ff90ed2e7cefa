//! What is kept, how many bytes it takes, and for how long.

use std::sync::Arc;

use hallpass_store::{Fields, Session, SessionAndUser, User, Value};
use quick_cache::{Weighter, sync::Cache};

use crate::{
    lease::Moment,
    numbers::{Key, Noted, Places},
};

/// A session and its user as they were read. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) noted: Noted,
    pub(crate) places: Places,
    /// Not believed after this.
    pub(crate) until: Moment,
    pub(crate) found: SessionAndUser,
}

/// That there was no such session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nobody {
    pub(crate) noted: Noted,
    pub(crate) until: Moment,
}

/// Sessions, and tokens without one in a room of their own: strangers who try tokens must not drive sessions out.
pub(crate) struct Rooms {
    sessions: Cache<Key, Entry, Bytes>,
    nobodies: Option<Cache<Key, Nobody, Bytes>>,
}

/// The part of the room that is for tokens without a session.
const NOBODIES: u64 = 16;

impl Rooms {
    pub(crate) fn new(max_bytes: u64, keeps_nobodies: bool) -> Self {
        let nobodies = if keeps_nobodies { max_bytes / NOBODIES } else { 0 };
        // What a session without anything special takes; a guess that sizes tables.
        let guess = |bytes: u64, each: u64| usize::try_from(bytes / each).unwrap_or(usize::MAX);
        let sessions = max_bytes - nobodies;
        Self {
            sessions: Cache::with_weighter(guess(sessions, 1024), sessions, Bytes),
            nobodies: (nobodies > 0).then(|| Cache::with_weighter(guess(nobodies, SLOT), nobodies, Bytes)),
        }
    }

    pub(crate) fn session(&self, key: &Key) -> Option<Entry> {
        self.sessions.get(key)
    }

    pub(crate) fn nobody(&self, key: &Key) -> Option<Nobody> {
        self.nobodies.as_ref()?.get(key)
    }

    pub(crate) fn keep(&self, key: Key, entry: Entry) {
        self.sessions.insert(key, entry);
    }

    pub(crate) fn keep_nobody(&self, key: Key, nobody: Nobody) {
        // Whatever was kept of the token is older; its numbers say so too.
        self.sessions.remove(&key);
        if let Some(nobodies) = &self.nobodies {
            nobodies.insert(key, nobody);
        }
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.sessions.remove(key);
        if let Some(nobodies) = &self.nobodies {
            nobodies.remove(key);
        }
    }

    /// How many there are, and how many bytes they take.
    pub(crate) fn size(&self) -> (u64, u64) {
        let (mut entries, mut bytes) = (self.sessions.len(), self.sessions.weight());
        if let Some(nobodies) = &self.nobodies {
            entries += nobodies.len();
            bytes += nobodies.weight();
        }
        (entries as u64, bytes)
    }
}

/// Weighs what is kept.
#[derive(Clone)]
struct Bytes;

/// What an entry takes in the tables besides itself: key, numbers, pointer, the places in queue and hash table, and the ghosts that remember what
/// was there before. An estimate that is rather too high than too low: `tests/memory.rs` holds it against the memory of a process, which
/// took 1533 bytes an entry where this says 1584, before there was a ghost.
const SLOT: u64 = 160;

/// The shared part of an entry: the two records without their texts, the counters of their Arc, and where their JSON is.
const SHARED: usize = size_of::<Session>() + size_of::<User>() + 48;

/// What `Bytes` notes of a buffer that it shares.
const SHARED_BYTES: usize = 32;

impl Weighter<Key, Entry> for Bytes {
    fn weight(&self, _: &Key, entry: &Entry) -> u64 {
        SLOT + bytes(&entry.found)
    }
}

impl Weighter<Key, Nobody> for Bytes {
    fn weight(&self, _: &Key, _: &Nobody) -> u64 {
        SLOT
    }
}

/// How much of the heap it takes.
fn bytes(found: &SessionAndUser) -> u64 {
    let Session { id, token, ip_address, user_agent, user_id, extra: of_session, .. } = &found.session;
    let User { id: owner, name, email, image, extra: of_user, .. } = &found.user;
    let texts = [id.as_str(), token.expose(), user_id.as_str(), owner.as_str(), name, email];
    let optional = [ip_address, user_agent, image].map(|text| text.as_deref().unwrap_or_default());
    let texts = texts.into_iter().chain(optional);
    let blocks: usize = texts.clone().map(|text| block(text.len())).sum();
    let escapes: usize = texts.map(escapes).sum();
    // It is written when the session is first asked for over HTTP, so each is weighed as if it had been. What additional fields take in
    // memory and in JSON is about the same.
    let json = block(found.json_size() + escapes) + block(SHARED_BYTES);
    (block(SHARED) + blocks + json + 2 * (fields(of_session) + fields(of_user))) as u64
}

/// What an allocation of this many bytes takes with the allocator's own word, in its steps of 16.
const fn block(bytes: usize) -> usize {
    if bytes == 0 {
        0
    } else if bytes <= 24 {
        32
    } else {
        (bytes + 8).next_multiple_of(16)
    }
}

/// By how much a text is longer in JSON. Names are what strangers choose, and one of control characters is written six times as long.
fn escapes(text: &str) -> usize {
    let longer = |byte| match byte {
        0..0x20 => 5,
        b'"' | b'\\' => 1,
        _ => 0,
    };
    text.bytes().map(longer).sum()
}

fn fields(fields: &Fields) -> usize {
    // Names are shared with the schema, but for fields that a document holds.
    let cells = fields.iter().map(|(_, value)| match value {
        Value::Text(text) => block(text.capacity()) + escapes(text),
        Value::Json(json) => document(json),
        _ => 0,
    });
    block(fields.len() * size_of::<(Arc<str>, Value)>()) + cells.sum::<usize>()
}

/// Roughly: each value with the place it has in its list or object.
fn document(json: &serde_json::Value) -> usize {
    use serde_json::Value as Json;
    match json {
        Json::String(text) => block(text.capacity()) + escapes(text),
        Json::Array(list) => list.iter().map(|one| 32 + document(one)).sum(),
        Json::Object(map) => map.iter().map(|(name, one)| 120 + block(name.capacity()) + document(one)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use hallpass_store::{SessionId, SessionToken, Timestamp, UserId};

    use super::*;

    #[test]
    fn a_text_weighs_what_it_takes_with_its_json() {
        let now = Timestamp::from_millis(0);
        let weighed = |name: &str| {
            let user = User::new(UserId::new("u1"), name, "ann@example.com", now);
            let session = Session::new(SessionId::new("s1"), SessionToken::new("t"), user.id.clone(), now, now);
            let found = SessionAndUser::new(session, user);
            (found.json().unwrap().len(), bytes(&found))
        };
        let (plain, least) = weighed("");
        for name in ["a".repeat(9000), "\u{1}".repeat(9000), "\"\\".repeat(4500), "é".repeat(4500)] {
            let (json, weight) = weighed(&name);
            let takes = json - plain + name.len();
            let weighs = usize::try_from(weight - least).unwrap();
            assert!((takes..takes + 64).contains(&weighs), "{takes} {weighs}");
        }
    }
}
