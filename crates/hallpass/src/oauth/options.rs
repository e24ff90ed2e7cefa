use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{error::BuildError, options::Span};

/// What is to be known of a provider (`GenericOAuthConfig` in the npm package). Where there is a discovery URL, most of it is asked
/// there. It prints nothing but the id.
///
/// ```
/// use hallpass::oauth::ProviderOptions;
/// let provider = ProviderOptions {
///     provider_id: "example".into(),
///     discovery_url: Some("https://idp.example.com/.well-known/openid-configuration".into()),
///     client_id: "our-client".into(),
///     client_secret: Some("hush".into()),
///     scopes: vec!["email".into(), "profile".into()],
///     ..ProviderOptions::default()
/// };
/// assert!(!format!("{provider:?}").contains("hush"));
/// ```
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the npm package's")]
pub struct ProviderOptions {
    /// What it is called in requests, and in the path that it sends browsers back to: `/callback/<id>`.
    pub provider_id: String,
    /// Its name, for people.
    pub name: Option<String>,
    /// Where it describes itself (OpenID Connect Discovery 1.0). Asked at first use; what is set here counts before it.
    pub discovery_url: Option<String>,
    /// Headers for that, and for its keys if they are at the same origin.
    pub discovery_headers: IndexMap<String, String>,
    /// Where browsers are sent to.
    pub authorization_url: Option<String>,
    /// Where codes are exchanged for tokens.
    pub token_url: Option<String>,
    /// Where it says who somebody is.
    pub user_info_url: Option<String>,
    /// Where browsers are sent to sign out there as well.
    pub end_session_endpoint: Option<String>,
    /// Where it sends browsers after that.
    pub post_logout_redirect_uri: Option<String>,
    /// Leaves people signed in there.
    pub disable_provider_logout: bool,
    /// What it knows us by.
    pub client_id: String,
    /// What it knows us by for certain.
    pub client_secret: Option<String>,
    /// How the secret is shown to it; in the body when not said.
    pub authentication: Option<Authentication>,
    /// The same in the words of OAuth; counts before `authentication`.
    pub token_endpoint_auth: Option<TokenEndpointAuth>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Where it sends browsers back to, if not to this server's own `/callback/<id>`.
    pub redirect_uri: Option<String>,
    /// `code` when not said.
    pub response_type: Option<String>,
    /// `query` or `form_post`; its own default when not said.
    pub response_mode: Option<String>,
    /// What it is to ask people: `login`, `consent`, `select_account`, `none`.
    pub prompt: Option<String>,
    /// Whether the exchange of a code is bound to who asked for it (RFC 7636); on.
    pub pkce: Option<bool>,
    /// `offline` is what some want to hear before they give refresh tokens.
    pub access_type: Option<String>,
    /// How long access tokens are good for, where it does not say.
    pub access_token_expires_in: Option<Span>,
    /// Further parameters for the authorization URL.
    pub authorization_url_params: IndexMap<String, String>,
    /// Further parameters for the exchange of codes.
    pub token_url_params: IndexMap<String, String>,
    /// Further parameters for refreshing tokens.
    pub refresh_token_params: IndexMap<String, String>,
    /// Headers for requests to the token endpoint.
    pub authorization_headers: IndexMap<String, String>,
    /// Signs nobody up unless the request says `requestSignUp`.
    pub disable_implicit_sign_up: bool,
    /// Signs nobody up.
    pub disable_sign_up: bool,
    /// Takes name, picture and address from it at each sign-in.
    pub override_user_info: bool,
    /// Lets nobody in whose address is not verified.
    pub require_email_verification: bool,
    /// Does without this provider rather than with ID tokens that cannot be verified.
    pub require_id_token_verification: bool,
    /// Sends no nonce, for providers that do not put it into their ID tokens.
    pub disable_id_token_nonce_binding: bool,
    /// Lets people begin at the provider: they come with a code that nobody asked for, and are sent back to ask for one.
    pub allow_idp_initiated: bool,
}

impl fmt::Debug for ProviderOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderOptions").field("provider_id", &self.provider_id).finish_non_exhaustive()
    }
}

/// How the client secret is shown to the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Authentication {
    /// In a Basic header.
    Basic,
    /// In the body.
    Post,
}

/// `{ method = "…" }`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenEndpointAuth {
    /// The method.
    pub method: AuthMethod,
}

/// How a client shows who it is (OpenID Connect Core 1.0 §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// The secret in a Basic header.
    ClientSecretBasic,
    /// The secret in the body.
    ClientSecretPost,
    /// Without a secret.
    None,
}

impl ProviderOptions {
    pub(super) fn uses_pkce(&self) -> bool {
        self.pkce.unwrap_or(true)
    }

    /// How the token endpoint is told who asks.
    pub(super) fn auth_method(&self) -> AuthMethod {
        match (self.token_endpoint_auth, self.authentication, self.client_secret()) {
            (Some(auth), ..) => auth.method,
            (None, Some(Authentication::Basic), _) => AuthMethod::ClientSecretBasic,
            (None, _, Some(_)) => AuthMethod::ClientSecretPost,
            (None, _, None) => AuthMethod::None,
        }
    }

    pub(super) fn client_secret(&self) -> Option<&str> {
        self.client_secret.as_deref().filter(|secret| !secret.is_empty())
    }

    /// Refuses what can never work.
    pub(super) fn check(&self) -> Result<(), BuildError> {
        let id = &self.provider_id;
        let wrong = |what: &str| Err(BuildError::new(format!("provider `{id}`: {what}")));
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)) {
            return wrong("provider_id stands in a path; use letters, digits, - _ . and ~ alone");
        }
        if self.client_id.is_empty() {
            return wrong("client_id is required: set what the provider knows this server by");
        }
        match (self.auth_method(), self.client_secret()) {
            (AuthMethod::None, Some(_)) => {
                return wrong("method `none` goes without client_secret; leave one of them out");
            }
            (AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost, None) => {
                return wrong("client_secret is required for this way to authenticate");
            }
            _ => {}
        }
        if self.require_id_token_verification && self.discovery_url.is_none() {
            return wrong("require_id_token_verification needs discovery_url: keys and issuer are found there");
        }
        let is_web = |url: &str| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if self.discovery_url.as_deref().is_some_and(|url| !is_web(url)) {
            return wrong("discovery_url is no URL that begins with http:// or https://");
        }
        Ok(())
    }
}
