//! hallpass in axum.
//!
//! [`router()`] mounts the endpoints. [`layer()`] lets handlers ask who the caller is, by taking a [`Session`] (or an
//! [`OptionalSession`]) among their arguments: from a bearer token or a cookie, whichever came.
//!
//! ```
//! use axum::{Json, Router, routing::get};
//! use hallpass::{Bearer, EmailAndPassword, Hallpass, store::{MemoryStore, User}};
//! use hallpass_axum::Session;
//!
//! async fn me(session: Session) -> Json<User> {
//!     Json(session.user)
//! }
//!
//! # fn main() -> Result<(), hallpass::BuildError> {
//! let auth = Hallpass::builder()
//!     .secret("a secret of at least thirty-two characters")
//!     .store(MemoryStore::new())
//!     .email_and_password(EmailAndPassword::default())
//!     .plugin(Bearer::new())
//!     .build()?;
//! let app: Router = Router::new()
//!     .route("/me", get(me))
//!     .layer(hallpass_axum::layer(&auth))
//!     .merge(hallpass_axum::router(&auth));
//! # Ok(()) }
//! ```
//!
//! # Cross-origin clients
//!
//! A page of another origin reads `set-auth-token` only if the answer exposes it, which the endpoints' answers do by themselves. A
//! `CorsLayer` with an expose list of its own replaces theirs, so name the header in it:
//!
//! ```
//! use http::{HeaderName, Method, header};
//! use tower_http::cors::CorsLayer;
//!
//! let cors = CorsLayer::new()
//!     .allow_origin(["https://app.example.com".parse().unwrap()])
//!     .allow_methods([Method::GET, Method::POST])
//!     .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
//!     .expose_headers([HeaderName::from_static("set-auth-token")]);
//! ```
//!
//! The page's origin has to be among the `trusted_origins` as well: browsers send `Origin` with a sign-in, and it is checked.

mod extract;
mod layer;
mod router;

pub use extract::{OptionalSession, Rejection, Session};
pub use layer::{ResolveCaller, SessionLayer, layer};
pub use router::router;
