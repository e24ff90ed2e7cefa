//! Bearer tokens in actix-web.
//!
//! [`VerifyBearer`] is a middleware that lets requests through if they bring a good token, and answers the others as RFC 6750 says. Handlers
//! take a [`Caller`], or an [`OptionalCaller`] where strangers are welcome. Where tokens are looked up, what is refused and how is said by
//! [`hallpass_verify`]: any of its sources, and its [`Guard`](hallpass_verify::Guard).
//!
//! ```
//! use actix_web::{App, web};
//! use hallpass_actix::{Caller, VerifyBearer};
//! use hallpass_verify::{Guard, StoreSource, store::MemoryStore};
//!
//! async fn me(caller: Caller) -> String {
//!     format!("You are {}.", caller.user_id())
//! }
//!
//! let source = StoreSource::new(MemoryStore::new(), "a secret of at least thirty-two characters");
//! let app = App::new()
//!     .wrap(VerifyBearer::new(Guard::new(source).realm("orders")))
//!     .route("/me", web::get().to(me));
//! ```
//!
//! A middleware that answers CORS preflights belongs around this one, so it is wrapped after it: preflights carry no token.

mod extract;
mod middleware;

pub use extract::{Caller, CallerError, OptionalCaller};
pub use middleware::{VerifyBearer, VerifyMiddleware};
