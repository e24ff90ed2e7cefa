use serde::{Deserialize, Serialize};

/// Signing up and in with e-mail address and password (`emailAndPassword` in the npm package).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the npm package's")]
pub struct EmailAndPassword {
    /// Whether it is offered at all.
    pub enabled: bool,
    /// Refuses new users.
    pub disable_sign_up: bool,
    /// Signs a new user in at once. When not, a taken address is answered as if it were free, to tell strangers nothing.
    pub auto_sign_in: bool,
    /// Lets users in only once they proved their address.
    pub require_email_verification: bool,
    /// In UTF-16 code units, before normalisation; 0 means the default, 8.
    pub min_password_length: usize,
    /// In UTF-16 code units, before normalisation; 0 means the default, 128.
    pub max_password_length: usize,
}

impl Default for EmailAndPassword {
    fn default() -> Self {
        Self {
            enabled: true,
            disable_sign_up: false,
            auto_sign_in: true,
            require_email_verification: false,
            min_password_length: 8,
            max_password_length: 128,
        }
    }
}

impl EmailAndPassword {
    pub(crate) fn min_password_length(&self) -> usize {
        if self.min_password_length == 0 { 8 } else { self.min_password_length }
    }

    pub(crate) fn max_password_length(&self) -> usize {
        if self.max_password_length == 0 { 128 } else { self.max_password_length }
    }
}
