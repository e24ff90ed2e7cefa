//! *Keep*: where a token lives between two calls.
//!
//! # Implementing it
//!
//! A [`TokenStore`] holds at most one token for each [`Slot`], and has two methods. [`load`](TokenStore::load) reads.
//! [`replace`](TokenStore::replace) compares and writes in one step: it looks at what is there, and writes only if that is what the
//! caller [expects](Expect). The comparison is what makes the client safe with parallel calls, so nobody may come between it and the
//! write: hold a lock, or use your database's own comparison.
//!
//! ```
//! use std::{collections::HashMap, sync::Mutex};
//! use futures_util::future::BoxFuture;
//! use hallpass_client::{Token, store::{Expect, Slot, TokenStore, TokenStoreError}};
//!
//! /// Forgets everything when the process ends.
//! struct Forgetful(Mutex<HashMap<Slot, Token>>);
//!
//! impl TokenStore for Forgetful {
//!     fn load<'a>(&'a self, slot: &'a Slot) -> BoxFuture<'a, Result<Option<Token>, TokenStoreError>> {
//!         Box::pin(async { Ok(self.0.lock().unwrap().get(slot).cloned()) })
//!     }
//!
//!     fn replace<'a>(
//!         &'a self,
//!         slot: &'a Slot,
//!         expect: Expect<'a>,
//!         new: Option<&'a Token>,
//!     ) -> BoxFuture<'a, Result<bool, TokenStoreError>> {
//!         Box::pin(async move {
//!             let mut tokens = self.0.lock().unwrap();
//!             if !expect.is_met_by(tokens.get(slot)) {
//!                 return Ok(false);
//!             }
//!             match new {
//!                 Some(token) => tokens.insert(slot.clone(), token.clone()),
//!                 None => tokens.remove(slot),
//!             };
//!             Ok(true)
//!         })
//!     }
//! }
//! ```

mod closure;
mod contents;
mod file;
#[cfg(feature = "keyring")]
mod keyring;
mod lock;
mod memory;

use std::{error::Error, fmt};

use futures_util::future::BoxFuture;

#[cfg(feature = "keyring")]
pub use self::keyring::KeyringTokenStore;
pub(crate) use closure::TokenSource;
pub use file::FileTokenStore;
pub use memory::MemoryTokenStore;

use crate::Token;

/// A place for tokens. The module says how to write one.
pub trait TokenStore: Send + Sync + 'static {
    /// The token of this slot, if there is one.
    ///
    /// # Errors
    /// When that cannot be told. "There is none" is no error, and an error is never "there is none".
    fn load<'a>(&'a self, slot: &'a Slot) -> BoxFuture<'a, Result<Option<Token>, TokenStoreError>>;

    /// Writes `new` (or removes the token, if that is none), provided that what is there is as expected. Says whether it was.
    ///
    /// # Errors
    /// When it cannot be told or written; then what was there before has to be there still.
    fn replace<'a>(
        &'a self,
        slot: &'a Slot,
        expect: Expect<'a>,
        new: Option<&'a Token>,
    ) -> BoxFuture<'a, Result<bool, TokenStoreError>>;
}

/// Whose token: a server's, and among several of one server that of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    server: String,
    profile: String,
}

impl Slot {
    /// The profile where none is named.
    pub const DEFAULT_PROFILE: &'static str = "default";

    /// The token of this server (origin and base path, such as `https://api.example.com/api/auth`) and profile.
    pub fn new(server: impl Into<String>, profile: impl Into<String>) -> Self {
        Self { server: server.into(), profile: profile.into() }
    }

    /// Origin and base path of the server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The profile.
    pub fn profile(&self) -> &str {
        &self.profile
    }
}

/// What has to be there for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect<'a> {
    /// Whatever it is.
    Anything,
    /// No token.
    Nothing,
    /// This token.
    Token(&'a Token),
}

impl<'a> Expect<'a> {
    /// Whether this is what is expected.
    pub fn is_met_by(self, there: Option<&Token>) -> bool {
        match self {
            Self::Anything => true,
            Self::Nothing => there.is_none(),
            Self::Token(token) => there == Some(token),
        }
    }

    /// For what has to go to another thread.
    fn detached(self) -> OwnedExpect {
        match self {
            Self::Anything => OwnedExpect::Anything,
            Self::Nothing => OwnedExpect::Exactly(None),
            Self::Token(token) => OwnedExpect::Exactly(Some(token.clone())),
        }
    }

    /// What a call has sent.
    pub(crate) fn sent(token: Option<&'a Token>) -> Self {
        token.map_or(Self::Nothing, Self::Token)
    }
}

/// [`Expect`], with a token of its own.
enum OwnedExpect {
    Anything,
    Exactly(Option<Token>),
}

impl OwnedExpect {
    fn borrow(&self) -> Expect<'_> {
        match self {
            Self::Anything => Expect::Anything,
            Self::Exactly(token) => Expect::sent(token.as_ref()),
        }
    }
}

/// Why a store could not read or write. Its text says what to do about it, where there is something to do.
pub struct TokenStoreError {
    text: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl TokenStoreError {
    /// With a sentence for whoever has to mend it. It must not hold the token.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), source: None }
    }

    /// With what is underneath.
    pub fn because(text: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { text: text.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for TokenStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for TokenStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.source.as_ref().map(ToString::to_string);
        f.debug_struct("TokenStoreError").field("text", &self.text).field("source", &source).finish()
    }
}

impl Error for TokenStoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Runs what waits for files or other programs where it is in nobody's way.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TokenStoreError> + Send + 'static,
) -> Result<T, TokenStoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(TokenStoreError::because("the store stopped halfway", error)))
}
