//! `/sign-in/social` and `/link-social`, which ask for nearly the same.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    AuthClient, Call,
    endpoint::{Endpoint, Route},
    model::{IdToken, SignedIn, SocialLink},
};

/// What both ask for.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct AtProvider {
    provider: String,
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
    #[serde(rename = "errorCallbackURL", skip_serializing_if = "Option::is_none")]
    error_callback_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_redirect: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<IdToken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_hint: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    additional_params: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    additional_data: Map<String, Value>,
}

/// `POST /sign-in/social`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInSocial {
    #[serde(flatten)]
    common: AtProvider,
    #[serde(rename = "newUserCallbackURL", skip_serializing_if = "Option::is_none")]
    new_user_callback_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_sign_up: Option<bool>,
}

impl SignInSocial {
    pub(super) fn new(provider: String) -> Self {
        let common = AtProvider { provider, ..AtProvider::default() };
        Self { common, new_user_callback_url: None, request_sign_up: None }
    }
}

impl Endpoint for SignInSocial {
    type Output = SignedIn;

    fn route(&self) -> Route {
        Route::post("/sign-in/social").begins_session()
    }
}

impl Call<SignInSocial> {
    /// Where the browser goes if the user is a new one.
    pub fn new_user_callback_url(self, url: impl Into<String>) -> Self {
        self.with(|input| input.new_user_callback_url = Some(url.into()))
    }

    /// Signs up, where that has to be asked for.
    pub fn request_sign_up(self, wanted: bool) -> Self {
        self.with(|input| input.request_sign_up = Some(wanted))
    }
}

/// `POST /link-social`.
#[derive(Serialize)]
pub struct LinkSocial {
    #[serde(flatten)]
    common: AtProvider,
}

impl AuthClient {
    /// Links an account at a provider to the caller.
    pub fn link_social(&self, provider: impl Into<String>) -> Call<LinkSocial> {
        let common = AtProvider { provider: provider.into(), ..AtProvider::default() };
        self.request(LinkSocial { common })
    }
}

impl Endpoint for LinkSocial {
    type Output = SocialLink;

    fn route(&self) -> Route {
        Route::post("/link-social").needs_session()
    }
}

/// An endpoint that goes on at a provider.
trait Provider: Endpoint {
    fn common(&mut self) -> &mut AtProvider;
}

impl Provider for SignInSocial {
    fn common(&mut self) -> &mut AtProvider {
        &mut self.common
    }
}

impl Provider for LinkSocial {
    fn common(&mut self) -> &mut AtProvider {
        &mut self.common
    }
}

#[expect(private_bounds, reason = "these are two endpoints, and no more can be added")]
impl<E: Provider> Call<E> {
    /// What the provider's own library has brought. No browser is needed then.
    pub fn id_token(self, token: IdToken) -> Self {
        self.with(|input| input.common().id_token = Some(token))
    }

    /// Where the browser goes in the end.
    pub fn callback_url(self, url: impl Into<String>) -> Self {
        self.with(|input| input.common().callback_url = Some(url.into()))
    }

    /// Where it goes if something is wrong.
    pub fn error_callback_url(self, url: impl Into<String>) -> Self {
        self.with(|input| input.common().error_callback_url = Some(url.into()))
    }

    /// Leaves it to this program to send the browser there.
    pub fn disable_redirect(self, disabled: bool) -> Self {
        self.with(|input| input.common().disable_redirect = Some(disabled))
    }

    /// What is asked for besides what is configured.
    pub fn scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes = scopes.into_iter().map(Into::into).collect();
        self.with(|input| input.common().scopes = Some(scopes))
    }

    /// Who it probably is.
    pub fn login_hint(self, hint: impl Into<String>) -> Self {
        self.with(|input| input.common().login_hint = Some(hint.into()))
    }

    /// A further parameter of the provider's address.
    pub fn param(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|input| drop(input.common().additional_params.insert(name.into(), value.into())))
    }

    /// Something that the server keeps until the browser is back.
    pub fn data(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with(|input| drop(input.common().additional_data.insert(name.into(), value.into())))
    }
}
