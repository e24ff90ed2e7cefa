//! What the URL of a mail server says.

use std::{fmt, str::FromStr};

use lettre::{
    AsyncSmtpTransport, Tokio1Executor,
    transport::smtp::{
        AsyncSmtpTransportBuilder,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::SetupError;

/// When a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    FromTheStart,
    Required,
    Opportunistic,
    Never,
}

/// A mail server and how to get there.
#[derive(Clone)]
pub(super) struct Server {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<Credentials>,
    /// What it is greeted as.
    own_name: Option<String>,
    trusted: Vec<Certificate>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, encryption, .. } = self;
        f.debug_struct("Server").field("host", host).field("port", port).field("encryption", encryption).finish()
    }
}

impl FromStr for Server {
    type Err = SetupError;

    fn from_str(text: &str) -> Result<Self, SetupError> {
        let wrong = |what: &str| SetupError::new(format!("the URL of the mail server {what}"));
        let url =
            Url::parse(text).map_err(|_| wrong("is none; write it as in smtps://user:password@mail.example.com"))?;
        let tls: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let tls: Vec<_> = tls.iter().map(|(name, value)| (&**name, &**value)).collect();
        let (encryption, port) = match (url.scheme(), &*tls) {
            ("smtps", []) => (Encryption::FromTheStart, 465),
            ("smtp", [("tls", "required")]) => (Encryption::Required, 587),
            ("smtp", [("tls", "opportunistic")]) => (Encryption::Opportunistic, 587),
            ("smtp", []) => (Encryption::Never, 25),
            _ => {
                return Err(wrong(
                    "begins with smtps://, or with smtp:// and may then end in ?tls=required or ?tls=opportunistic",
                ));
            }
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("names no host"))?;
        let decoded = |part: &str| {
            let text = percent_decode_str(part).decode_utf8().map(std::borrow::Cow::into_owned);
            text.map_err(|_| wrong("holds a user name or password that is no UTF-8"))
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            ("", Some(_)) | (_, None) => return Err(wrong("needs both a user name and a password, or neither")),
            (user, Some(password)) => Some(Credentials::new(decoded(user)?, decoded(password)?)),
        };
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(port),
            encryption,
            credentials,
            own_name: Some(url.path().trim_matches('/').to_owned()).filter(|name| !name.is_empty()),
            trusted: Vec::new(),
        })
    }
}

impl Server {
    /// Trusts these certificates, in PEM, besides the system's.
    pub(super) fn trust(&mut self, pem: &[u8]) -> Result<(), SetupError> {
        let certificate = Certificate::from_pem(pem);
        self.trusted
            .push(certificate.map_err(|error| SetupError::new(format!("the certificate to trust is none: {error}")))?);
        Ok(())
    }

    pub(super) fn transport(&self) -> Result<AsyncSmtpTransportBuilder, SetupError> {
        let tls = match self.encryption {
            Encryption::FromTheStart => Tls::Wrapper(self.parameters()?),
            Encryption::Required => Tls::Required(self.parameters()?),
            Encryption::Opportunistic => Tls::Opportunistic(self.parameters()?),
            Encryption::Never => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&*self.host).port(self.port).tls(tls);
        if let Some(credentials) = &self.credentials {
            builder = builder.credentials(credentials.clone());
        }
        if let Some(name) = &self.own_name {
            builder = builder.hello_name(ClientId::Domain(name.clone()));
        }
        Ok(builder)
    }

    fn parameters(&self) -> Result<TlsParameters, SetupError> {
        let mut parameters = TlsParameters::builder(self.host.clone());
        for certificate in &self.trusted {
            parameters = parameters.add_root_certificate(certificate.clone());
        }
        parameters.build().map_err(|error| SetupError::new(format!("TLS is not to be had: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_how_to_get_there() {
        for (url, host, port, encryption) in [
            ("smtps://mail.example.com", "mail.example.com", 465, Encryption::FromTheStart),
            ("smtp://mail.example.com?tls=required", "mail.example.com", 587, Encryption::Required),
            ("smtp://mail.example.com:26?tls=opportunistic", "mail.example.com", 26, Encryption::Opportunistic),
            ("smtp://[::1]/", "::1", 25, Encryption::Never),
        ] {
            let server: Server = url.parse().unwrap();
            assert_eq!((&*server.host, server.port, server.encryption), (host, port, encryption), "{url}");
            server.transport().unwrap();
        }
    }

    #[test]
    fn user_and_password_are_decoded_and_do_not_print() {
        let server: Server = "smtps://ada%40example.com:p%2Fw@h/auth.example.com".parse().unwrap();
        assert_eq!(server.credentials, Some(Credentials::new("ada@example.com".into(), "p/w".into())));
        assert_eq!(server.own_name.as_deref(), Some("auth.example.com"));
        assert!(!format!("{server:?}").contains("p/w"));
    }

    #[test]
    fn what_is_no_such_url_is_refused_without_being_shown() {
        for url in [
            "",
            "mail.example.com",
            "http://u:hunter2@h",
            "smtp://",
            "smtps://u:hunter2@h?tls=required",
            "smtp://u:hunter2@h?tls=yes",
            "smtp://h?tls=required&x=1",
            "smtp://u@h",
            "smtp://:hunter2@h",
            "smtp://u:%ff@h",
        ] {
            let error = url.parse::<Server>().unwrap_err().to_string();
            assert!(error.starts_with("the URL of the mail server ") && !error.contains("hunter2"), "{url}: {error}");
        }
    }
}
