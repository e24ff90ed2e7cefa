//! Whatever else a server has.

use http::Method;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    Answer, AuthClient, Call,
    endpoint::{Endpoint, Route},
};

impl AuthClient {
    /// Calls an endpoint of a plugin: `client.call(Method::POST, "/notes/add").json(json!({ "text": "milk" }))`. The path is below the
    /// base path. Types of your own for input and output are had with [`request`](Self::request).
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call<Custom> {
        self.request(Custom {
            method,
            path: path.into(),
            input: Value::Object(Map::new()),
            public: false,
            begins: false,
        })
    }
}

/// Any endpoint, without types.
pub struct Custom {
    method: Method,
    path: String,
    input: Value,
    public: bool,
    begins: bool,
}

impl Serialize for Custom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.input.serialize(serializer)
    }
}

impl Endpoint for Custom {
    type Output = Answer;

    fn route(&self) -> Route {
        let mut route = Route::new(self.method.clone(), self.path.clone());
        route.needs_session = !self.public;
        if self.begins { route.begins_session() } else { route }
    }
}

impl Call<Custom> {
    /// The body, or for GET the members of the query. An empty object when not said.
    pub fn json(self, input: impl Into<Value>) -> Self {
        self.with(|custom| custom.input = input.into())
    }

    /// The endpoint is for everybody, so that a 401 of it is not about the token.
    pub fn public(self) -> Self {
        self.with(|custom| custom.public = true)
    }

    /// The endpoint signs somebody in, so its token is kept in any case.
    pub fn begins_session(self) -> Self {
        self.with(|custom| {
            custom.public = true;
            custom.begins = true;
        })
    }
}
