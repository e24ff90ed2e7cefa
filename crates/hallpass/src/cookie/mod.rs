//! Cookies: what the request brought, what the answer sets, and what the server's own are called (CONTRACT §4).

pub(crate) mod chunks;
mod names;
mod request;
mod set_cookie;

pub use names::{AuthCookie, AuthCookies};
pub use request::RequestCookies;
pub use set_cookie::{CookieAttributes, SameSite, SetCookie};
