//! The same token for requests to APIs of one's own.
//!
//! [`AuthClient::bearer_for`] lists the origins that may see the token. With the feature `tower` the result is a layer for clients that
//! are a `tower::Service`, with `middleware` it is one for `reqwest-middleware`; for everything else there is
//! [`authorization`](Bearer::authorization).
//!
//! Whichever it is,
//!
//! * a request to an origin that is not on the list gets no header,
//! * a request that has an `Authorization` header already keeps it,
//! * a `set-auth-token` in an answer of a listed origin takes the place of the token that was sent if it is of the same
//!   session, by the rules of [`order`](crate::order),
//! * nothing is dropped: what a 401 of your API means is known to your program, which may call
//!   [`get_session`](AuthClient::get_session) to find out.

#[cfg(feature = "middleware")]
mod middleware;
#[cfg(feature = "tower")]
mod service;

use std::{fmt, sync::Arc};

use http::HeaderValue;
use url::{Origin, Url};

#[cfg(feature = "tower")]
pub use service::BearerService;

use crate::{AuthClient, BuildError, Error, Token, origin::checked};

/// The token of a client, for the origins that may see it.
///
/// ```
/// use hallpass_client::AuthClient;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = AuthClient::builder("https://auth.example.com").build()?;
/// client.set_token("abc.c2lnbmF0dXJl").await?;
/// let bearer = client.bearer_for(["https://api.example.com"])?;
/// assert!(bearer.authorization("https://api.example.com/orders").await?.is_some());
/// assert!(bearer.authorization("https://api.example.com.evil.example/").await?.is_none());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Bearer {
    client: AuthClient,
    origins: Arc<[Origin]>,
}

impl AuthClient {
    /// Gives this client's token to requests for these origins, such as `https://api.example.com`, and to no others. The auth server's
    /// own is not among them unless it is listed.
    ///
    /// # Errors
    /// When one of them is no origin, or its connections can be listened to (`http://`, unless it is this machine, or the client was
    /// built with [`dangerously_allow_plain_http`](crate::Builder::dangerously_allow_plain_http)).
    pub fn bearer_for<S: AsRef<str>>(&self, origins: impl IntoIterator<Item = S>) -> Result<Bearer, BuildError> {
        let plain = self.0.server.allows_plain();
        let origins = origins.into_iter().map(|origin| origin_of(origin.as_ref(), plain)).collect::<Result<_, _>>()?;
        Ok(Bearer { client: self.clone(), origins })
    }
}

fn origin_of(text: &str, plain: bool) -> Result<Origin, BuildError> {
    let url = checked(text, plain)?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(BuildError::new(
            "an origin is scheme, host and port, such as https://api.example.com, without a path",
        ));
    }
    Ok(url.origin())
}

impl Bearer {
    /// The value of `Authorization` for a request to this URL; none if it may not see the token, or there is none.
    ///
    /// # Errors
    /// When the token cannot be read, or holds characters that no header can carry.
    pub async fn authorization(&self, url: &str) -> Result<Option<HeaderValue>, Error> {
        Ok(self.credential(url).await?.map(|(_, header)| header))
    }

    async fn credential(&self, url: &str) -> Result<Option<(Token, HeaderValue)>, Error> {
        if !self.may_see(url) {
            return Ok(None);
        }
        let Some(token) = self.client.0.load().await? else { return Ok(None) };
        let header = token.header()?;
        Ok(Some((token, header)))
    }

    fn may_see(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| self.origins.contains(&url.origin()))
    }

    /// What an answer to `sent` brought. A token of another session is not taken: an API has none to give.
    #[cfg(any(feature = "middleware", feature = "tower"))]
    async fn obtain(&self, sent: &Token, new: Option<Token>) -> Result<(), Error> {
        let Some(new) = new.filter(|new| new != sent && new.same_session(sent)) else { return Ok(()) };
        let client = &self.client.0;
        client
            .store
            .replace(&client.slot, crate::store::Expect::Token(sent), Some(&new))
            .await
            .map_err(Error::not_kept)?;
        Ok(())
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origins: Vec<_> = self.origins.iter().map(Origin::ascii_serialization).collect();
        f.debug_struct("Bearer").field("origins", &origins).finish_non_exhaustive()
    }
}
