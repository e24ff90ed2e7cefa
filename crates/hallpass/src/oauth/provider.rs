use std::{fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use hallpass_store::Timestamp;
use indexmap::IndexMap;
use serde_json::{Map, Value};
use url::Url;

use super::{
    authorization::{self, Ask, Ties},
    client::{self, HttpClient, HttpError},
    discovery::Endpoints,
    id_token::{self, Claims},
    options::ProviderOptions,
    profile::{self, Profile},
    shared::Shared,
    state::Begun,
    tokens::{CodeGrant, Form, Tokens},
};
use crate::{error::BuildError, wire::redirect};

type GetToken = dyn Fn(CodeGrant) -> BoxFuture<'static, Result<Tokens, HttpError>> + Send + Sync;
type GetUserInfo = dyn Fn(Tokens) -> BoxFuture<'static, Result<Option<Profile>, HttpError>> + Send + Sync;
type MapProfile = dyn Fn(&Profile) -> Map<String, Value> + Send + Sync;
type Subject = dyn Fn(&Tokens, &Profile) -> Option<String> + Send + Sync;

/// An outside provider that users can sign in at: data, and functions where data does not suffice.
///
/// ```
/// use hallpass::oauth::{Provider, ProviderOptions};
/// use serde_json::json;
///
/// let options = ProviderOptions {
///     provider_id: "forge".into(),
///     authorization_url: Some("https://forge.example.com/authorize".into()),
///     token_url: Some("https://forge.example.com/token".into()),
///     user_info_url: Some("https://forge.example.com/api/user".into()),
///     client_id: "our-client".into(),
///     client_secret: Some("hush".into()),
///     ..ProviderOptions::default()
/// };
/// let forge = Provider::new(options).map_profile_to_user(|profile| {
///     let name = profile.get("login").cloned().unwrap_or_default();
///     json!({"name": name}).as_object().cloned().unwrap_or_default()
/// });
/// ```
#[derive(Clone)]
pub struct Provider {
    pub(crate) options: Arc<ProviderOptions>,
    get_token: Option<Arc<GetToken>>,
    get_user_info: Option<Arc<GetUserInfo>>,
    map_profile: Option<Arc<MapProfile>>,
    subject: Option<Arc<Subject>>,
    endpoints: Arc<Shared<Endpoints>>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("id", &self.options.provider_id).finish_non_exhaustive()
    }
}

impl Provider {
    /// A provider as its options say.
    pub fn new(options: ProviderOptions) -> Self {
        Self {
            options: Arc::new(options),
            get_token: None,
            get_user_info: None,
            map_profile: None,
            subject: None,
            endpoints: Arc::default(),
        }
    }

    /// Exchanges codes in its own way (`getToken` in the npm package).
    #[must_use]
    pub fn get_token<F, Given>(mut self, exchange: F) -> Self
    where
        F: Fn(CodeGrant) -> Given + Send + Sync + 'static,
        Given: Future<Output = Result<Tokens, HttpError>> + Send + 'static,
    {
        self.get_token = Some(Arc::new(move |grant| Box::pin(exchange(grant))));
        self
    }

    /// Finds out in its own way who somebody is (`getUserInfo`). `None` when that cannot be said.
    #[must_use]
    pub fn get_user_info<F, Found>(mut self, find: F) -> Self
    where
        F: Fn(Tokens) -> Found + Send + Sync + 'static,
        Found: Future<Output = Result<Option<Profile>, HttpError>> + Send + 'static,
    {
        self.get_user_info = Some(Arc::new(move |tokens| Box::pin(find(tokens))));
        self
    }

    /// Makes fields of a user out of a profile, over `email`, `emailVerified`, `name` and `image` that are found there
    /// (`mapProfileToUser`). Configured additional fields can be among them.
    #[must_use]
    pub fn map_profile_to_user(mut self, map: impl Fn(&Profile) -> Map<String, Value> + Send + Sync + 'static) -> Self {
        self.map_profile = Some(Arc::new(map));
        self
    }

    /// Says what an account at this provider is known by, for good (`accountSubject`). Without it: `sub` in OpenID Connect, else the
    /// profile's `id`.
    #[must_use]
    pub fn account_subject(
        mut self,
        subject: impl Fn(&Tokens, &Profile) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.subject = Some(Arc::new(subject));
        self
    }

    /// What it is called.
    pub fn id(&self) -> &str {
        &self.options.provider_id
    }

    pub(crate) fn check(&self) -> Result<(), BuildError> {
        self.options.check()
    }

