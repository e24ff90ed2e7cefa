//! What an endpoint is, for those of this crate and for plugins' of yours.

use std::{borrow::Cow, fmt};

use http::Method;
use serde::Serialize;

use crate::{Token, answer::FromAnswer, policy::Verdict};

/// One endpoint with its input. Serialised, it is the body in JSON, or the query where the method is GET.
///
/// A call to a plugin's endpoint can have types as the others have:
///
/// ```
/// use hallpass_client::{AuthClient, endpoint::{Endpoint, Route}};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize)]
/// struct AddNote {
///     text: String,
/// }
///
/// #[derive(Deserialize)]
/// struct Note {
///     id: String,
/// }
///
/// impl Endpoint for AddNote {
///     type Output = Note;
///
///     fn route(&self) -> Route {
///         Route::post("/notes/add").needs_session()
///     }
/// }
///
/// async fn add(client: &AuthClient) -> Result<Note, hallpass_client::Error> {
///     client.request(AddNote { text: "milk".into() }).await
/// }
/// ```
pub trait Endpoint: Serialize + Send + Sync + 'static {
    /// What it answers.
    type Output: FromAnswer + Send + 'static;

    /// Where it is, and what it does to the session.
    fn route(&self) -> Route;

    /// What an output says about the token that was sent.
    fn verdict(&self, _output: &Self::Output, _sent: Option<&Token>) -> Verdict {
        Verdict::Silent
    }
}

/// Method and path of an endpoint, and what a client has to know of it.
#[derive(Clone)]
pub struct Route {
    pub(crate) method: Method,
    pub(crate) path: Cow<'static, str>,
    pub(crate) needs_session: bool,
    pub(crate) safe: bool,
    pub(crate) effect: Effect,
}

/// Without what comes after the first part of the path, where a token can be.
impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.path.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
        f.debug_struct("Route").field("method", &self.method).field("path", &first).finish_non_exhaustive()
    }
}

/// What becomes of the client's session by a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing but, perhaps, a longer life.
    None,
    /// A new one begins, whatever was before.
    Begins,
    /// It may be ended, or another may take its place.
    Changes,
}

impl Route {
    /// An endpoint that is read from: trying it again does no harm.
    pub fn get(path: impl Into<Cow<'static, str>>) -> Self {
        Self { safe: true, ..Self::new(Method::GET, path) }
    }

    /// An endpoint that does something.
    pub fn post(path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::POST, path)
    }

    /// An endpoint of another method, which does something unless the method is safe.
    pub fn new(method: Method, path: impl Into<Cow<'static, str>>) -> Self {
        let safe = method.is_safe();
        Self { method, path: path.into(), needs_session: false, safe, effect: Effect::None }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path below the base path. It can hold a token.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// It answers 401 to those who are not signed in.
    pub fn needs_session(mut self) -> Self {
        self.needs_session = true;
        self
    }

    /// It does something, although its method does not look like it. Links in mails are of this kind.
    pub fn does_something(mut self) -> Self {
        self.safe = false;
        self
    }

    /// It signs somebody in: the token that it brings is kept in any case.
    pub fn begins_session(mut self) -> Self {
        self.effect = Effect::Begins;
        self
    }

    /// It may end the session, or begin another in its place, so it takes turns with others that do. The documentation of
    /// [`order`](crate::order) has more.
    pub fn changes_session(mut self) -> Self {
        self.effect = Effect::Changes;
        self
    }
}
