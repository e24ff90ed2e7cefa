//! The server's secrets (CONTRACT §15).

use hallpass_verify::Secret;

/// What the server signs and encrypts with. It does not print.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    current: Secret,
}

impl Secrets {
    pub(crate) fn new(current: Secret) -> Self {
        Self { current }
    }

    /// The secret that everything new is made with, and the only one that signatures are checked with.
    pub(crate) fn current(&self) -> &[u8] {
        self.current.expose().as_bytes()
    }
}
