//! Sessions: how they begin, are found again, are extended, and end (CONTRACT §7).
//!
//! | File | What |
//! |---|---|
//! | `issue` | a new session of a user |
//! | `lookup` | from the request's credential to the session, extending it when due |
//! | `requirement` | what an endpoint may ask: any session, a re-read one, a fresh one |
//! | `revoke` | the end of one session, or of several |
//! | `cookies` | what the answer tells the client of all that |
//! | `cache` | the copy of a session in a cookie |
//! | `account_cookie` | the copy of an account at a provider in another |

pub(crate) mod account_cookie;
pub(crate) mod cache;
pub(crate) mod cookies;
pub(crate) mod issue;
pub(crate) mod lookup;
pub(crate) mod requirement;
pub(crate) mod revoke;

pub use hallpass_store::SessionAndUser;
use hallpass_store::{Filter, Timestamp, UserId};

/// Which sessions of a user are alive at `now`.
pub(crate) fn live(user_id: &UserId, now: Timestamp) -> Filter {
    Filter::eq("userId", user_id).and(Filter::gt("expiresAt", now))
}
