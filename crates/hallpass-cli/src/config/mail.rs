//! How mail goes out.

use std::{net::IpAddr, path::PathBuf};

use hallpass::Environment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{Config, Hidden, secret::beside_the_database};

/// `[mail]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MailSection {
    /// How it goes out. When not said: in development to a file, in production not at all.
    pub transport: Option<MailTransport>,
    /// Which file; `outbox.jsonl` beside the database.
    pub path: Option<PathBuf>,
    /// Which mail server or webhook. May hold a password.
    pub url: Option<Hidden>,
    /// Whom mail through a mail server is from.
    pub from: Option<String>,
    /// What requests to a webhook are signed with.
    pub secret: Option<Hidden>,
}

/// How mail goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailTransport {
    /// Into a file, as lines of JSON.
    File,
    /// Through a mail server.
    Smtp,
    /// To a program of the operator's.
    Webhook,
}

/// Who carries mail, with what that takes.
pub(crate) enum Carrier<'a> {
    Nobody,
    File(PathBuf),
    Smtp { url: &'a str, from: &'a str },
    Webhook { url: &'a str, secret: &'a str },
}

impl Config {
    /// Who carries mail, or which key is missing.
    pub(crate) fn mail_carrier(&self) -> Result<Carrier<'_>, String> {
        let mail = &self.mail;
        let is_development = self.environment() == Environment::Development;
        match mail.transport {
            None if *mail != MailSection::default() => {
                Err("mail.transport is not set; say \"file\", \"smtp\" or \"webhook\"".into())
            }
            None if !is_development => Ok(Carrier::Nobody),
            None | Some(MailTransport::File) => {
                let beside = || beside_the_database(&self.database.url, "outbox.jsonl");
                Ok(Carrier::File(mail.path.clone().unwrap_or_else(beside)))
            }
            Some(MailTransport::Smtp) => {
                let url = mail.url.as_ref().ok_or(
                    "mail.url is required for transport = \"smtp\"; set it to the mail server, such as \
                     smtps://user:password@mail.example.com",
                )?;
                let from = mail.from.as_deref().ok_or(
                    "mail.from is required for transport = \"smtp\"; set it to the address that mail is from, such as \
                     Example <no-reply@example.com>",
                )?;
                Ok(Carrier::Smtp { url: &url.0, from })
            }
            Some(MailTransport::Webhook) => {
                let url = mail.url.as_ref().ok_or(
                    "mail.url is required for transport = \"webhook\"; set it to where mail is to be posted, such as \
                     https://app.example.com/send-mail",
                )?;
                let secret = mail.secret.as_ref().ok_or(
                    "mail.secret is required for transport = \"webhook\"; set it to what \
                     `echo whsec_$(openssl rand -base64 32)` prints, here and where the mail is received",
                )?;
                Ok(Carrier::Webhook { url: &url.0, secret: &secret.0 })
            }
        }
    }
}

/// Things about mail that are no errors and that the operator should know.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    let is_production = config.environment() == Environment::Production;
    match config.mail_carrier() {
        Ok(Carrier::File(path)) if is_production => warnings.push(format!(
            "mail.transport is \"file\": mail is written to {} and reaches nobody; set it to \"smtp\" or \"webhook\"",
            path.display()
        )),
        Ok(Carrier::Nobody) if config.email_and_password.require_email_verification => warnings.push(
            "email_and_password.require_email_verification is on and no mail is sent, so that nobody can verify an \
             address; set mail.transport"
                .into(),
        ),
        Ok(Carrier::Smtp { url, .. } | Carrier::Webhook { url, .. }) if travels_in_the_clear(url) => warnings.push(
            "mail.url: mail goes to another machine unencrypted, and the links in it open accounts; use smtps://, or \
             smtp:// with ?tls=required, or https://"
                .into(),
        ),
        _ => {}
    }
    warnings
}

fn travels_in_the_clear(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let is_encrypted = matches!(url.scheme(), "smtps" | "https")
        || url.query_pairs().any(|pair| pair == ("tls".into(), "required".into()));
    let stays_here = match url.host() {
        // Where the scheme is none of the web's, an address is a name to the parser.
        Some(Host::Domain(name)) => name == "localhost" || name.parse().is_ok_and(|it: IpAddr| it.is_loopback()),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    !is_encrypted && !stays_here
}
