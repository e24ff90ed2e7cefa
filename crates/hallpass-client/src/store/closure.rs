//! Tokens that somebody else keeps.

use std::{error::Error, future::Future};

use futures_util::future::BoxFuture;

use super::{Expect, Slot, TokenStore, TokenStoreError};
use crate::Token;

type BoxError = Box<dyn Error + Send + Sync>;
type Ask = dyn Fn() -> BoxFuture<'static, Result<Option<Token>, BoxError>> + Send + Sync;

/// A function that knows the token. It is only asked: what answers bring or end is shown to hooks, whose business it then is.
pub(crate) struct TokenSource(Box<Ask>);

impl TokenSource {
    pub(crate) fn new<F, T>(ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Option<Token>, T>> + Send + 'static,
        T: Into<BoxError>,
    {
        Self(Box::new(move || {
            let asked = ask();
            Box::pin(async { asked.await.map_err(Into::into) })
        }))
    }
}

impl TokenStore for TokenSource {
    fn load<'a>(&'a self, _: &'a Slot) -> BoxFuture<'a, Result<Option<Token>, TokenStoreError>> {
        Box::pin(async {
            (self.0)()
                .await
                .map_err(|error| TokenStoreError::because("the function that gives the token failed", error))
        })
    }

    fn replace<'a>(
        &'a self,
        _: &'a Slot,
        _: Expect<'a>,
        _: Option<&'a Token>,
    ) -> BoxFuture<'a, Result<bool, TokenStoreError>> {
        Box::pin(async { Ok(false) })
    }
}