    /// The provider with everything that has to be known of it. `None` when it cannot be found out at this moment.
    pub(crate) async fn ready(&self, client: &Arc<dyn HttpClient>, now: Timestamp) -> Option<Ready> {
        let find = Endpoints::find(&**client, &self.options, self.get_token.is_some());
        let endpoints = self.endpoints.get(|_, _| true, Duration::ZERO, find).await?;
        Some(Ready { provider: self.clone(), endpoints, client: Arc::clone(client), now })
    }
}

/// A provider that can be used.
pub(crate) struct Ready {
    pub(crate) provider: Provider,
    endpoints: Arc<Endpoints>,
    client: Arc<dyn HttpClient>,
    now: Timestamp,
}

/// Who somebody is: as a user, and as the provider said it.
pub(crate) struct Person {
    pub(crate) user: Map<String, Value>,
    pub(crate) profile: Profile,
}

impl Ready {
    pub(crate) fn id(&self) -> &str {
        self.provider.id()
    }

    pub(crate) fn options(&self) -> &ProviderOptions {
        &self.provider.options
    }

    pub(crate) fn issuer(&self) -> Option<&str> {
        self.endpoints.issuer.as_deref()
    }

    /// Whether ID tokens have to carry the nonce of the request that they answer.
    pub(crate) fn binds_nonce(&self) -> bool {
        self.endpoints.id_tokens.is_some() && !self.options().disable_id_token_nonce_binding
    }

    pub(crate) fn verifies_id_tokens(&self) -> bool {
        self.endpoints.id_tokens.is_some()
    }

    /// Where a browser is to be sent.
    ///
    /// # Errors
    /// Which is the reason: there is no authorization endpoint, or it is none.
    pub(crate) fn authorization_url(&self, begun: &Begun, redirect_uri: &str, ask: &Ask) -> Result<String, Unusable> {
        let endpoint =
            self.endpoints.authorization.as_deref().filter(|url| !url.is_empty()).ok_or(Unusable::Missing)?;
        let ties = Ties {
            state: &begun.state,
            code_verifier: &begun.code_verifier,
            nonce: begun.nonce.as_deref(),
            redirect_uri,
        };
        authorization::url(endpoint, self.options(), self.endpoints.is_oidc, ask, &ties).ok_or(Unusable::NoUrl)
    }

    /// Exchanges a code for tokens.
    pub(crate) async fn exchange(&self, grant: CodeGrant) -> Result<Tokens, HttpError> {
        let tokens = if let Some(exchange) = &self.provider.get_token {
            exchange(grant).await?
        } else {
            let answer = Form::code(self.options(), &grant).send(&*self.client, self.token_url()?, self.options());
            Tokens::read(&answer.await?, self.now)
                .ok_or_else(|| HttpError::new("the token endpoint gives no tokens"))?
        };
        Ok(tokens.expiring(self.options(), self.now))
    }

    /// Gets new tokens for an old refresh token.
    pub(crate) async fn refresh(&self, token: &str) -> Result<Tokens, HttpError> {
        let form = Form::refresh(&self.options().refresh_token_params, token);
        let answer = form.send(&*self.client, self.token_url()?, self.options()).await?;
        let tokens = Tokens::read(&answer, self.now)
            .filter(|tokens| tokens.access_token.as_deref().is_some_and(|it| !it.is_empty()));
        let tokens = tokens.ok_or_else(|| HttpError::new("the token endpoint gave no access token"))?;
        Ok(tokens.expiring(self.options(), self.now))
    }

    /// Whether an ID token that a client brought is this provider's and for us.
    pub(crate) async fn vouches_for(&self, token: &str, nonce: Option<&str>) -> bool {
        self.verified(token, nonce).await.is_some()
    }

    /// Who the tokens are about. Where ID tokens can be verified, one that is wrong makes it nobody.
    pub(crate) async fn person(&self, tokens: &Tokens, nonce: Option<&str>) -> Option<Person> {
        let id_token = tokens.id_token.as_deref().filter(|token| !token.is_empty());
        if id_token.is_none() && self.options().require_id_token_verification {
            tracing::error!(provider = self.id(), "it gave no ID token, and require_id_token_verification wants one");
            return None;
        }
        let claims = match id_token {
            Some(token) if self.verifies_id_tokens() => {
                let verified = self.verified(token, nonce).await;
                if verified.is_none() {
                    tracing::error!(
                        provider = self.id(),
                        "an ID token is not what the provider signed for us, or not in answer to our request"
                    );
                }
                Some(verified?)
            }
            _ => None,
        };
        let profile = self.profile(tokens, claims.as_ref()).await?;
        let is_bound = self.provider.get_user_info.is_none() || profile.get("sub").is_some_and(|sub| !sub.is_null());
        if let Some(sub) = claims.as_ref().and_then(|claims| claims.get("sub")).filter(|_| is_bound) {
            // What the userinfo endpoint says must be about who the ID token is about (OpenID Connect Core 1.0 §5.3.2).
            let named = profile.get("sub").map(profile::text);
            if sub.as_str().is_none() || named.as_deref() != sub.as_str() {
                return None;
            }
        }
        let mut user = profile::user(&profile);
        if let Some(map) = &self.provider.map_profile {
            user.extend(map(&profile));
        }
        user.retain(|name, value| name != "image" || !value.is_null());
        Some(Person { user, profile })
    }

