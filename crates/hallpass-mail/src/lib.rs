//! Carries hallpass's mail.
//!
//! | Mailer | Feature | |
//! |---|---|---|
//! | [`FileMailer`] | | appends a line of JSON to a file: for development and tests |
//! | [`SmtpMailer`] | `smtp` | sends it through a mail server |
//! | [`WebhookMailer`] | `webhook` | posts it, signed, to a program of yours that sends it |
//!
//! Both features are on unless you turn them off. None of the three retries, queues or gives up: the engine does, and asks the error
//! whether another try makes sense.
//!
//! ```
//! use hallpass::{EmailAndPassword, Hallpass, store::MemoryStore};
//! use hallpass_mail::FileMailer;
//!
//! # fn main() -> Result<(), hallpass::BuildError> {
//! let auth = Hallpass::builder()
//!     .secret("a secret of at least thirty-two characters")
//!     .base_url("https://api.example.com")
//!     .store(MemoryStore::new())
//!     .email_and_password(EmailAndPassword::default())
//!     .mailer(FileMailer::new("outbox.jsonl"))
//!     .build()?;
//! # Ok(()) }
//! ```
//!
//! Certificates of servers are checked against those that the system trusts.

mod file;
#[cfg(feature = "smtp")]
mod smtp;
#[cfg(feature = "webhook")]
mod webhook;

pub use file::FileMailer;
#[cfg(feature = "smtp")]
pub use smtp::SmtpMailer;
#[cfg(feature = "webhook")]
pub use webhook::WebhookMailer;

/// What is wrong with a mailer's settings. The text says what to change, and holds no password.
#[cfg(any(feature = "smtp", feature = "webhook"))]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SetupError(String);

#[cfg(any(feature = "smtp", feature = "webhook"))]
impl SetupError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}
