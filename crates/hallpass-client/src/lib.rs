//! A client for the endpoints of hallpass and better-auth servers.

mod answer;
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
pub use builder::Builder;
pub use call::Call;
pub use client::AuthClient;
pub use error::Error;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use origin::BuildError;
pub use policy::{DropPolicy, Verdict};
pub use token::Token;
