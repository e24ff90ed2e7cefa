//! Telling a service behind a gateway who is calling, in headers.
//!
//! Whoever sets these headers takes off what the client sent under their names, in every spelling: CGI and its heirs read `x_auth_user_id`
//! as the same header. A service may believe them only if nobody can reach it but through the gateway.

use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::caller::Caller;

/// The user's id.
pub const USER_ID: HeaderName = HeaderName::from_static("x-auth-user-id");
/// The session's id, where it is known.
pub const SESSION_ID: HeaderName = HeaderName::from_static("x-auth-session-id");
/// The user's e-mail address, where it is known.
pub const EMAIL: HeaderName = HeaderName::from_static("x-auth-email");

/// All of them.
pub const NAMES: [HeaderName; 3] = [USER_ID, SESSION_ID, EMAIL];

/// What is percent-encoded in the values: whatever is no visible ASCII, what separates or quotes in headers, and `%` itself. Plain
/// addresses and ids stand for themselves.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%').add(b',').add(b';').add(b'\\');

/// The headers that name this caller, as far as its source knows it.
///
/// ```
/// use hallpass_verify::{Caller, identity, store::UserId};
/// let caller = Caller::of_user(UserId::new("u1"));
/// let headers: Vec<_> = identity::headers(&caller).collect();
/// assert_eq!(headers, [(identity::USER_ID, "u1".parse().unwrap())]);
/// ```
pub fn headers(caller: &Caller) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let known = [
        (USER_ID, Some(caller.user_id().as_str())),
        (SESSION_ID, caller.session_id().map(hallpass_store::SessionId::as_str)),
        (EMAIL, caller.email()),
    ];
    known.into_iter().filter_map(|(name, text)| Some((name, value(text?)?)))
}

/// A text as a header's value, percent-encoded where it has to be.
fn value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&utf8_percent_encode(text, ENCODED).to_string()).ok()
}

#[cfg(test)]
mod tests {
    use hallpass_store::{Timestamp, User, UserId};

    use super::*;

    #[test]
    fn no_address_adds_a_line_or_a_second_value() {
        for (email, told) in [
            ("ann@example.com", "ann@example.com"),
            ("o'neil+tag@example.com", "o'neil+tag@example.com"),
            ("a@b.co\r\nx-auth-user-id: u2", "a@b.co%0D%0Ax-auth-user-id:%20u2"),
            ("a@b.co, u2", "a@b.co%2C%20u2"),
            ("\u{e4}@b.co", "%C3%A4@b.co"),
            ("100%@b.co", "100%25@b.co"),
        ] {
            let user = User::new(UserId::new("u1"), "A", email, Timestamp::from_millis(0));
            let caller = Caller::of_user(user.id.clone()).with_user(user);
            let (name, value) = headers(&caller).last().unwrap();
            assert_eq!((name, value.to_str().unwrap()), (EMAIL, told));
        }
    }
}
