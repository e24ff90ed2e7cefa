//! Mail through a mail server.

mod text;
mod url;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use futures_util::future::BoxFuture;
use hallpass::{
    Clock,
    mail::{Mail, MailError, Mailer},
};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::AsyncSmtpTransportBuilder,
};
use tokio::time::timeout;

use self::{text::Text, url::Server};
use crate::SetupError;

const CONNECT_TIME: Duration = Duration::from_secs(15);
/// How long a server may take for everything.
const TIME: Duration = Duration::from_mins(1);

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Sends each mail through a mail server, as plain text and HTML. Connections are kept and used again.
///
/// | URL | |
/// |---|---|
/// | `smtps://user:password@mail.example.com` | TLS from the first byte, port 465 |
/// | `smtp://user:password@mail.example.com?tls=required` | TLS after STARTTLS, or nothing is sent; port 587 |
/// | `smtp://mail.example.com?tls=opportunistic` | TLS if the server offers it, which whoever is in between can prevent; port 587 |
/// | `smtp://localhost` | never TLS, port 25 |
///
/// A path, as in `smtps://mail.example.com/auth.example.com`, is the name under which hallpass greets the server. Letters that mean
/// something in URLs are percent-encoded in user name and password.
///
/// What the server refuses for good (5xx) is given up; anything else is tried again.
///
/// ```
/// use hallpass::SystemClock;
/// use hallpass_mail::SmtpMailer;
/// # fn main() -> Result<(), hallpass_mail::SetupError> {
/// let mailer = SmtpMailer::new(
///     "smtps://user:password@mail.example.com",
///     "Example <no-reply@example.com>",
///     SystemClock,
/// )?;
/// # Ok(()) }
/// ```
pub struct SmtpMailer {
    server: Server,
    from: Mailbox,
    clock: Arc<dyn Clock>,
    /// Made when it is first needed, because it runs a task of its own.
    transport: Mutex<Option<Transport>>,
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").field("server", &self.server).finish_non_exhaustive()
    }
}

impl SmtpMailer {
    /// Sends through the server at this URL, from this address, with a name or without.
    ///
    /// # Errors
    /// When the URL is none of those above, or the address is none.
    pub fn new(url: &str, from: &str, clock: impl Clock) -> Result<Self, SetupError> {
        let from = from.parse().map_err(|_| {
            SetupError::new(format!("`{from}` is no address to send mail from; write it as in Example <a@example.com>"))
        })?;
        let server = url.parse()?;
        // Whatever is wrong with certificates shows now.
        Server::transport(&server)?;
        Ok(Self { server, from, clock: Arc::new(clock), transport: Mutex::new(None) })
    }

    /// Trusts certificates that these (in PEM) have signed, besides those of the system.
    ///
    /// # Errors
    /// When they are no certificates.
    pub fn trust(mut self, pem: &[u8]) -> Result<Self, SetupError> {
        self.server.trust(pem)?;
        Ok(self)
    }

    async fn deliver(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        let transport = self.transport()?;
        let Ok(sent) = timeout(TIME, transport.send(message)).await else {
            // The connection was left in the middle of something, and would be used again.
            *self.lock() = None;
            return Err(MailError::temporary("the mail server took more than a minute"));
        };
        // Servers repeat the address, which a stranger may have typed.
        let said = |error: &lettre::transport::smtp::Error| error.to_string().replace(&mail.to, "…");
        match sent {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(MailError::permanent(said(&error))),
            Err(error) => Err(MailError::temporary(said(&error))),
        }
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let to: Address = mail.to.parse().map_err(|_| MailError::permanent("the address is none"))?;
        let text = Text::of(mail);
        let now = u64::try_from(self.clock.now().as_millis()).unwrap_or_default();
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&*mail.subject)
            .date(UNIX_EPOCH + Duration::from_millis(now))
            // The same at every try, so that a mail that arrives twice is known for one.
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            // Keeps notes of absence from being sent back.
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()))
            .multipart(MultiPart::alternative_plain_html(text.plain(), text.html()))
            .map_err(MailError::permanent)
    }

    fn transport(&self) -> Result<Transport, MailError> {
        let mut kept = self.lock();
        if let Some(transport) = &*kept {
            return Ok(transport.clone());
        }
        let made = self.server.transport().map_err(MailError::temporary)?;
        let made = AsyncSmtpTransportBuilder::build(made.timeout(Some(CONNECT_TIME)));
        *kept = Some(made.clone());
        Ok(made)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Transport>> {
        self.transport.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailer for SmtpMailer {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailError>> {
        Box::pin(async move { self.deliver(&mail).await })
    }
}
