//! Knowing the caller of a request from the bearer token it carries, in any service.
//!
//! # Trust a token in five lines
//!
//! An axum application that asks an auth server (hallpass, or a Node server with the npm package's Bearer plugin) whose token a request
//! brings:
//!
//! ```
//! # #[cfg(all(feature = "axum", feature = "remote"))]
//! # fn app() -> Result<axum::Router, Box<dyn std::error::Error>> {
//! use axum::{Router, routing::get};
//! use hallpass_verify::{Caller, RemoteSource, VerifyLayer};
//!
//! let source = RemoteSource::new("https://auth.example.com/api/auth")?;
//! let app = Router::new()
//!     .route("/me", get(async |caller: Caller| caller.email().unwrap_or("no address").to_owned()))
//!     .layer(VerifyLayer::new(source));
//! # Ok(app) }
//! ```
//!
//! ```toml
//! hallpass-verify = { version = "0.1", features = ["axum", "remote"] }
//! ```
//!
//! Whoever brings no good token gets the answer that RFC 6750 has for it. While the auth server is away everybody gets 503: never 401, which would
//! sign them out, and never in.
//!
//! # Sources
//!
//! A [`SessionSource`] says what a token is worth. Choose by what the service can reach, and by how soon it must notice that a session was ended.
//!
//! | Source | Feature | Asks | A look-up costs | A revoked session is good for |
//! |---|---|---|---|---|
//! | [`StoreSource`] | | the database that the auth server writes | one indexed read | no longer |
//! | `RedisSource` | `redis` | the Redis that a Node server writes | two reads over a shared connection | no longer |
//! | `RemoteSource` | `remote` | an auth server's `/get-session` | one request; look-ups of one token at the same time share it | no longer |
//! | `RemoteSource` with a cache | `remote` | likewise | nothing, while it is remembered | its `max_age`, which you choose |
//! | `JwtSource` | `jwt` | nobody; keys are fetched now and then | a signature check | until the token's `exp`, 15 minutes |
//!
//! Where both kinds of token come, take `JwtSource::beside`. Sources that know the auth server's secret refuse a forged token without asking anybody. `RemoteSource` may know it, and need not.
//!
//! All answer with a [`Verdict`], or with [`Unavailable`] if nothing could be found out. A [`Caller`] always has the user's id, and beyond it what
//! its source knows: records with their additional fields, or claims. The [`Reason`] why a token is worth nothing is for your logs and metrics. A
//! client cannot tell an unknown token from an expired, revoked or forged one.
//!
//! # In front of a service
//!
//! | With | Take |
//! |---|---|
//! | axum | `VerifyLayer`, and [`Caller`] or `Option<Caller>` among a handler's arguments (feature `axum`) |
//! | tonic, hyper, tower | `VerifyLayer`, and [`Caller`] from the request's extensions (feature `tower`) |
//! | actix-web | the crate `hallpass-actix` |
//! | anything else | `Guard::check`, with headers and address of a request (feature `guard`) |
//!
//! What is refused and how is decided by a `Guard`, the same one everywhere; its page lists the challenges. A source alone makes one that requires a
//! token. Say more with `Guard::new(source)`: `.optional()`, `.realm("…")`, `.authorize(|caller| …)`, `.on_verdict(|check| …)`, and
//! `.danger_accept_token_in_query()`. The guard waits 10 seconds for a source, on tokio's clock, so a runtime with time enabled is needed.
//!
//! # The parts
//!
//! Without any feature this crate knows no HTTP and depends on almost nothing. The hallpass engine is built on it: what a token is worth is decided by
//! the same code there and here.
//!
//! 1. [`bearer::parse`] reads the `Authorization` header (CONTRACT §8.1, RFC 6750 §2.1).
//! 2. [`SigningKey`] makes and checks the signature of a token (CONTRACT §4.2). A forged token ends here, without any store.
//! 3. [`resolve`](resolve::resolve) asks the store what session a token stands for, and says whether it is still alive.
//!
//! ```
//! use hallpass_verify::{SigningKey, bearer};
//!
//! let key = SigningKey::new("better-auth-contract-secret-00000000");
//! let signed = key.sign("abcdefghijklmnopqrstuvwxyzABCDEF");
//! let header = format!("Bearer {signed}");
//!
//! let credential = bearer::parse(header.as_bytes()).unwrap();
//! let admitted = credential.admit(&key, false).unwrap();
//! // The token to ask the store for.
//! assert_eq!(admitted.token(), Some("abcdefghijklmnopqrstuvwxyzABCDEF"));
//! assert!(bearer::parse(b"Bearer abc.forged").unwrap().admit(&key, false).is_none());
//! ```

pub mod bearer;
mod caller;
mod clock;
pub mod component;
#[cfg(feature = "axum")]
mod extract;
#[cfg(feature = "guard")]
mod guard;
#[cfg(feature = "identity")]
pub mod identity;
#[cfg(feature = "jwt")]
mod jwt;
#[cfg(feature = "tower")]
mod layer;
mod local;
#[cfg(feature = "redis")]
mod redis_source;
#[cfg(feature = "remote")]
mod remote;
pub mod resolve;
mod signed;
mod source;
mod store_source;
mod token;
#[cfg(any(feature = "remote", feature = "jwt"))]
mod upstream;
#[cfg(any(feature = "remote", feature = "jwt", feature = "redis"))]
mod wire;

pub use bearer::Credential;
pub use caller::Caller;
pub use clock::{Clock, SystemClock};
#[cfg(feature = "axum")]
pub use extract::CallerRejection;
#[cfg(feature = "guard")]
pub use guard::{Admission, Check, CheckFuture, Guard, Refusal, RefusalKind, Seen};
/// The records that a [`Caller`] has, and the stores that a [`StoreSource`] reads.
pub use hallpass_store as store;
#[cfg(feature = "jwt")]
pub use jwt::{BesideSessions, JwtAlgorithm, JwtBuilder, JwtSource};
#[cfg(feature = "tower")]
pub use layer::{Verify, VerifyBody, VerifyFuture, VerifyLayer};
#[cfg(feature = "redis")]
pub use redis_source::{RedisSetupError, RedisSource};
#[cfg(feature = "remote")]
pub use remote::{RemoteBuilder, RemoteSource};
pub use resolve::{Resolved, resolve};
pub use signed::{Secret, SigningKey};
pub use source::{Reason, SessionSource, SourceFuture, Unavailable, Verdict};
pub use store_source::StoreSource;
pub use token::{BearerToken, MalformedToken};
#[cfg(any(feature = "remote", feature = "jwt"))]
pub use upstream::SetupError;
