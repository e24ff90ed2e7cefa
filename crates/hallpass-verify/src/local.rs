//! What can be said of a session token without asking anybody.

use hallpass_store::SessionToken;

use crate::{
    bearer::Admitted,
    signed::{Secret, SigningKey},
    source::Reason,
    token::BearerToken,
};

/// The signature check that stands before every store. The same as the engine's: the lenient reader of the bearer hook first, and the strict
/// one has the last word (CONTRACT §8.1).
#[derive(Debug, Clone)]
pub(crate) struct Signatures {
    key: SigningKey,
    pub(crate) required: bool,
}

impl Signatures {
    pub(crate) fn new(secret: &Secret) -> Self {
        Self { key: SigningKey::new(secret.expose()), required: false }
    }

    /// The token to ask the store for.
    pub(crate) fn admit(&self, token: &BearerToken) -> Result<SessionToken, Reason> {
        let admitted = token.credential().admit(&self.key, self.required);
        admitted.as_ref().and_then(Admitted::token).map(SessionToken::new).ok_or(Reason::BadSignature)
    }
}