    /// What the account is known by at the provider, for good.
    pub(crate) fn subject(&self, tokens: &Tokens, profile: &Profile) -> Option<String> {
        let subject = match (&self.provider.subject, &self.endpoints.id_tokens, &tokens.id_token) {
            (Some(own), ..) => own(tokens, profile)?,
            _ if !self.endpoints.is_oidc => profile::subject(profile.get("id")?)?,
            (None, Some(_), Some(token)) if !token.is_empty() => profile::subject(id_token::read(token)?.get("sub")?)?,
            _ => profile::subject(profile.get("sub")?)?,
        };
        let is_one = !subject.trim().is_empty() && subject != "undefined" && subject != "null";
        is_one.then_some(subject)
    }

    /// Where a browser is sent to sign out there as well.
    pub(crate) fn end_session_url(
        &self,
        id_token: Option<&str>,
        back: Option<&str>,
        state: Option<&str>,
        base: &str,
    ) -> Option<String> {
        let options = self.options();
        let endpoint = self.endpoints.end_session.as_deref().filter(|_| !options.disable_provider_logout)?;
        let id_token = id_token.filter(|token| !token.is_empty());
        let back = back.or(options.post_logout_redirect_uri.as_deref()).filter(|url| !url.is_empty());
        let mut params: Vec<(&str, &str)> = Vec::new();
        params.extend(id_token.map(|token| ("id_token_hint", token)));
        let back = match back {
            Some(back) => {
                Some(Url::parse(base).and_then(|base| base.join(back)).or_else(|_| Url::parse(back)).ok()?.to_string())
            }
            None => None,
        };
        if let Some(back) = &back {
            params.extend([("post_logout_redirect_uri", &**back), ("client_id", &options.client_id)]);
            params.extend(state.filter(|state| !state.is_empty()).map(|state| ("state", state)));
        } else if id_token.is_none() {
            params.push(("client_id", &options.client_id));
        }
        let endpoint = Url::parse(endpoint).ok()?;
        params.iter().try_fold(String::from(endpoint), |url, (name, value)| redirect::set(&url, base, name, value))
    }

    async fn verified(&self, token: &str, nonce: Option<&str>) -> Option<Claims> {
        self.endpoints.id_tokens.as_ref()?.verify(&*self.client, token, nonce, self.now).await
    }

    async fn profile(&self, tokens: &Tokens, claims: Option<&Claims>) -> Option<Profile> {
        if let Some(find) = &self.provider.get_user_info {
            return find(tokens.clone()).await.map_err(|error| self.failed(&error)).ok()?;
        }
        if let Some(token) = tokens.id_token.as_deref().filter(|token| !token.is_empty()) {
            let claims = claims.cloned().or_else(|| id_token::read(token));
            if let Some(found) = claims.and_then(profile::from_claims) {
                return Some(found);
            }
        }
        let url = self.endpoints.user_info.as_deref().filter(|url| !url.is_empty())?;
        let token = tokens.access_token.as_deref().filter(|token| !token.is_empty())?;
        let headers = IndexMap::from([("authorization".to_owned(), format!("Bearer {token}"))]);
        let answer = client::get(&*self.client, url, &headers).await.map_err(|error| self.failed(&error)).ok()?;
        profile::from_user_info(answer)
    }

    fn failed(&self, error: &HttpError) {
        let cause: &dyn std::error::Error = error;
        tracing::error!(provider = self.id(), error = cause, "the provider did not say who somebody is");
    }

    fn token_url(&self) -> Result<&str, HttpError> {
        let url = self.endpoints.token.as_deref().filter(|url| !url.is_empty());
        url.ok_or_else(|| HttpError::new("there is no token endpoint; configure token_url"))
    }
}

/// Why nobody can be sent to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// There is no authorization endpoint.
    Missing,
    /// It is no URL.
    NoUrl,
}
