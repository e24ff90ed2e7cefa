//! What the session cache did, noted whenever somebody asks for the metrics.

use hallpass::Hallpass;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

const HITS: &str = "hallpass_session_cache_hits_total";
const MISSES: &str = "hallpass_session_cache_misses_total";
const JOINS: &str = "hallpass_session_cache_joins_total";
const BYPASSES: &str = "hallpass_session_cache_bypasses_total";
const INVALIDATIONS: &str = "hallpass_session_cache_invalidations_total";
const ENTRIES: &str = "hallpass_session_cache_entries";
const BYTES: &str = "hallpass_session_cache_bytes";
const PROVEN: &str = "hallpass_session_cache_proven";

pub(super) fn describe() {
    describe_counter!(HITS, "Session look-ups answered from memory.");
    describe_counter!(MISSES, "Session look-ups that asked the store.");
    describe_counter!(JOINS, "Session look-ups that waited for another's question about the same session.");
    describe_counter!(BYPASSES, "Session look-ups passed on because changes may have been missed.");
    describe_counter!(INVALIDATIONS, "Changes that made something in memory worthless, by what changed.");
    describe_gauge!(ENTRIES, "Sessions in memory.");
    describe_gauge!(BYTES, Unit::Bytes, "About how much memory the sessions take.");
    describe_gauge!(PROVEN, "Whether it is proven that every change is heard of: 1 or 0.");
}

/// Nothing, where there is no cache.
#[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers")]
pub(super) fn note(auth: &Hallpass) {
    let Ok(cache) = auth.session_cache() else { return };
    let stats = cache.stats();
    counter!(HITS).absolute(stats.hits);
    counter!(MISSES).absolute(stats.misses);
    counter!(JOINS).absolute(stats.joins);
    counter!(BYPASSES).absolute(stats.bypasses);
    counter!(INVALIDATIONS, "of" => "session").absolute(stats.invalidated_sessions);
    counter!(INVALIDATIONS, "of" => "user").absolute(stats.invalidated_users);
    counter!(INVALIDATIONS, "of" => "everything").absolute(stats.invalidated_everything);
    gauge!(ENTRIES).set(stats.entries as f64);
    gauge!(BYTES).set(stats.bytes as f64);
    gauge!(PROVEN).set(if stats.is_proven { 1.0 } else { 0.0 });
}
