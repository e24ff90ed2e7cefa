//! The endpoints (CONTRACT §11), one file for each path.

mod additional_fields;
mod change_email;
mod change_password;
mod database_hooks;
mod delete_user;
mod delete_user_callback;
mod error;
mod get_session;
mod list_accounts;
mod list_sessions;
mod ok;
mod request_password_reset;
mod reset_password;
mod reset_password_callback;
mod revoke_other_sessions;
mod revoke_session;
mod revoke_sessions;
mod send_verification_email;
mod set_password;
mod sign_in_email;
mod sign_out;
mod sign_up_email;
mod update_session;
mod update_user;
mod validation;
mod verify_email;
mod verify_password;

use hallpass::{
    Bearer, Builder,
    options::{AdditionalField, SessionOptions},
};
use http::Method;

use crate::support::{Call, Stage, stage_with};

/// An endpoint and a body that it accepts.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) body: Option<&'static str>,
}

impl Route {
    const fn get(path: &'static str) -> Self {
        Self { method: Method::GET, path, body: None }
    }

    const fn post(path: &'static str, body: &'static str) -> Self {
        Self { method: Method::POST, path, body: Some(body) }
    }

    /// A valid request but for the caller.
    pub(crate) fn call<'a>(&self, stage: &'a Stage) -> Call<'a> {
        let call = stage.call(self.method.clone(), self.path);
        match self.body {
            None => call,
            Some(body) => call.body("application/json", body),
        }
    }
}

/// Every endpoint that requires a session. `/update-session` needs the fields of [`with_fields`] to succeed.
pub(crate) const WITH_SESSION: [Route; 9] = [
    Route::get("/list-sessions"),
    Route::get("/list-accounts"),
    Route::post("/revoke-session", r#"{"token":"another"}"#),
    Route::post("/revoke-sessions", "{}"),
    Route::post("/revoke-other-sessions", "{}"),
    Route::post("/update-session", r#"{"theme":"dark"}"#),
    Route::post("/update-user", r#"{"name":"Anna"}"#),
    Route::post("/change-password", r#"{"newPassword":"another password","currentPassword":"password123"}"#),
    Route::post("/verify-password", r#"{"password":"password123"}"#),
];

/// The endpoints that require none, but ask the store.
pub(crate) const WITHOUT_SESSION: [Route; 2] = [
    Route::post("/sign-up/email", r#"{"name":"New","email":"new@example.com","password":"password123"}"#),
    Route::post("/sign-in/email", r#"{"email":"ann@example.com","password":"password123"}"#),
];

/// A stage whose sessions have a field `theme` that clients may set.
pub(crate) fn with_fields() -> Stage {
    with_fields_and(|builder| builder)
}

/// The same, configured further.
pub(crate) fn with_fields_and(configure: impl FnOnce(Builder) -> Builder) -> Stage {
    let theme = AdditionalField { required: Some(false), ..AdditionalField::default() };
    let additional_fields = [("theme".to_owned(), theme)].into_iter().collect();
    let session = SessionOptions { additional_fields, ..SessionOptions::default() };
    stage_with(|builder| configure(builder.plugin(Bearer::new()).session(session)))
}
