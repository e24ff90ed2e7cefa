//! Authentication with bearer tokens for Rust services, on the wire protocol of the npm package `better-auth`.
//!
//! A client signs in, finds its session token in the `set-auth-token` header, keeps it, and from then on sends
//! `Authorization: Bearer <token>`. The server turns that header into the caller's session on every endpoint, and in your own
//! handlers.
//!
//! ```
//! use hallpass::{Bearer, EmailAndPassword, Hallpass, store::MemoryStore};
//! use http::{Request, header};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let auth = Hallpass::builder()
//!     .secret("a secret of at least thirty-two characters")
//!     .store(MemoryStore::new())
//!     .email_and_password(EmailAndPassword::default())
//!     .plugin(Bearer::new())
//!     .build()
//!     .unwrap();
//!
//! let body = r#"{"name":"Ann","email":"ann@example.com","password":"correct horse"}"#;
//! let sign_up = Request::post("/api/auth/sign-up/email")
//!     .header(header::CONTENT_TYPE, "application/json")
//!     .body(body.to_owned())
//!     .unwrap();
//! let answer = auth.handle(sign_up).await;
//! let token = answer.headers()["set-auth-token"].to_str().unwrap();
//!
//! let mut headers = http::HeaderMap::new();
//! headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
//! let found = auth.api().get_session(&headers).await.unwrap();
//! assert_eq!(found.as_ref().unwrap().user.name, "Ann");
//! # });
//! ```
//!
//! # The way of a request
//!
//! The modules in the order in which a request meets them: [`Builder`] built the engine; `service` is the front door; `gate`
//! holds the rate limiter and the origin check; `pipeline` is the hallway with its stages; [`plugin`]s, [`Bearer`] among them, hook in;
//! one of the [`endpoints`] answers, asking `session` to issue, look up, refresh or revoke; `cookie` and [`wire`] turn it all into bytes.
//!
//! The engine knows no web framework, no database driver, no environment variable and no file: stores, clock and randomness are
//! handed to it. For axum see the crate `hallpass-axum`, for databases `hallpass-sql`.

mod api;
mod auth;
mod background;
mod builder;
mod callbacks;
mod clock;
mod context;
pub mod cookie;
mod crypto;
mod endpoint;
pub mod endpoints;
mod error;
mod fields;
mod gate;
pub mod mail;
pub mod oauth;
pub mod options;
mod outgoing;
mod pipeline;
pub mod plugin;
mod plugins;
mod records;
mod request;
mod routes;
mod row_ids;
mod service;
mod session;
mod table_names;
mod verification;
pub mod wire;

pub use hallpass_cache as cache;
pub use hallpass_store as store;
pub use hallpass_verify::Secret;
pub use schemars;

pub use api::{Answer, Api};
pub use auth::Hallpass;
pub use builder::Builder;
pub use callbacks::Callbacks;
pub use clock::{Clock, SystemClock};
pub use context::Context;
pub use crypto::random::{Randomness, SystemRandomness};
pub use endpoint::{Endpoint, Input, NoInput, Requirement, Route};
pub use error::{ApiError, BuildError, ErrorCode};
pub use gate::{
    client_ip::PeerAddress,
    rate_limit::{Limit, RateLimitRule},
};
pub use options::{EmailAndPassword, Environment};
pub use outgoing::Outgoing;
pub use plugins::{Bearer, OpenApi};
pub use request::{Door, Request};
pub use session::SessionAndUser;
pub use wire::{EmailAddress, NotAnEmail};
