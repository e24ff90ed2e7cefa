//! A call that has not been made yet.

use std::{fmt, future::IntoFuture, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    AuthClient, Error, Token,
    answer::Seen,
    client::Hooks,
    endpoint::{Endpoint, Route},
};

/// A call to an endpoint. It is made when it is awaited; until then it can be told more, about itself and about the input.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn doc(client: hallpass_client::AuthClient) -> Result<(), hallpass_client::Error> {
/// let sessions = client.list_sessions().timeout(Duration::from_secs(5)).await?;
/// # Ok(()) }
/// ```
#[must_use = "a call is made when it is awaited"]
pub struct Call<E> {
    pub(crate) client: AuthClient,
    pub(crate) endpoint: E,
    pub(crate) options: Options,
}

/// What holds for one call alone.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) credential: Credential,
    pub(crate) timeout: Option<Duration>,
    pub(crate) hooks: Hooks,
    pub(crate) headers: HeaderMap,
}

/// Whose token a call sends.
#[derive(Default)]
pub(crate) enum Credential {
    /// The client's.
    #[default]
    Kept,
    /// This one.
    Given(Token),
    /// None.
    Nobody,
}

impl<E: Endpoint> Call<E> {
    pub(crate) fn new(client: AuthClient, endpoint: E) -> Self {
        Self { client, endpoint, options: Options::default() }
    }

    /// Where the call goes.
    pub fn route(&self) -> Route {
        self.endpoint.route()
    }

    /// Sends this token instead of the client's; an empty one means none.
    ///
    /// The client's own token is left alone, whatever the answer, unless it is the same.
    pub fn bearer(mut self, token: impl Into<Token>) -> Self {
        self.options.credential = Credential::Given(token.into());
        self
    }

    /// Sends no token. Of what the answer brings, only the token of a sign-in or sign-up takes the place of the client's.
    pub fn anonymous(mut self) -> Self {
        self.options.credential = Credential::Nobody;
        self
    }

    /// How long each try may take.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Sends a header. `authorization` is not sent this way; see [`bearer`](Self::bearer).
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.options.headers.insert(name, value);
        self
    }

    /// Shows this function the answer, if it is not a refusal, after the client's own hooks.
    pub fn on_success(mut self, look: impl Fn(&Seen<'_>) + Send + Sync + 'static) -> Self {
        self.options.hooks.success.push(Arc::new(look));
        self
    }

    /// Shows this function the answer, if it is a refusal, after the client's own hooks.
    pub fn on_error(mut self, look: impl Fn(&Seen<'_>) + Send + Sync + 'static) -> Self {
        self.options.hooks.error.push(Arc::new(look));
        self
    }

    /// Changes the input.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut E)) -> Self {
        change(&mut self.endpoint);
        self
    }
}

impl<E: Endpoint> IntoFuture for Call<E> {
    type Output = Result<E::Output, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(crate::exchange::perform(self))
    }
}

impl<E: Endpoint> fmt::Debug for Call<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("route", &self.endpoint.route()).finish_non_exhaustive()
    }
}
