//! The edge where bytes become values and back: paths, queries, bodies, and the checks on them (CONTRACT §§1–3).

pub(crate) mod body;
mod email;
pub(crate) mod path;
mod query;
mod read;

pub use email::{EmailAddress, NotAnEmail};
pub use query::Query;
pub use read::{Fields, Reader};
