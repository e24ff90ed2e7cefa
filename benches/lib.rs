//! What the benchmarks share: a database to look in, a load generator, and a way to start servers.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark")]
#![expect(clippy::missing_panics_doc, reason = "a benchmark that cannot go on ends")]

pub mod cores;
pub mod load;
pub mod seed;
pub mod server;

/// The secret of all servers.
pub const SECRET: &str = "only for benchmarks, and long enough to warn nobody";

/// The middle one of some measurements.
pub fn median(mut measured: Vec<f64>) -> f64 {
    measured.sort_by(f64::total_cmp);
    measured[measured.len() / 2]
}
