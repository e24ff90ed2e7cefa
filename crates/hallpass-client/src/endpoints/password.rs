//! Passwords: changing, checking, and choosing a new one for a forgotten one.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    AuthClient, Call, Redirect,
    endpoint::{Endpoint, Route},
    model::{PasswordChanged, ResetRequested, Status},
};

impl AuthClient {
    /// Changes the caller's password.
    pub fn change_password(&self, current: impl Into<String>, new: impl Into<String>) -> Call<ChangePassword> {
        let (new_password, current_password) = (new.into(), current.into());
        self.request(ChangePassword { new_password, current_password, revoke_other_sessions: None })
    }

    /// Whether this is the caller's password. A wrong one is an error with the code `INVALID_PASSWORD`.
    pub fn verify_password(&self, password: impl Into<String>) -> Call<VerifyPassword> {
        self.request(VerifyPassword { password: password.into() })
    }

    /// Has a mail sent with which a new password can be chosen.
    pub fn request_password_reset(&self, email: impl Into<String>) -> Call<RequestPasswordReset> {
        self.request(RequestPasswordReset { email: email.into(), redirect_to: None })
    }

    /// Chooses a new password with the token of that mail.
    pub fn reset_password(&self, new: impl Into<String>, token: impl Into<String>) -> Call<ResetPassword> {
        self.request(ResetPassword { new_password: new.into(), token: token.into() })
    }

    /// Follows the link of that mail, which uses nothing up: the answer leads to `callback_url`, with the token or an error.
    pub fn reset_password_callback(
        &self,
        token: impl Into<String>,
        callback_url: impl Into<String>,
    ) -> Call<ResetPasswordCallback> {
        self.request(ResetPasswordCallback { token: token.into(), callback_url: callback_url.into() })
    }
}

/// `POST /change-password`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangePassword {
    new_password: String,
    current_password: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoke_other_sessions: Option<bool>,
}

impl Endpoint for ChangePassword {
    type Output = PasswordChanged;

    fn route(&self) -> Route {
        Route::post("/change-password").needs_session().changes_session()
    }
}

impl Call<ChangePassword> {
    /// Ends all sessions of the caller, this one as well, and begins a new one, whose token takes the place of the old.
    pub fn revoke_other_sessions(self, revoke: bool) -> Self {
        self.with(|input| input.revoke_other_sessions = Some(revoke))
    }
}

/// `POST /verify-password`.
#[derive(Serialize)]
pub struct VerifyPassword {
    password: String,
}

impl Endpoint for VerifyPassword {
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/verify-password").needs_session()
    }
}

/// `POST /request-password-reset`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestPasswordReset {
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_to: Option<String>,
}

impl Endpoint for RequestPasswordReset {
    type Output = ResetRequested;

    fn route(&self) -> Route {
        Route::post("/request-password-reset")
    }
}

impl Call<RequestPasswordReset> {
    /// Where the link in the mail leads: the page that asks for the new password.
    pub fn redirect_to(self, url: impl Into<String>) -> Self {
        self.with(|input| input.redirect_to = Some(url.into()))
    }
}

/// `POST /reset-password`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResetPassword {
    new_password: String,
    token: String,
}

impl Endpoint for ResetPassword {
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/reset-password")
    }
}

/// `GET /reset-password/:token`.
pub struct ResetPasswordCallback {
    token: String,
    callback_url: String,
}

impl Serialize for ResetPasswordCallback {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut query = serializer.serialize_map(Some(1))?;
        query.serialize_entry("callbackURL", &self.callback_url)?;
        query.end()
    }
}

impl Endpoint for ResetPasswordCallback {
    type Output = Redirect;

    fn route(&self) -> Route {
        Route::get(format!("/reset-password/{}", utf8_percent_encode(&self.token, NON_ALPHANUMERIC)))
    }
}
