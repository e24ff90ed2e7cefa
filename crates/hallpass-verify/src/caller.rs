//! Who is calling.

use std::{fmt, sync::Arc};

use hallpass_store::{Session, SessionId, Timestamp, User, UserId};
use serde_json::{Map, Value};

/// Whom a token stands for, as far as its source knows.
///
/// Every source knows the user's id. A store, Redis and an auth server know [`user`](Self::user) and [`session`](Self::session) as well; a JSON
/// Web Token has [`claims`](Self::claims), and a user where the claims make one. Cheap to clone.
///
/// ```
/// use hallpass_verify::{Caller, store::{Timestamp, User, UserId}};
/// let mut user = User::new(UserId::new("u1"), "Ann", "ann@example.com", Timestamp::from_millis(0));
/// user.extra.set("role", "admin,editor");
/// let caller = Caller::of_user(user.id.clone()).with_user(user);
/// assert_eq!(caller.email(), Some("ann@example.com"));
/// assert!(caller.has_role("admin"));
/// assert!(!caller.has_role("edit"));
/// ```
#[derive(Clone, PartialEq)]
pub struct Caller(Arc<Known>);

#[derive(Clone, PartialEq)]
struct Known {
    user_id: UserId,
    session_id: Option<SessionId>,
    expires_at: Option<Timestamp>,
    user: Option<User>,
    session: Option<Session>,
    claims: Option<Map<String, Value>>,
}

impl fmt::Debug for Caller {
    /// Names the caller and tells no more of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("user_id", &self.0.user_id)
            .field("session_id", &self.0.session_id)
            .finish_non_exhaustive()
    }
}

impl Caller {
    /// A caller of whom only the user's id is known.
    pub fn of_user(user_id: UserId) -> Self {
        Self(Arc::new(Known { user_id, session_id: None, expires_at: None, user: None, session: None, claims: None }))
    }

    /// The caller that a session and its user make.
    pub fn of_session(session: Session, user: User) -> Self {
        Self(Arc::new(Known {
            user_id: user.id.clone(),
            session_id: Some(session.id.clone()),
            expires_at: Some(session.expires_at),
            user: Some(user),
            session: Some(session),
            claims: None,
        }))
    }

    /// The same, with the user's record.
    pub fn with_user(mut self, user: User) -> Self {
        Arc::make_mut(&mut self.0).user = Some(user);
        self
    }

    /// The same, with the id of a session of which no more is known.
    pub fn with_session_id(mut self, id: SessionId) -> Self {
        Arc::make_mut(&mut self.0).session_id = Some(id);
        self
    }

    /// The same, with what a token claims, and the moment from which on it is worth nothing.
    pub fn with_claims(mut self, claims: Map<String, Value>, expires_at: Timestamp) -> Self {
        let known = Arc::make_mut(&mut self.0);
        (known.claims, known.expires_at) = (Some(claims), Some(expires_at));
        self
    }

    /// Which user.
    pub fn user_id(&self) -> &UserId {
        &self.0.user_id
    }

    /// Which session, where the source knows.
    pub fn session_id(&self) -> Option<&SessionId> {
        self.0.session_id.as_ref()
    }

    /// The user's record, where the source knows it. Configured additional fields are in its `extra`.
    pub fn user(&self) -> Option<&User> {
        self.0.user.as_ref()
    }

    /// The session's record, where the source knows it.
    pub fn session(&self) -> Option<&Session> {
        self.0.session.as_ref()
    }

    /// What a JSON Web Token claims, where the caller brought one.
    pub fn claims(&self) -> Option<&Map<String, Value>> {
        self.0.claims.as_ref()
    }

    /// The user's address, where the source knows it.
    pub fn email(&self) -> Option<&str> {
        self.user().map(|user| &*user.email).or_else(|| self.claims()?.get("email")?.as_str())
    }

    /// From when on the credential is worth nothing, where the source knows.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.expires_at
    }

    /// A text among the additional fields of the user, then of the session, then among the claims.
    /// No place to look for rights: clients may be allowed to set fields of their session. See [`has_role`](Self::has_role).
    pub fn text(&self, field: &str) -> Option<&str> {
        let of_user = || self.user()?.extra.get(field)?.as_text();
        let of_session = || self.session()?.extra.get(field)?.as_text();
        of_user().or_else(of_session).or_else(|| self.claims()?.get(field)?.as_str())
    }

    /// Whether the user has a role: whether it is among the comma-separated ones of the field `role`, as the npm package's admin plugin
    /// keeps them. Goes by the user's record, and by claims where there is none; never by the session, whose fields clients may set.
    pub fn has_role(&self, role: &str) -> bool {
        let roles = match self.user() {
            Some(user) => user.extra.get("role").and_then(hallpass_store::Value::as_text),
            None => self.claims().and_then(|claims| claims.get("role")?.as_str()),
        };
        roles.is_some_and(|roles| roles.split(',').any(|one| one.trim() == role))
    }
}

#[cfg(test)]
mod tests {
    use hallpass_store::SessionToken;

    use super::*;

    #[test]
    fn a_field_of_the_session_gives_no_role() {
        let now = Timestamp::from_millis(0);
        let user = User::new(UserId::new("u1"), "Ann", "ann@example.com", now);
        let mut session = Session::new(SessionId::new("s1"), SessionToken::new("t"), user.id.clone(), now, now);
        session.extra.set("role", "admin");
        let caller = Caller::of_session(session, user);
        assert!(!caller.has_role("admin"));
        let claims = Map::from_iter([("role".to_owned(), Value::from("admin"))]);
        assert!(!caller.with_claims(claims.clone(), now).has_role("admin"), "the record knows better");
        assert!(Caller::of_user(UserId::new("u1")).with_claims(claims, now).has_role("admin"));
    }
}
