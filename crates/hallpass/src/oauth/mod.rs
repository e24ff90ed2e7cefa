//! Signing in at outside providers: OAuth 2.0 and OpenID Connect (CONTRACT §11.9).
//!
//! A provider is data ([`ProviderOptions`]), and functions where data does not suffice ([`Provider`]). The engine opens no connections
//! itself: hand it an [`HttpClient`] with [`Builder::http_client`](crate::Builder::http_client).
//!
//! | File | What |
//! |---|---|
//! | `options`, `provider` | what a provider is |
//! | `client`, `reqwest_client`, `shared` | how it is reached; documents that are fetched once for all who want them |
//! | `discovery`, `keys`, `id_token` | what it says of itself, what it signs with, what it signed |
//! | `authorization`, `state` | the way there, and what is kept until somebody comes back |
//! | `tokens`, `profile` | what it gives for a code, and who it says somebody is |
//! | `sign_in`, `link` | what becomes of that here |
//! | `stored` | tokens as the database has them |

pub(crate) mod authorization;
mod client;
mod discovery;
mod id_token;
mod keys;
pub(crate) mod link;
mod options;
pub(crate) mod profile;
mod provider;
#[cfg(feature = "reqwest")]
mod reqwest_client;
mod shared;
pub(crate) mod sign_in;
pub(crate) mod state;
pub(crate) mod stored;
mod tokens;

use std::sync::Arc;

pub use client::{HttpClient, HttpError};
pub use options::{AuthMethod, Authentication, ProviderOptions, TokenEndpointAuth};
pub use profile::Profile;
pub use provider::Provider;
#[cfg(feature = "reqwest")]
pub use reqwest_client::ReqwestClient;
pub use tokens::{CodeGrant, Tokens};

pub(crate) use provider::{Person, Ready, Unusable};

use crate::{
    context::Context,
    error::BuildError,
    plugin::{Plugin, Registrar},
};

/// Lets users sign in at these providers (`genericOAuth` in the npm package).
///
/// ```
/// use hallpass::oauth::{GenericOAuth, ProviderOptions};
/// let plugin = GenericOAuth::new([ProviderOptions {
///     provider_id: "example".into(),
///     discovery_url: Some("https://idp.example.com/.well-known/openid-configuration".into()),
///     client_id: "our-client".into(),
///     client_secret: Some("hush".into()),
///     ..ProviderOptions::default()
/// }]);
/// ```
#[derive(Debug)]
pub struct GenericOAuth(Vec<Provider>);

impl GenericOAuth {
    /// From options, or whole providers.
    pub fn new<P: Into<Provider>>(providers: impl IntoIterator<Item = P>) -> Self {
        Self(providers.into_iter().map(Into::into).collect())
    }
}

impl From<ProviderOptions> for Provider {
    fn from(options: ProviderOptions) -> Self {
        Self::new(options)
    }
}

impl Plugin for GenericOAuth {
    fn id(&self) -> &'static str {
        "generic-oauth"
    }

    fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        registrar.error_code("TOKEN_URL_NOT_FOUND", "Invalid OAuth configuration. Token URL not found.");
        for provider in &self.0 {
            registrar.provider(provider.clone());
        }
        Ok(())
    }
}

/// The providers of an engine, and how they are reached.
pub(crate) struct Providers {
    known: Vec<Provider>,
    client: Option<Arc<dyn HttpClient>>,
}

impl Providers {
    /// Refuses providers that can never work, or that cannot be reached.
    pub(crate) fn new(known: Vec<Provider>, client: Option<Arc<dyn HttpClient>>) -> Result<Self, BuildError> {
        for (index, provider) in known.iter().enumerate() {
            provider.check()?;
            if known.iter().skip(index + 1).any(|other| other.id() == provider.id()) {
                tracing::warn!(
                    provider = provider.id(),
                    "there are two providers of this name, and only the first counts"
                );
            }
        }
        if !known.is_empty() && client.is_none() {
            return Err(BuildError::new(
                "providers cannot be reached without an HTTP client: call `.http_client(…)`, with `ReqwestClient` of the \
                 feature `reqwest` for instance",
            ));
        }
        Ok(Self { known, client })
    }
}

impl Context {
    /// The provider of this name, once everything that has to be known of it is. `None` when there is none, or it cannot be used at this
    /// moment.
    pub(crate) async fn provider(&self, id: &str) -> Option<Ready> {
        let providers = &self.engine.providers;
        let provider = providers.known.iter().find(|provider| provider.id() == id)?;
        provider.ready(providers.client.as_ref()?, self.now()).await
    }

    /// Whether a provider of this id is configured.
    pub(crate) fn knows_provider(&self, id: &str) -> bool {
        self.engine.providers.known.iter().any(|provider| provider.id() == id)
    }

    pub(crate) fn has_providers(&self) -> bool {
        !self.engine.providers.known.is_empty()
    }

    /// Where a provider sends browsers back to.
    pub(crate) fn provider_callback(&self, provider: &Ready) -> String {
        format!("{}/callback/{}", self.base_url(), provider.id())
    }
}
