//! Reading the database that the auth server writes.

use std::{fmt, sync::Arc};

use hallpass_store::{Schema, Store};

use crate::{
    caller::Caller,
    clock::{Clock, SystemClock},
    local::Signatures,
    resolve::{Resolved, resolve},
    signed::Secret,
    source::{Reason, SessionSource, SourceFuture, Unavailable, Verdict},
    token::BearerToken,
};

/// Asks the store that the auth server writes: hallpass, or a Node server with the npm package.
///
/// It only reads. A session is not extended by being used here; it is when the client next asks the auth server. Nothing is cached, so a
/// session that was ended is worth nothing from then on. A forged token never reaches the store.
///
/// ```
/// use hallpass_verify::{BearerToken, SessionSource, SigningKey, StoreSource, store::*};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = MemoryStore::new();
/// # let schema = Schema::core();
/// # let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
/// # let end: Timestamp = "2999-01-01T00:00:00Z".parse().unwrap();
/// # let ann = User::new(UserId::new("u1"), "Ann", "ann@example.com", now);
/// # let session = Session::new(SessionId::new("s1"), SessionToken::new("abcdefghijklmnopqrstuvwxyzABCDEF"), ann.id.clone(), now, end);
/// # store.write(&schema, Batch::new().insert("user", ann.into_row()).insert("session", session.into_row())).await.unwrap();
/// let secret = "better-auth-contract-secret-00000000";
/// let source = StoreSource::new(store, secret).require_signature(true);
///
/// let signed = SigningKey::new(secret).sign("abcdefghijklmnopqrstuvwxyzABCDEF");
/// let token = BearerToken::new(signed).unwrap();
/// let caller = source.verify(&token).await.unwrap().live().unwrap();
/// assert_eq!(caller.email(), Some("ann@example.com"));
/// # });
/// ```
#[derive(Clone)]
pub struct StoreSource {
    store: Arc<dyn Store>,
    schema: Schema,
    signatures: Signatures,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for StoreSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSource").finish_non_exhaustive()
    }
}

impl StoreSource {
    /// Reads from a store. The secret is the auth server's.
    pub fn new(store: impl Store, secret: impl Into<Secret>) -> Self {
        Self::shared(Arc::new(store), secret)
    }

    /// Reads from a store that somebody else holds as well.
    pub fn shared(store: Arc<dyn Store>, secret: impl Into<Secret>) -> Self {
        let signatures = Signatures::new(&secret.into());
        Self { store, schema: Schema::core(), signatures, clock: Arc::new(SystemClock) }
    }

    /// Accepts signed tokens only, as `set-auth-token` has them. Say it here if the auth server says it.
    pub fn require_signature(mut self, require: bool) -> Self {
        self.signatures.required = require;
        self
    }

    /// The tables as the auth server has them, if it has other names or more columns than usual. Columns that are not in the schema are not
    /// read, and do no harm.
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = schema;
        self
    }

    /// Takes the time from somewhere else.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl SessionSource for StoreSource {
    fn verify<'a>(&'a self, token: &'a BearerToken) -> SourceFuture<'a> {
        Box::pin(async move {
            let token = match self.signatures.admit(token) {
                Ok(token) => token,
                Err(reason) => return Ok(reason.into()),
            };
            match resolve(&*self.store, &self.schema, &token, self.clock.now()).await {
                Ok(Resolved::Live(found)) => {
                    let (session, user) = found.into_parts();
                    Ok(Verdict::Live(Caller::of_session(session, user)))
                }
                Ok(Resolved::Expired(_)) => Ok(Reason::Expired.into()),
                Ok(Resolved::Unknown) => Ok(Reason::Unknown.into()),
                // A store that answers nonsense has not said that there is no session either.
                Err(error) => Err(Unavailable::new("the store could not look a session up").because(error)),
            }
        })
    }
}
