//! Where the engine takes the time from: what services beside the server take it from as well.

pub use hallpass_verify::{Clock, SystemClock};
