//! `/sign-in/email`, and the way to the other ones.

use serde::Serialize;

use super::SignInSocial;
use crate::{
    AuthClient, Call,
    endpoint::{Endpoint, Route},
    model::SignedIn,
};

/// The ways to sign in; see [`AuthClient::sign_in`].
#[derive(Debug)]
pub struct SignIn<'a>(&'a AuthClient);

impl AuthClient {
    /// Signs somebody in: `client.sign_in().email("ada@example.com", "…")`.
    pub fn sign_in(&self) -> SignIn<'_> {
        SignIn(self)
    }
}

impl SignIn<'_> {
    /// With an address and a password.
    pub fn email(&self, email: impl Into<String>, password: impl Into<String>) -> Call<SignInEmail> {
        let (email, password) = (email.into(), password.into());
        self.0.request(SignInEmail { email, password, callback_url: None, remember_me: None })
    }

    /// At a provider. With an [`id_token`](Call::id_token) that is all; without, the answer says where a browser has to go.
    pub fn social(&self, provider: impl Into<String>) -> Call<SignInSocial> {
        self.0.request(SignInSocial::new(provider.into()))
    }
}

/// `POST /sign-in/email`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInEmail {
    email: String,
    password: String,
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remember_me: Option<bool>,
}

impl Endpoint for SignInEmail {
    type Output = SignedIn;

    fn route(&self) -> Route {
        Route::post("/sign-in/email").begins_session()
    }
}

impl Call<SignInEmail> {
    /// Comes back as the answer's `url`.
    pub fn callback_url(self, url: impl Into<String>) -> Self {
        self.with(|input| input.callback_url = Some(url.into()))
    }

    /// Whether the session is a long one; so when not said.
    pub fn remember_me(self, remember: bool) -> Self {
        self.with(|input| input.remember_me = Some(remember))
    }
}
