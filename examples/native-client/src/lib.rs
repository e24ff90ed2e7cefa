//! The half of a native application that its window does not see.
//!
//! In Tauri each function of [`Backend`] would be a `#[tauri::command]` that takes a `State<Backend>`, and the window would call it with
//! `invoke("sign_in", { email, password })`. The token stays on this side: the page in the window gets users, never tokens, so a script
//! that is smuggled into it finds none.
//!
//! Nothing here sends a cookie or an `Origin`. The server asks for an origin only where a cookie came along, so none has to be made up,
//! and `file://` or `tauri://localhost` need not be trusted.

use hallpass_client::{AuthClient, BuildError, Error, model::User, store::TokenStore};
use serde::{Deserialize, Serialize};

/// What a window is told when something went wrong: a code for the program, and words for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Such as `INVALID_EMAIL_OR_PASSWORD`, or `OFFLINE`.
    pub code: String,
    /// What to show.
    pub message: String,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = match error.code() {
            Some(code) => code,
            None if error.is_connect() || error.is_timeout() => "OFFLINE",
            None if error.is_unavailable() => "TRY_LATER",
            None => "FAILED",
        };
        Self { code: code.to_owned(), message: error.to_string() }
    }
}

/// What the window asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Invoke {
    /// A new account.
    SignUp {
        /// Their name.
        name: String,
        /// Their address.
        email: String,
        /// Their password.
        password: String,
    },
    /// An account that is there.
    SignIn {
        /// Their address.
        email: String,
        /// Their password.
        password: String,
    },
    /// Who is signed in.
    Me,
    /// Nobody any more.
    SignOut,
}

/// The state behind the commands.
#[derive(Debug, Clone)]
pub struct Backend {
    client: AuthClient,
}

impl Backend {
    /// A backend of the server at `url` that keeps its token in `store`.
    pub fn new(url: &str, store: impl TokenStore) -> Result<Self, BuildError> {
        let client = AuthClient::builder(url).user_agent("example-native-client").token_store(store).build()?;
        Ok(Self { client })
    }

    /// Does what the window asks for. What comes back is the user, or nobody.
    pub async fn invoke(&self, what: Invoke) -> Result<Option<User>, Problem> {
        match what {
            Invoke::SignUp { name, email, password } => {
                Ok(Some(self.client.sign_up().email(name, email, password).await?.user))
            }
            Invoke::SignIn { email, password } => Ok(self.client.sign_in().email(email, password).await?.user),
            Invoke::Me => Ok(self.client.get_session().await?.map(|found| found.user)),
            Invoke::SignOut => {
                self.client.sign_out().await?;
                Ok(None)
            }
        }
    }
}
