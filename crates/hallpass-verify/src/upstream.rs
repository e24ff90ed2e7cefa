//! Asking a server over HTTP: connections that are kept, bounded times and sizes, no redirects.

use std::{fmt, time::Duration};

use reqwest::{
    Client, Response, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};

use crate::{source::Unavailable, token::BearerToken};

/// No answer is so large.
const LARGEST: usize = 1024 * 1024;
/// No hint to wait is believed beyond this.
const LONGEST_WAIT: u64 = 60;

/// A source cannot be set up as it was described.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// That is no `http` or `https` address.
    Address,
    /// The address is `http` and not of this machine, so tokens would travel readable.
    PlainHttp,
    /// What a [`JwtSource`](crate::JwtSource) needs is missing, or contradicts itself. Says what to change.
    Settings(&'static str),
    /// This machine's TLS, or what is needed for a connection, cannot be used.
    Client(Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "the auth server's address is not one; write it with its base path, as https://auth.example.com/api/auth",
            Self::PlainHttp => {
                "the auth server's address begins with http, and tokens would travel readable; write https, or, within a network that nobody \
                 else reads, say danger_allow_plain_http()"
            }
            Self::Settings(what) => what,
            Self::Client(_) => "connections to the auth server cannot be set up",
        })
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Client(cause) => Some(&**cause),
            _ => None,
        }
    }
}

/// Reads an address, which has to be encrypted or local.
pub(crate) fn address(text: &str, plain_http: bool) -> Result<Url, SetupError> {
    let url = Url::parse(text).map_err(|_| SetupError::Address)?;
    let is_local = match url.host() {
        // Names below `localhost` do not count: a resolver may ask the network for them.
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(SetupError::Address),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_local || plain_http => Ok(url),
        "http" => Err(SetupError::PlainHttp),
        _ => Err(SetupError::Address),
    }
}

/// A path below a base address.
pub(crate) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// A server that is asked over HTTP.
#[derive(Clone)]
pub(crate) struct Upstream(Client);

impl Upstream {
    pub(crate) fn new(timeout: Duration) -> Result<Self, SetupError> {
        let client = Client::builder()
            // A token must not follow to wherever a server points.
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(timeout)
            .timeout(timeout)
            .user_agent(concat!("hallpass-verify/", env!("CARGO_PKG_VERSION")))
            .build();
        client.map(Self).map_err(|error| SetupError::Client(error.into()))
    }

    /// GETs an address, with the token as it came.
    pub(crate) async fn get(&self, url: Url, token: Option<&BearerToken>) -> Result<Answer, Unavailable> {
        let mut request = self.0.get(url);
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(failed)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let response = request.send().await.map_err(|error| failed(error.without_url()))?;
        let status = response.status().as_u16();
        let retry_after = wait_of(response.headers());
        Ok(Answer { status, retry_after, body: read(response).await? })
    }
}

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    retry_after: Option<Duration>,
}

impl Answer {
    /// The body as JSON, of an answer that has the status 200.
    pub(crate) fn json(self) -> Result<serde_json::Value, Unavailable> {
        if self.status != 200 {
            let error = Unavailable::new(format!("the auth server answered with status {}", self.status));
            let error = error.because(advice(self.status));
            return Err(self.retry_after.into_iter().fold(error, Unavailable::retry_after));
        }
        // The parser's words may repeat what it read.
        serde_json::from_slice(&self.body)
            .map_err(|_| Unavailable::new("the auth server answered with something that is no JSON"))
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        300..400 => {
            "redirects are not followed: a token must not leave for another address; write the address that answers"
        }
        404 => "is the base path right? It usually ends with /api/auth",
        429 => "its rate limit counts this service as one client; give the path a rule of its own there",
        _ => "look into that server's log",
    }
}

/// Counts what arrives: a server that sends without end must not fill the memory.
async fn read(mut response: Response) -> Result<Vec<u8>, Unavailable> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| failed(error.without_url()))? {
        if body.len() + piece.len() > LARGEST {
            return Err(Unavailable::new("the auth server's answer is too large"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// How long a server wants to be left alone, in seconds; the rate limiter of this wire has a header of its own.
fn wait_of(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER).or_else(|| headers.get("x-retry-after"))?;
    let seconds: u64 = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST_WAIT)))
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Unavailable {
    Unavailable::new("the auth server could not be reached, or did not answer in time").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_travel_encrypted_or_not_far() {
        for good in
            ["https://auth.example.com/api/auth", "http://127.0.0.1:3000", "http://[::1]/x", "http://localhost:1"]
        {
            assert!(address(good, false).is_ok(), "{good}");
        }
        assert!(matches!(address("http://auth.internal", false), Err(SetupError::PlainHttp)));
        assert!(address("http://auth.internal", true).is_ok());
        for bad in ["", "auth.example.com", "ftp://x/", "/api/auth", "unix:/x"] {
            assert!(matches!(address(bad, true), Err(SetupError::Address)), "{bad}");
        }
    }

    #[test]
    fn paths_are_added_to_the_base_path() {
        for base in ["https://a.example/api/auth", "https://a.example/api/auth/"] {
            assert_eq!(below(&base.parse().unwrap(), "jwks").as_str(), "https://a.example/api/auth/jwks");
        }
        assert_eq!(below(&"https://a.example".parse().unwrap(), "jwks").as_str(), "https://a.example/jwks");
    }
}
