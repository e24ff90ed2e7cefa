//! Tokens that end with the process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures_util::future::BoxFuture;

use super::{Expect, Slot, TokenStore, TokenStoreError};
use crate::Token;

/// Keeps tokens in memory. What a client does when nothing else is said.
#[derive(Default)]
pub struct MemoryTokenStore {
    tokens: Mutex<HashMap<Slot, Token>>,
}

impl MemoryTokenStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing that holds it can panic halfway, so what it guards is whole.
    fn tokens(&self) -> MutexGuard<'_, HashMap<Slot, Token>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, slot: &Slot, expect: Expect<'_>, new: Option<&Token>) -> bool {
        let mut tokens = self.tokens();
        let met = expect.is_met_by(tokens.get(slot));
        match new {
            Some(token) if met => drop(tokens.insert(slot.clone(), token.clone())),
            None if met => drop(tokens.remove(slot)),
            _ => {}
        }
        met
    }
}

impl TokenStore for MemoryTokenStore {
    fn load<'a>(&'a self, slot: &'a Slot) -> BoxFuture<'a, Result<Option<Token>, TokenStoreError>> {
        Box::pin(async { Ok(self.tokens().get(slot).cloned()) })
    }

    fn replace<'a>(
        &'a self,
        slot: &'a Slot,
        expect: Expect<'a>,
        new: Option<&'a Token>,
    ) -> BoxFuture<'a, Result<bool, TokenStoreError>> {
        Box::pin(async move { Ok(self.write(slot, expect, new)) })
    }
}

impl fmt::Debug for MemoryTokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTokenStore").finish_non_exhaustive()
    }
}
