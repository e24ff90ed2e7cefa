//! The other end of bearer authentication: a client that *obtains* the token, *keeps* it, *sends* it and *drops* it, of servers that
//! speak the protocol of `better-auth`: hallpass, or the npm package itself.
//!
//! ```
//! use hallpass_client::AuthClient;
//!
//! # use hallpass::{Bearer, EmailAndPassword, Hallpass, store::MemoryStore};
//! # async fn server() -> Result<String, Box<dyn std::error::Error>> {
//! #     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! #     let url = format!("http://{}", listener.local_addr()?);
//! #     let auth = Hallpass::builder()
//! #         .secret("a secret of at least thirty-two characters")
//! #         .base_url(url.as_str())
//! #         .store(MemoryStore::new())
//! #         .email_and_password(EmailAndPassword::default())
//! #         .plugin(Bearer::new())
//! #         .build()?;
//! #     tokio::spawn(async move { axum::serve(listener, hallpass_axum::router(&auth)).await });
//! #     Ok(url)
//! # }
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let url = server().await?;
//! let client = AuthClient::builder(url).build()?; // such as "https://api.example.com"
//!
//! client.sign_up().email("Ada", "ada@example.com", "correct horse").await?;
//! let current = client.get_session().await?.expect("signing up signs in");
//! println!("Hello, {}. You have {} session(s).", current.user.name, client.list_sessions().await?.len());
//!
//! client.sign_out().await?;
//! assert!(client.get_session().await?.is_none());
//! # Ok(()) }
//! ```
//!
//! Every endpoint of the core has a method, which returns a [`Call`]. It is made when it is awaited, and can be told more until then:
//! `client.sign_in().email("ada@example.com", "…").remember_me(false).timeout(…).await?`. Endpoints of plugins are reached with
//! [`call`](AuthClient::call), or with types of your own ([`endpoint::Endpoint`]).
//!
//! # Obtain
//!
//! A server brings a token in the header `set-auth-token`: at sign-up and sign-in, when the password is changed, when a link in a mail
//! signs in, and when a session is extended. The client looks for it in every answer, redirects and refusals included.
//!
//! To do it by hand, as the npm package's documentation does, look at answers with [`on_success`](Builder::on_success) and
//! [`on_error`](Builder::on_error), for the whole client or [for one call](Call::on_success), and give the token with
//! [`token`](Builder::token).
//!
//! # Keep
//!
//! | Store | Where the token is |
//! |---|---|
//! | [`MemoryTokenStore`](store::MemoryTokenStore) | in memory, until the process ends; what is done when nothing is said |
//! | [`FileTokenStore`](store::FileTokenStore) | in a file for its owner's eyes only, which processes can share |
//! | `KeyringTokenStore` (feature `keyring`) | in the keyring of the operating system |
//! | [`token`](Builder::token), [`token_async`](Builder::token_async) | in your hands |
//! | [`TokenStore`](store::TokenStore) | wherever you like |
//!
//! Tokens of several servers do not get in each other's way, nor do several of one server under different
//! [profiles](Builder::profile).
//!
//! A client may be used from any number of tasks. [`order`] has the rules by which parallel calls never lose a new token nor bring
//! back an old one.
//!
//! # Send
//!
//! Each call sends `Authorization: Bearer …`, or no such header if there is no token or an empty one. A single call can send
//! [another](Call::bearer) or [none](Call::anonymous). The client sends no cookies.
//!
//! The token goes to the server that was named, and nowhere else. Redirects are not followed: where an endpoint is meant to redirect,
//! the [`Redirect`] is the result, and anywhere else it is an error. A server with `http://` has to be on this machine.
//!
//! [`bearer_for`](AuthClient::bearer_for) gives the same token to requests for other APIs, with `tower` or `reqwest-middleware`
//! (features of these names).
//!
//! # Drop
//!
//! The token is dropped when the server says that it is worth nothing, or when this client has ended the session.
//! [`DropPolicy`] has the precise rules, and can be replaced.
//!
//! # When something is wrong
//!
//! An [`Error`] knows the server's status and code. "The server cannot be reached" ([`is_unavailable`](Error::is_unavailable)) is one,
//! and never "nobody is signed in". What can safely be tried again is, see [`retries`](Builder::retries).
//!
//! ```no_run
//! # async fn doc(client: hallpass_client::AuthClient) -> Result<(), hallpass_client::Error> {
//! match client.sign_in().email("ada@example.com", "correct horse").await {
//!     Ok(_) => println!("welcome back"),
//!     Err(error) if error.code() == Some("INVALID_EMAIL_OR_PASSWORD") => println!("try again"),
//!     Err(error) if error.is_unavailable() => println!("later, perhaps: {error}"),
//!     Err(error) => return Err(error),
//! }
//! # Ok(()) }
//! ```
//!
//! Passwords and tokens are printed by nothing, neither with `Display` nor with `Debug`.

mod answer;
pub mod bearer;
mod builder;
mod call;
mod client;
pub mod endpoint;
pub mod endpoints;
mod error;
mod exchange;
pub mod model;
pub mod order;
mod origin;
mod policy;
mod retry;
pub mod store;
mod token;

pub use answer::{Answer, FromAnswer, LinkOutcome, Redirect, Seen};
pub use bearer::Bearer;
pub use builder::Builder;
pub use call::Call;
pub use client::AuthClient;
pub use error::Error;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use origin::BuildError;
pub use policy::{DropPolicy, Verdict};
pub use token::Token;
