//! What is known while one request is answered.

use std::{borrow::Cow, fmt, sync::Arc};

use hallpass_store::{Store, Timestamp};
use hallpass_verify::bearer::Admitted;
use serde_json::Value;
use subtle::ConstantTimeEq;

use crate::{
    auth::Engine,
    cookie::AuthCookies,
    crypto::random::{ALPHANUMERIC, ID_LEN, draw},
    endpoint::AnyOutput,
    error::ApiError,
    gate::base_url::Site,
    outgoing::Outgoing,
    request::Request,
    session::SessionAndUser,
};

/// One request on its way: what came, what is known of the caller, and what the answer has so far.
///
/// Hooks and endpoints get it. There is no other state: two requests share nothing but the engine.
pub struct Context {
    pub(crate) engine: Arc<Engine>,
    request: Request,
    /// The credential that stands in for the session cookie. Its signature has been checked.
    admitted: Option<Admitted>,
    pub(crate) out: Outgoing,
    pub(crate) session: Option<SessionAndUser>,
    /// Whether that is what a copy in a cookie said, and nobody has asked the store.
    pub(crate) is_copy: bool,
    pub(crate) new_session: Option<SessionAndUser>,
    pub(crate) returned: Returned,
    /// What the endpoint answers with, if it answers with this alone: its JSON is at hand.
    pub(crate) written: Option<SessionAndUser>,
    /// Where the request has reached the server, if that depends on the request.
    pub(crate) site: Option<Site>,
    /// Ids that the database has decided, by those their records were drafted with.
    pub(crate) given_ids: Vec<(hallpass_store::Value, hallpass_store::Value)>,
}

/// What the endpoint came to.
pub(crate) enum Returned {
    Nothing,
    Output(Box<dyn AnyOutput>),
    Json(Value),
    Error(ApiError),
}

impl Context {
    pub(crate) fn new(engine: Arc<Engine>, request: Request) -> Self {
        Self {
            engine,
            request,
            admitted: None,
            out: Outgoing::default(),
            session: None,
            is_copy: false,
            new_session: None,
            returned: Returned::Nothing,
            written: None,
            site: None,
            given_ids: Vec::new(),
        }
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The request, to change what comes after sees of it.
    pub fn request_mut(&mut self) -> &mut Request {
        &mut self.request
    }

    /// The answer's headers and cookies so far.
    pub fn outgoing(&self) -> &Outgoing {
        &self.out
    }

    /// The answer's headers and cookies, to add to them.
    pub fn outgoing_mut(&mut self) -> &mut Outgoing {
        &mut self.out
    }

    /// The caller's session, once a requirement has looked it up.
    pub fn session(&self) -> Option<&SessionAndUser> {
        self.session.as_ref()
    }

    /// The caller's session, for endpoints that require one.
    pub fn required_session(&self) -> Result<SessionAndUser, ApiError> {
        self.session.clone().ok_or_else(|| ApiError::unexpected("the endpoint's route requires no session"))
    }

    /// The session whose cookie this answer sets, if it sets one.
    pub fn new_session(&self) -> Option<&SessionAndUser> {
        self.new_session.as_ref()
    }

    /// In an after-hook, the error the request came to.
    pub fn error(&self) -> Option<&ApiError> {
        match &self.returned {
            Returned::Error(error) => Some(error),
            _ => None,
        }
    }

    /// In an after-hook, what the endpoint answered, as JSON.
    pub fn returned(&self) -> Option<Value> {
        match &self.returned {
            Returned::Nothing | Returned::Error(_) => None,
            Returned::Json(json) => Some(json.clone()),
            Returned::Output(output) => serde_json::from_slice(&output.to_json().ok()?).ok(),
        }
    }

    /// In an after-hook, answers with this instead. A call in process then fails, since its type is the endpoint's.
    pub fn set_returned(&mut self, json: Value) {
        self.returned = Returned::Json(json);
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        &*self.engine.store
    }

    /// The tables, for calls of the store.
    pub fn schema(&self) -> &hallpass_store::Schema {
        &self.engine.schema
    }

    /// Where clients reach the endpoints: the configured origin, that of the allowed host this request names, or, where none
    /// is configured, the one this request came to; and the base path.
    pub fn base_url(&self) -> String {
        format!("{}{}", self.origin().unwrap_or_default(), self.engine.base_path)
    }

    /// The base URL without the base path.
    pub(crate) fn origin(&self) -> Option<String> {
        let of_request = || self.site.as_ref().map(|site| site.origin.clone());
        self.engine.origin.clone().or_else(of_request).or_else(|| self.request.own_origin())
    }

    /// What the server's own cookies are called.
    pub fn auth_cookies(&self) -> &AuthCookies {
        self.site.as_ref().and_then(|site| site.cookies.as_deref()).unwrap_or(&self.engine.default_cookies)
    }

    /// Draws 32 letters and digits (CONTRACT §6): a token, or an id where `advanced.database.generate_id` does not matter.
    pub fn draw_id(&self) -> String {
        draw(&*self.engine.randomness, ID_LEN, ALPHANUMERIC)
    }

    /// The id of a row that a plugin is about to write to a table, made as configured; no value where the database decides it,
    /// and then the outcome of the write tells it.
    pub fn row_id(&self, table: &str) -> hallpass_store::Value {
        self.engine.ids.make(table)
    }

    /// The value inside a signed cookie of the request, if its signature is right.
    pub fn signed_cookie(&self, name: &str) -> Option<String> {
        let is_session = name == self.auth_cookies().session_token.name;
        if let Some(admitted) = self.admitted.as_ref().filter(|_| is_session) {
            let is_it = |text: Cow<'_, str>| bool::from(text.as_bytes().ct_eq(admitted.cookie().as_bytes()));
            // What a signature is worth is known as long as no hook has put another text there. In constant time, since a bare token was signed
            // here, and its sender must not learn that signature by guessing.
            if self.request.cookies().get(name).is_some_and(is_it) {
                return admitted.token().map(ToOwned::to_owned);
            }
        }
        self.request.cookies().get_signed(name, &self.engine.key)
    }

    /// Puts a credential in the session cookie's place: from here on nothing knows the difference.
    pub(crate) fn take_in(&mut self, admitted: Admitted) {
        let name = self.auth_cookies().session_token.name.clone();
        self.request.cookies_mut().set(&name, admitted.cookie().to_owned());
        self.admitted = Some(admitted);
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("request", &self.request).finish_non_exhaustive()
    }
}
