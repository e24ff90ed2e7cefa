use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// Signing up and in with e-mail address and password (`emailAndPassword` in the npm package).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the npm package's")]
pub struct EmailAndPassword {
    /// Whether it is offered at all.
    pub enabled: bool,
    /// Refuses new users.
    pub disable_sign_up: bool,
    /// Signs a new user in at once. When not, a taken address is answered as if it were free, to tell strangers nothing.
    pub auto_sign_in: bool,
    /// Lets users in only once they have verified their address.
    pub require_email_verification: bool,
    /// In UTF-16 code units, before normalisation; 0 means the default, 8.
    pub min_password_length: usize,
    /// In UTF-16 code units, before normalisation; 0 means the default, 128.
    pub max_password_length: usize,
    /// Whether mail to choose a new password is sent. When not said: if there is a mailer.
    pub send_reset_password: Option<bool>,
    /// How long the link in it is good for; 1 hour, also when 0.
    pub reset_password_token_expires_in: Option<Span>,
    /// Ends all sessions of a user who chose a new password that way.
    pub revoke_sessions_on_password_reset: bool,
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
            send_reset_password: None,
            reset_password_token_expires_in: None,
            revoke_sessions_on_password_reset: false,
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

    pub(crate) fn reset_password_token_expires_in(&self) -> Duration {
        Span::or_hours(self.reset_password_token_expires_in, 1)
    }
}
