//! What the look-up of a token finds.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::{
    record::{Session, User},
    shown,
};

/// A session and whose it is, as they were read.
///
/// Whoever has a clone shares it with everybody else who has one: a cache with a thousand requests. So it does not change.
/// [`into_parts`](Self::into_parts) gives a session and a user of one's own.
///
/// ```
/// use hallpass_store::{Session, SessionAndUser, SessionId, SessionToken, Timestamp, User, UserId};
///
/// let now = Timestamp::from_millis(0);
/// let user = User::new(UserId::new("u1"), "Ann", "ann@example.com", now);
/// let token = SessionToken::new("abcdefghijklmnopqrstuvwxyzABCDEF");
/// let session = Session::new(SessionId::new("s1"), token, user.id.clone(), now, now);
/// let found = SessionAndUser::new(session, user);
/// assert_eq!(found.user.name, "Ann");
/// ```
#[derive(Clone)]
pub struct SessionAndUser(Arc<Shared>);

struct Shared {
    parts: Parts,
    /// Of these parts and of nothing else, so that it is true for as long as they are.
    json: OnceLock<Option<Bytes>>,
}

/// What a [`SessionAndUser`] is made of.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
#[non_exhaustive]
pub struct Parts {
    /// The session.
    pub session: Session,
    /// Its user.
    pub user: User,
}

impl SessionAndUser {
    /// Shares a session and its user.
    pub fn new(session: Session, user: User) -> Self {
        Self(Arc::new(Shared { parts: Parts { session, user }, json: OnceLock::new() }))
    }

    /// The two as one's own; copies, where others have them too.
    pub fn into_parts(self) -> (Session, User) {
        match Arc::try_unwrap(self.0) {
            Ok(Shared { parts: Parts { session, user }, .. }) => (session, user),
            Err(shared) => (shared.parts.session.clone(), shared.parts.user.clone()),
        }
    }

    /// Both as one JSON object. It is written once, for all who share it: of a session check that is answered from memory, writing is the
    /// largest part.
    ///
    /// It has every field, also those that clients are not to see; the engine takes those out before.
    ///
    /// `None` where an additional field holds what JSON has no words for.
    pub fn json(&self) -> Option<Bytes> {
        self.0.json.get_or_init(|| self.write()).clone()
    }

    fn write(&self) -> Option<Bytes> {
        let mut json = Vec::with_capacity(self.json_size());
        json.extend_from_slice(b"{\"session\":");
        shown::write(self.session.shown(), &mut json).ok()?;
        json.extend_from_slice(b",\"user\":");
        shown::write(self.user.shown(), &mut json).ok()?;
        json.push(b'}');
        Some(Bytes::from(json))
    }

    /// About how many bytes the JSON takes, rather too many than too few; without additional fields.
    pub fn json_size(&self) -> usize {
        /// Names, dates and punctuation.
        const FRAME: usize = 352;
        let Session { id, token, ip_address, user_agent, user_id, .. } = &self.session;
        let User { id: owner, name, email, image, .. } = &self.user;
        let texts = [id.as_str(), token.expose(), user_id.as_str(), owner.as_str(), name, email];
        let optional = [ip_address, user_agent, image].map(|text| text.as_deref().unwrap_or_default());
        FRAME + texts.into_iter().chain(optional).map(str::len).sum::<usize>()
    }
}

impl Deref for SessionAndUser {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

impl From<(Session, User)> for SessionAndUser {
    fn from((session, user): (Session, User)) -> Self {
        Self::new(session, user)
    }
}

impl PartialEq for SessionAndUser {
    fn eq(&self, other: &Self) -> bool {
        self.0.parts == other.0.parts
    }
}

impl fmt::Debug for SessionAndUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.parts.fmt(f)
    }
}

impl Serialize for SessionAndUser {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.parts.serialize(serializer)
    }
}

impl JsonSchema for SessionAndUser {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        Parts::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Parts::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SessionId, SessionToken, Timestamp, UserId};

    fn found() -> SessionAndUser {
        let now = Timestamp::from_millis(0);
        let user = User::new(UserId::new("u1"), "Ann", "ann@example.com", now);
        SessionAndUser::new(Session::new(SessionId::new("s1"), SessionToken::new("t"), user.id.clone(), now, now), user)
    }

    #[test]
    fn what_is_written_is_what_is_there() {
        let found = found();
        assert_eq!(found.json().unwrap(), serde_json::to_vec(&found).unwrap());
        // Parts of one's own may change, and are another thing then.
        let (session, mut user) = found.clone().into_parts();
        user.name = "Bob".into();
        let other = SessionAndUser::new(session, user);
        assert!(String::from_utf8(other.json().unwrap().to_vec()).unwrap().contains("Bob"));
        assert!(String::from_utf8(found.json().unwrap().to_vec()).unwrap().contains("Ann"));
        assert_ne!(found, other);
    }

    #[test]
    fn the_size_is_about_right() {
        let found = found();
        let written = found.json().unwrap().len();
        assert!((written..written + 64).contains(&found.json_size()), "{written} {}", found.json_size());
    }

    #[test]
    fn it_does_not_print_the_token() {
        assert!(format!("{:?}", found()).contains("SessionToken(…)"));
    }
}
