//! The plugins that come with the engine.

mod bearer;

pub use bearer::Bearer;
