//! `/sign-up/email`.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    AuthClient, Call,
    endpoint::{Endpoint, Route},
    model::SignedUp,
};

/// The ways to sign up; see [`AuthClient::sign_up`].
#[derive(Debug)]
pub struct SignUp<'a>(&'a AuthClient);

impl AuthClient {
    /// Signs somebody up: `client.sign_up().email("Ada", "ada@example.com", "…")`. Unless they have to prove their address first, they
    /// are signed in as well.
    pub fn sign_up(&self) -> SignUp<'_> {
        SignUp(self)
    }
}

impl SignUp<'_> {
    /// With an address and a password.
    pub fn email(
        &self,
        name: impl Into<String>,
        email: impl Into<String>,
        password: impl Into<String>,
    ) -> Call<SignUpEmail> {
        self.0.request(SignUpEmail {
            name: name.into(),
            email: email.into(),
            password: password.into(),
            image: None,
            callback_url: None,
            remember_me: None,
            more: Map::new(),
        })
    }
}

/// `POST /sign-up/email`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignUpEmail {
    name: String,
    email: String,
    password: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remember_me: Option<bool>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Endpoint for SignUpEmail {
    type Output = SignedUp;

    fn route(&self) -> Route {
        Route::post("/sign-up/email").begins_session()
    }
}

impl Call<SignUpEmail> {
    /// The address of a picture.
    pub fn image(self, url: impl Into<String>) -> Self {
        self.with(|input| input.image = Some(url.into()))
    }

    /// Where the link in the verification mail leads.
    pub fn callback_url(self, url: impl Into<String>) -> Self {
        self.with(|input| input.callback_url = Some(url.into()))
    }

    /// Whether the session is a long one; so when not said.
    pub fn remember_me(self, remember: bool) -> Self {
        self.with(|input| input.remember_me = Some(remember))
    }

    /// An additional field.
    pub fn field(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with(|input| drop(input.more.insert(name.into(), value.into())))
    }
}
