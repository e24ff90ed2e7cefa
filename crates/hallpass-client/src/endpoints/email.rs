//! Addresses: proving and changing.

use serde::Serialize;

use crate::{
    AuthClient, Call, LinkOutcome,
    endpoint::{Endpoint, Route},
    model::{EmailVerified, Status},
};

impl AuthClient {
    /// Changes the caller's address, or has a mail sent with which it is changed.
    pub fn change_email(&self, new: impl Into<String>) -> Call<ChangeEmail> {
        self.request(ChangeEmail { new_email: new.into(), callback_url: None })
    }

    /// Has a mail sent with which an address is proven.
    pub fn send_verification_email(&self, email: impl Into<String>) -> Call<SendVerificationEmail> {
        self.request(SendVerificationEmail { email: email.into(), callback_url: None })
    }

    /// Follows the link of such a mail, of which this is the token. If that signs in, the token is kept.
    pub fn verify_email(&self, token: impl Into<String>) -> Call<VerifyEmail> {
        self.request(VerifyEmail { token: token.into(), callback_url: None })
    }
}

/// `POST /change-email`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeEmail {
    new_email: String,
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
}

impl Endpoint for ChangeEmail {
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/change-email").needs_session()
    }
}

impl Call<ChangeEmail> {
    /// Where the link in the mail leads.
    pub fn callback_url(self, url: impl Into<String>) -> Self {
        self.with(|input| input.callback_url = Some(url.into()))
    }
}

/// `POST /send-verification-email`.
#[derive(Serialize)]
pub struct SendVerificationEmail {
    email: String,
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
}

impl Endpoint for SendVerificationEmail {
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/send-verification-email")
    }
}

impl Call<SendVerificationEmail> {
    /// Where the link in the mail leads.
    pub fn callback_url(self, url: impl Into<String>) -> Self {
        self.with(|input| input.callback_url = Some(url.into()))
    }
}

/// `GET /verify-email`.
#[derive(Serialize)]
pub struct VerifyEmail {
    token: String,
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
}

impl Endpoint for VerifyEmail {
    type Output = LinkOutcome<EmailVerified>;

    fn route(&self) -> Route {
        Route::get("/verify-email").does_something().changes_session()
    }
}

impl Call<VerifyEmail> {
    /// Has the server answer with a redirect to this place.
    pub fn callback_url(self, url: impl Into<String>) -> Self {
        self.with(|input| input.callback_url = Some(url.into()))
    }
}
