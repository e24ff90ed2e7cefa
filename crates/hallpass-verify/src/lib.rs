//! Knowing the caller of a request from the bearer token it carries.
//!
//! Everything here is read-only and knows no web framework. The hallpass engine is built on it, and a service beside the
//! auth server can use it alone: what a token is worth is decided by the same code in both places.
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
//! // The strict reader has the last word; what it returns is the token to ask the store for.
//! assert_eq!(key.verify(&admitted), Some("abcdefghijklmnopqrstuvwxyzABCDEF"));
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
pub use jwt::{JwtAlgorithm, JwtBuilder, JwtSource};
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
