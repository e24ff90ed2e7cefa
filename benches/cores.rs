//! Who runs on which core: the server that is measured has one to itself, and everybody else has the others.
//!
//! A server that shares its core with its database and with the load generator is measured with their cache misses. A machine with one
//! core has nothing to share out; nothing is pinned there.

use std::sync::OnceLock;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The core that is left to servers, once one is.
static FOR_SERVERS: OnceLock<CpuSet> = OnceLock::new();

/// Leaves one core to servers: this thread, and what it starts from now on, threads and processes, stay away from it.
pub fn leave_one_to_servers() {
    let all = sched_getaffinity(None).unwrap();
    let first = (0..CpuSet::MAX_CPU).find(|core| all.is_set(*core)).unwrap();
    let (mut rest, mut one) = (all, CpuSet::new());
    rest.unset(first);
    one.set(first);
    if rest.count() > 0 && sched_setaffinity(None, &rest).is_ok() {
        FOR_SERVERS.set(one).unwrap();
    }
}

/// Starts a server, on the core that is left to servers if there is one.
pub fn alone<T>(start: impl FnOnce() -> T) -> T {
    let Some(core) = FOR_SERVERS.get() else { return start() };
    let ours = sched_getaffinity(None).unwrap();
    sched_setaffinity(None, core).unwrap();
    let started = start();
    sched_setaffinity(None, &ours).unwrap();
    started
}
