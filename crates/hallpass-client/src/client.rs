//! The client itself.

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::Mutex;

use crate::{
    Builder, DropPolicy, Error, Token,
    answer::Seen,
    call::Call,
    endpoint::Endpoint,
    origin::Server,
    retry::Retries,
    store::{Expect, Slot, TokenStore},
};

/// A client of one auth server, and of one token.
///
/// A clone is the same client: cheap to make, and with the same token. It may be used from any number of tasks at once;
/// [`order`](crate::order) says how their calls go together.
#[derive(Clone)]
pub struct AuthClient(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) server: Server,
    pub(crate) slot: Slot,
    pub(crate) http: reqwest::Client,
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) hooks: Hooks,
    pub(crate) policy: DropPolicy,
    pub(crate) timeout: Duration,
    pub(crate) retries: Retries,
    /// Held by whoever begins, changes or drops the session.
    pub(crate) turn: Mutex<()>,
}

pub(crate) type Hook = Arc<dyn Fn(&Seen<'_>) + Send + Sync>;

/// Who is shown answers.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) success: Vec<Hook>,
    pub(crate) error: Vec<Hook>,
}

impl Hooks {
    pub(crate) fn show(&self, seen: &Seen<'_>) {
        let refused = seen.status().is_client_error() || seen.status().is_server_error();
        let hooks = if refused { &self.error } else { &self.success };
        for hook in hooks {
            hook(seen);
        }
    }
}

impl AuthClient {
    /// Begins a client of the server at this URL, such as `https://api.example.com`.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Calls an endpoint that this crate has no method for, with an input and output of your own. [`call`](Self::call) does so
    /// without types.
    pub fn request<E: Endpoint>(&self, endpoint: E) -> Call<E> {
        Call::new(self.clone(), endpoint)
    }

    /// Origin and base path of the server, such as `https://api.example.com/api/auth`.
    pub fn server(&self) -> &str {
        self.0.server.name()
    }

    /// Under what the token is kept.
    pub fn slot(&self) -> &Slot {
        &self.0.slot
    }

    /// The token that is kept, for whoever has to send it in another way.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn token(&self) -> Result<Option<Token>, Error> {
        self.0.load().await
    }

    /// Keeps this token, which was obtained in another way, in place of whatever is kept.
    ///
    /// # Errors
    /// When the store cannot keep it, or there is none, because the client was given a [`token`](Builder::token) function.
    pub async fn set_token(&self, token: impl Into<Token>) -> Result<(), Error> {
        self.0.overwrite(Some(&token.into())).await
    }

    /// Drops the token without telling the server. Its session stays alive there; [`sign_out`](Self::sign_out) ends it.
    ///
    /// # Errors
    /// When the store cannot remove it, or there is none, likewise.
    pub async fn forget_token(&self) -> Result<(), Error> {
        self.0.overwrite(None).await
    }
}

impl Inner {
    /// What is kept, unless it is empty.
    pub(crate) async fn load(&self) -> Result<Option<Token>, Error> {
        Ok(self.store.load(&self.slot).await?.filter(|token| !token.is_empty()))
    }

    async fn overwrite(&self, new: Option<&Token>) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        if self.store.replace(&self.slot, Expect::Anything, new).await? {
            return Ok(());
        }
        Err(Error::request("this client asks a function for its token and keeps none; change what the function gives"))
    }
}

impl fmt::Debug for AuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthClient")
            .field("server", &self.0.server)
            .field("profile", &self.0.slot.profile())
            .finish_non_exhaustive()
    }
}
