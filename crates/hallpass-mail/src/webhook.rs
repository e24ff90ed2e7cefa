//! Mail to a program of the operator's own.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::future::BoxFuture;
use hallpass::{
    Clock,
    mail::{Mail, MailError, Mailer},
};
use hallpass_verify::SigningKey;
use reqwest::{
    Client, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect::Policy,
};
use url::Url;

use crate::SetupError;

const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long the other side may take for everything.
const TIME: Duration = Duration::from_secs(30);
/// What the scheme demands of a secret, in bytes.
const LEAST_SECRET: usize = 24;

/// Posts each mail to a URL as JSON: `{"kind","to","subject","url","token","newEmail"?}`.
///
/// Requests are signed as [Standard Webhooks](https://www.standardwebhooks.com) has it, so libraries for many languages can check
/// them: `webhook-id` names the mail and is the same at every try, `webhook-timestamp` is the time in seconds, and
/// `webhook-signature` is `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64.
///
/// A 2xx answer means that the mail was taken. 408, 429, 5xx and silence are tried again, `retry-after` in seconds is heeded; any
/// other answer is final. Redirects are not followed and proxies of the environment not used: what holds links that open accounts
/// goes where it was told and nowhere else.
///
/// ```
/// use hallpass::SystemClock;
/// use hallpass_mail::WebhookMailer;
/// # fn main() -> Result<(), hallpass_mail::SetupError> {
/// let mailer = WebhookMailer::new(
///     "https://app.example.com/send-mail",
///     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
///     SystemClock,
/// )?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct WebhookMailer {
    url: Url,
    key: SigningKey,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for WebhookMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookMailer").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl WebhookMailer {
    /// Posts to this URL, signing with this secret: `whsec_` and 24 random bytes or more in base64.
    ///
    /// # Errors
    /// When URL or secret are none.
    pub fn new(url: &str, secret: &str, clock: impl Clock) -> Result<Self, SetupError> {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| SetupError::new("the URL of a webhook begins with http:// or https://"))?;
        let key = secret.strip_prefix("whsec_").and_then(|rest| BASE64_STANDARD.decode(rest).ok());
        let key = key.filter(|key| key.len() >= LEAST_SECRET).ok_or_else(|| {
            SetupError::new(
                "the secret of a webhook is `whsec_` and at least 24 random bytes in base64, \
                 such as `echo whsec_$(openssl rand -base64 32)` prints",
            )
        })?;
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIME)
            .timeout(TIME)
            .user_agent(concat!("hallpass/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| SetupError::new(format!("the HTTP client could not be made: {}", chain(&error))))?;
        Ok(Self { url, key: SigningKey::new(key), client, clock: Arc::new(clock) })
    }

    async fn post(&self, mail: Mail) -> Result<(), MailError> {
        let body = serde_json::to_string(&mail).map_err(MailError::permanent)?;
        let timestamp = self.clock.now().as_millis() / 1000;
        let signed = self.key.sign(&format!("{}.{timestamp}.{body}", mail.id));
        let signature = signed.rsplit('.').next().unwrap_or_default();
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &mail.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", format!("v1,{signature}"))
            .body(body);
        let answer = request.send().await;
        // A URL may hold a password.
        check(&answer.map_err(|error| MailError::temporary(chain(&error.without_url())))?)
    }
}

impl Mailer for WebhookMailer {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailError>> {
        Box::pin(self.post(mail))
    }
}

/// What an answer means.
fn check(answer: &Response) -> Result<(), MailError> {
    let status = answer.status();
    let text = format!("the webhook answered {status}");
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(later(text, answer)),
        _ if status.is_server_error() => Err(later(text, answer)),
        _ => Err(MailError::permanent(text)),
    }
}

fn later(text: String, answer: &Response) -> MailError {
    let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let error = MailError::temporary(text);
    match asked {
        Some(seconds) => error.retry_after(Duration::from_secs(seconds)),
        None => error,
    }
}

/// An error with everything underneath it in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
