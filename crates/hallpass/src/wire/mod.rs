//! The edge where bytes become values and back: paths, queries, bodies, and the checks on them (CONTRACT §§1–3).

pub(crate) mod body;
mod email;
mod header;
pub(crate) mod path;
mod query;
mod read;
pub(crate) mod redirect;

pub use email::{EmailAddress, NotAnEmail};
pub(crate) use header::{header_text, header_value};
pub use query::Query;
pub use read::{Fields, Reader};
