//! From a session token to the session, read-only.

use hallpass_store::{Schema, SessionAndUser, SessionToken, Store, StoreError, Timestamp};

/// What a token stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    /// A session that is worth something, and its user.
    Live(SessionAndUser),
    /// A session whose time is over, with its user.
    Expired(SessionAndUser),
    /// No session, or one whose user is gone.
    Unknown,
}

impl Resolved {
    /// The session and its user, while alive.
    pub fn live(self) -> Option<SessionAndUser> {
        match self {
            Self::Live(found) => Some(found),
            Self::Expired(_) | Self::Unknown => None,
        }
    }
}

/// Asks the store what a token stands for at `now`.
///
/// # Errors
/// The store's error, when it cannot answer. That is never "unknown": a caller who treats it so signs people out, and one
/// who treats it as "live" lets strangers in.
///
/// ```
/// # use hallpass_verify::{resolve, Resolved};
/// # use hallpass_store::{MemoryStore, Schema, SessionToken, Timestamp};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let (store, schema) = (MemoryStore::default(), Schema::core());
/// let token = SessionToken::new("abcdefghijklmnopqrstuvwxyzABCDEF");
/// let found = resolve(&store, &schema, &token, Timestamp::from_millis(0)).await;
/// assert!(matches!(found, Ok(Resolved::Unknown)));
/// # });
/// ```
pub async fn resolve(
    store: &dyn Store,
    schema: &Schema,
    token: &SessionToken,
    now: Timestamp,
) -> Result<Resolved, StoreError> {
    Ok(match store.session_with_user(schema, token).await? {
        None => Resolved::Unknown,
        Some(found) if found.session.expires_at < now => Resolved::Expired(found),
        Some(found) => Resolved::Live(found),
    })
}
