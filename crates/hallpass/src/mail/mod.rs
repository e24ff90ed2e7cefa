//! Mail: what the server sends, and who carries it.
//!
//! The engine writes the links; a [`Mailer`] carries them. Mail goes out in the background, after what it is about was committed: a slow
//! or failing mail server makes no request slow or failing. What fails is tried again a few times, then logged.
//!
//! ```
//! use hallpass::{Hallpass, mail::{Mail, MailError, MailKind}, store::MemoryStore};
//!
//! # fn main() -> Result<(), hallpass::BuildError> {
//! let auth = Hallpass::builder()
//!     .secret("a secret of at least thirty-two characters")
//!     .base_url("https://api.example.com")
//!     .store(MemoryStore::new())
//!     // One closure for every kind of mail; `mailer_for` takes one for a single kind.
//!     .mailer(|mail: Mail| async move {
//!         println!("to {}: {} {}", mail.to, mail.subject, mail.url);
//!         Ok::<(), MailError>(())
//!     })
//!     .build()?;
//! # Ok(()) }
//! ```

mod outbox;

use std::{borrow::Cow, error::Error, fmt, time::Duration};

use futures_util::future::BoxFuture;
use hallpass_store::User;
use serde::{Deserialize, Serialize};

pub(crate) use outbox::{Outbox, Senders};

/// What a mail is for. Plugins make kinds of their own with [`MailKind::new`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MailKind(Cow<'static, str>);

impl MailKind {
    /// Proves that an address is its owner's.
    pub const VERIFY_EMAIL: Self = Self::new("verify-email");
    /// Lets somebody choose a new password.
    pub const RESET_PASSWORD: Self = Self::new("reset-password");
    /// Asks at the old address whether the new one is wanted.
    pub const CHANGE_EMAIL_CONFIRMATION: Self = Self::new("change-email-confirmation");
    /// Asks whether an account is really to be deleted.
    pub const DELETE_ACCOUNT: Self = Self::new("delete-account");

    /// A kind of this name.
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MailKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One mail. `url` and `token` open an account to whoever reads them, so they do not print.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Mail {
    /// Names this mail, at every try alike, so that whoever gets it twice can tell. Drawn when it is handed over; empty before.
    #[serde(skip)]
    pub id: String,
    /// What it is for.
    pub kind: MailKind,
    /// Whom it goes to.
    pub to: String,
    /// A subject in English; whoever carries the mail may choose another.
    pub subject: String,
    /// The link to put in it.
    pub url: String,
    /// The token in that link, for applications that make links of their own.
    pub token: String,
    /// For [`MailKind::CHANGE_EMAIL_CONFIRMATION`], the address that is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_email: Option<String>,
    /// The user, as they are now; for a mail to an address they do not have yet, with that address.
    #[serde(skip)]
    pub user: User,
}

impl Mail {
    /// A mail to a user's own address.
    pub fn new(kind: MailKind, user: User, subject: impl Into<String>, url: String, token: String) -> Self {
        let (id, to) = (String::new(), user.email.clone());
        Self { id, kind, to, subject: subject.into(), url, token, new_email: None, user }
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("kind", &self.kind).field("user", &self.user.id).finish_non_exhaustive()
    }
}

/// Why a mail was not carried.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct MailError {
    cause: Box<dyn Error + Send + Sync>,
    is_final: bool,
    retry_after: Option<Duration>,
}

impl MailError {
    /// It may work later: the mail is tried again.
    pub fn temporary(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: cause.into(), is_final: false, retry_after: None }
    }

    /// It will never work: the mail is given up at once.
    pub fn permanent(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { cause: cause.into(), is_final: true, retry_after: None }
    }

    /// The other side asked to be left alone for so long. The outbox waits at least that, within reason.
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// Whether trying again makes no sense.
    pub fn is_permanent(&self) -> bool {
        self.is_final
    }
}

/// Carries mail. Any async closure from [`Mail`] to `Result<(), MailError>` is one.
pub trait Mailer: Send + Sync + 'static {
    /// Carries one mail, or says why not. It is called again when the failure was temporary, so a mail may arrive twice.
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailError>>;
}

impl<F, Sent> Mailer for F
where
    F: Fn(Mail) -> Sent + Send + Sync + 'static,
    Sent: Future<Output = Result<(), MailError>> + Send + 'static,
{
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailError>> {
        Box::pin(self(mail))
    }
}
