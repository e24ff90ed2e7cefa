//! The caller themselves.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    AuthClient, Call, LinkOutcome, Token,
    endpoint::{Endpoint, Route},
    model::{Status, UserDeleted},
    policy::Verdict,
};

impl AuthClient {
    /// Changes the caller's name, picture or additional fields: `client.update_user().name("Ada")`.
    pub fn update_user(&self) -> Call<UpdateUser> {
        self.request(UpdateUser(Map::new()))
    }

    /// Deletes the caller's account, or sends a mail with a link that does; the answer says which.
    pub fn delete_user(&self) -> Call<DeleteUser> {
        self.request(DeleteUser { callback_url: None, password: None, token: None })
    }

    /// Follows the link of that mail, of which this is the token.
    pub fn delete_user_callback(&self, token: impl Into<String>) -> Call<DeleteUserCallback> {
        self.request(DeleteUserCallback { token: token.into(), callback_url: None })
    }
}

/// `POST /update-user`.
#[derive(Serialize)]
pub struct UpdateUser(Map<String, Value>);

impl Endpoint for UpdateUser {
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/update-user").needs_session()
    }
}

impl Call<UpdateUser> {
    /// Sets the name.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.field("name", name.into())
    }

    /// Sets the address of the picture.
    pub fn image(self, url: impl Into<String>) -> Self {
        self.field("image", url.into())
    }

    /// Removes the picture.
    pub fn without_image(self) -> Self {
        self.field("image", Value::Null)
    }

    /// Sets an additional field.
    pub fn field(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with(|input| drop(input.0.insert(name.into(), value.into())))
    }
}

/// `POST /delete-user`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteUser {
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl Endpoint for DeleteUser {
    type Output = UserDeleted;

    fn route(&self) -> Route {
        Route::post("/delete-user").needs_session().changes_session()
    }

    fn verdict(&self, output: &UserDeleted, _: Option<&Token>) -> Verdict {
        if output.is_done() { Verdict::Ended } else { Verdict::Silent }
    }
}

impl Call<DeleteUser> {
    /// The caller's password. Without it, the session has to be a fresh one.
    pub fn password(self, password: impl Into<String>) -> Self {
        self.with(|input| input.password = Some(password.into()))
    }

    /// The token of the mail.
    pub fn token(self, token: impl Into<String>) -> Self {
        self.with(|input| input.token = Some(token.into()))
    }

    /// Where the link in the mail leads.
    pub fn callback_url(self, url: impl Into<String>) -> Self {
        self.with(|input| input.callback_url = Some(url.into()))
    }
}

/// `GET /delete-user/callback`.
#[derive(Serialize)]
pub struct DeleteUserCallback {
    token: String,
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
}

impl Endpoint for DeleteUserCallback {
    type Output = LinkOutcome<UserDeleted>;

    fn route(&self) -> Route {
        Route::get("/delete-user/callback").needs_session().does_something().changes_session()
    }

    fn verdict(&self, output: &LinkOutcome<UserDeleted>, _: Option<&Token>) -> Verdict {
        match output {
            LinkOutcome::Done(deleted) if deleted.is_done() => Verdict::Ended,
            LinkOutcome::Redirect(redirect) if redirect.error().is_none() => Verdict::Ended,
            _ => Verdict::Silent,
        }
    }
}

impl Call<DeleteUserCallback> {
    /// Has the server answer with a redirect to this place.
    pub fn callback_url(self, url: impl Into<String>) -> Self {
        self.with(|input| input.callback_url = Some(url.into()))
    }
}
