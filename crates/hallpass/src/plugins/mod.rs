//! The plugins that come with the engine.

mod bearer;
pub(crate) mod open_api;

pub use bearer::Bearer;
pub use open_api::OpenApi;
