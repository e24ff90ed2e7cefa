//! Everything that can be set, under the npm package's names in snake case.
//!
//! All of it can be read from a file with `serde`; spans of time are seconds as numbers or text such as `"30m"`. A field left
//! out has the npm package's default, so that both answer alike.

mod account;
mod advanced;
mod base_url;
mod duration;
mod email_and_password;
mod email_verification;
mod rate_limit;
mod session;
mod user;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use account::{AccountLinkingOptions, AccountOptions, StateStrategy};
pub use advanced::{
    AdvancedOptions, CookieAttributeOptions, CookieOptions, CrossSubDomainCookies, DatabaseOptions, DisableOriginCheck,
    GenerateId, IpAddressOptions,
};
pub use base_url::{AllowedHosts, BaseUrl, BaseUrlProtocol};
pub use duration::Span;
pub use email_and_password::EmailAndPassword;
pub use email_verification::{EmailVerification, StoreIdentifier, StoreIdentifiers, VerificationOptions};
pub use rate_limit::{CustomRule, RateLimitOptions, RateLimitStorage};
pub use session::{CookieCacheOptions, CookieCacheStrategy, RefreshCache, SessionCacheOptions, SessionOptions};
pub use user::{AdditionalField, ChangeEmailOptions, DeleteUserOptions, FieldType, UserOptions};

/// What `NODE_ENV` decides in the npm package.
///
/// In production cookies are `Secure` unless the base URL says otherwise, the rate limiter is on, errors are not
/// described, and a client without a trustworthy address has none (CONTRACT §4.1, §10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// For a developer's machine.
    Development,
    /// For everyone else; the library's default, because it is the safe one.
    #[default]
    Production,
}
