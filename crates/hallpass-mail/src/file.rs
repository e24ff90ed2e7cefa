//! Mail in a file.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use hallpass::mail::{Mail, MailError, Mailer};

/// Appends each mail to a file, as a line of JSON: `{"kind","to","subject","url","token","newEmail"?}`.
///
/// The file is made when the first mail comes, for its owner's eyes only: the links in it open accounts. Any number of processes may
/// append to one file; lines stay whole.
///
/// ```
/// use hallpass::{mail::{Mail, MailKind, Mailer}, store::{Timestamp, User, UserId}};
/// use hallpass_mail::FileMailer;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("outbox.jsonl");
/// let ada = User::new(UserId::new("u1"), "Ada", "ada@example.com", Timestamp::from_millis(0));
/// let mail = Mail::new(MailKind::VERIFY_EMAIL, ada, "Verify", "https://a.example/v".into(), "t".into());
/// FileMailer::new(&path).send(mail).await?;
/// assert!(std::fs::read_to_string(&path)?.starts_with(r#"{"kind":"verify-email","to":"ada@example.com""#));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct FileMailer {
    path: Arc<Path>,
}

impl FileMailer {
    /// Appends to the file at this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into().into() }
    }
}

impl Mailer for FileMailer {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailError>> {
        Box::pin(async move {
            let mut line = serde_json::to_vec(&mail).map_err(MailError::permanent)?;
            line.push(b'\n');
            let path = Arc::clone(&self.path);
            let written = tokio::task::spawn_blocking(move || append(&path, &line)).await;
            let shown = self.path.display();
            written
                .map_err(MailError::temporary)?
                .map_err(|error| MailError::temporary(format!("{shown} could not be written: {error}")))?;
            tracing::info!(kind = mail.kind.as_str(), path = %shown, "a mail was written to a file");
            Ok(())
        })
    }
}

/// Appends a whole line or nothing. The lock makes others wait, so that what a full disk cut short can be taken back.
fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.lock()?;
    let length = file.metadata()?.len();
    file.write_all(line).inspect_err(|_| drop(file.set_len(length)))
}
