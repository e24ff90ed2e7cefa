//! Sessions: looking, listing, changing and ending.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    AuthClient, Call, Token,
    endpoint::{Endpoint, Route},
    model::{CurrentSession, Healthy, Session, SessionUpdated, SignedOut, Status},
    policy::Verdict,
};

impl AuthClient {
    /// Asks whether the server is there.
    pub fn ok(&self) -> Call<Ok> {
        self.request(Ok {})
    }

    /// Who is signed in; none when nobody is. That is not an error, and neither does the server say so with a status.
    pub fn get_session(&self) -> Call<GetSession> {
        self.request(GetSession::default())
    }

    /// Extends the session, on servers that put it off (`deferSessionRefresh`) and have said that it is time
    /// ([`needs_refresh`](CurrentSession::needs_refresh)). Others extend it by themselves, and refuse this with 405.
    pub fn extend_session(&self) -> Call<ExtendSession> {
        self.request(ExtendSession {})
    }

    /// Signs out: ends the session, and drops the token once the server has said that it did.
    pub fn sign_out(&self) -> Call<SignOut> {
        self.request(SignOut::default())
    }

    /// All live sessions of the caller.
    pub fn list_sessions(&self) -> Call<ListSessions> {
        self.request(ListSessions {})
    }

    /// Ends one of the caller's sessions, by its token. The server says the same when there is none.
    pub fn revoke_session(&self, token: &Token) -> Call<RevokeSession> {
        // Sessions are known by their unsigned token.
        let raw = token.expose().split('.').next().unwrap_or_default().to_owned();
        self.request(RevokeSession { token: raw })
    }

    /// Ends all sessions of the caller, and with them this one.
    pub fn revoke_sessions(&self) -> Call<RevokeSessions> {
        self.request(RevokeSessions {})
    }

    /// Ends all sessions of the caller but this one.
    pub fn revoke_other_sessions(&self) -> Call<RevokeOtherSessions> {
        self.request(RevokeOtherSessions {})
    }

    /// Sets additional fields of the session; which there are, the server's configuration says.
    pub fn update_session(&self) -> Call<UpdateSession> {
        self.request(UpdateSession(Map::new()))
    }
}

/// `GET /ok`.
#[derive(Serialize)]
pub struct Ok {}

impl Endpoint for Ok {
    type Output = Healthy;

    fn route(&self) -> Route {
        Route::get("/ok")
    }
}

/// `GET /get-session`.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct GetSession {
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_cookie_cache: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_refresh: Option<bool>,
}

impl Endpoint for GetSession {
    type Output = Option<CurrentSession>;

    fn route(&self) -> Route {
        Route::get("/get-session")
    }

    fn verdict(&self, output: &Self::Output, _: Option<&Token>) -> Verdict {
        if output.is_none() { Verdict::Unknown } else { Verdict::Silent }
    }
}

impl Call<GetSession> {
    /// Leaves the session as it is, also where it is time to extend it.
    pub fn disable_refresh(self) -> Self {
        self.with(|input| input.disable_refresh = Some(true))
    }

    /// Has the server look into its database.
    pub fn disable_cookie_cache(self) -> Self {
        self.with(|input| input.disable_cookie_cache = Some(true))
    }
}

/// `POST /get-session`.
#[derive(Serialize)]
pub struct ExtendSession {}

impl Endpoint for ExtendSession {
    type Output = Option<CurrentSession>;

    fn route(&self) -> Route {
        Route::post("/get-session")
    }

    fn verdict(&self, output: &Self::Output, _: Option<&Token>) -> Verdict {
        if output.is_none() { Verdict::Unknown } else { Verdict::Silent }
    }
}

/// `POST /sign-out`.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct SignOut {
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_redirect: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
}

impl Endpoint for SignOut {
    type Output = SignedOut;

    fn route(&self) -> Route {
        Route::post("/sign-out").changes_session()
    }

    fn verdict(&self, output: &SignedOut, _: Option<&Token>) -> Verdict {
        if output.success { Verdict::Ended } else { Verdict::Silent }
    }
}

impl Call<SignOut> {
    /// Where the provider sends the browser after it signed out there as well.
    pub fn callback_url(self, url: impl Into<String>) -> Self {
        self.with(|input| input.callback_url = Some(url.into()))
    }

    /// Leaves it to this program to send the browser to the provider.
    pub fn disable_redirect(self, disabled: bool) -> Self {
        self.with(|input| input.disable_redirect = Some(disabled))
    }

    /// Handed to the provider.
    pub fn state(self, state: impl Into<String>) -> Self {
        self.with(|input| input.state = Some(state.into()))
    }
}

/// `GET /list-sessions`.
#[derive(Serialize)]
pub struct ListSessions {}

impl Endpoint for ListSessions {
    type Output = Vec<Session>;

    fn route(&self) -> Route {
        Route::get("/list-sessions").needs_session()
    }
}

/// `POST /revoke-session`.
#[derive(Serialize)]
pub struct RevokeSession {
    token: String,
}

impl Endpoint for RevokeSession {
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/revoke-session").needs_session().changes_session()
    }

    fn verdict(&self, output: &Status, sent: Option<&Token>) -> Verdict {
        let own = sent.is_some_and(|sent| sent.same_session(&Token::from(self.token.as_str())));
        if output.status && own { Verdict::Ended } else { Verdict::Silent }
    }
}

/// `POST /revoke-sessions`.
#[derive(Serialize)]
pub struct RevokeSessions {}

impl Endpoint for RevokeSessions {
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/revoke-sessions").needs_session().changes_session()
    }

    fn verdict(&self, output: &Status, _: Option<&Token>) -> Verdict {
        if output.status { Verdict::Ended } else { Verdict::Silent }
    }
}

/// `POST /revoke-other-sessions`.
#[derive(Serialize)]
pub struct RevokeOtherSessions {}

impl Endpoint for RevokeOtherSessions {
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/revoke-other-sessions").needs_session().changes_session()
    }
}

/// `POST /update-session`.
#[derive(Serialize)]
pub struct UpdateSession(Map<String, Value>);

impl Endpoint for UpdateSession {
    type Output = SessionUpdated;

    fn route(&self) -> Route {
        Route::post("/update-session").needs_session()
    }
}

impl Call<UpdateSession> {
    /// Sets a field.
    pub fn field(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with(|input| drop(input.0.insert(name.into(), value.into())))
    }
}
