//! What is promised.

use crate::{
    contest::{CACHED, FORGED, MAP, NPM, OK, QUERY, UNCACHED},
    report::Row,
    stores::Kind,
};

/// A promise, and what was measured.
pub(crate) struct Limit {
    pub(crate) what: String,
    pub(crate) measured: f64,
    pub(crate) bound: Bound,
}

#[derive(Clone, Copy)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Limit {
    /// Whether it is kept, give or take a factor.
    pub(crate) fn is_kept(&self, slack: f64) -> bool {
        match self.bound {
            Bound::AtMost(most) => self.measured <= most * slack,
            Bound::AtLeast(least) => self.measured * slack >= least,
        }
    }
}

/// What is promised of a store. Where a server did not take part there is nothing to check.
pub(crate) fn of_store(kind: Kind, rows: &[Row]) -> Vec<Limit> {
    let row = |name: &str| rows.iter().find(|row| row.name == name);
    let mut limits = Vec::new();
    if let (Some(cached), Some(npm)) = (row(CACHED), row(NPM)) {
        limits.push(Limit {
            what: format!("{kind}, cached: throughput beside the npm package"),
            measured: cached.throughput / npm.throughput,
            bound: Bound::AtLeast(40.0),
        });
    }
    limits.extend(cpu(&format!("{kind}, cached: CPU beside a hash map"), row(CACHED), 1.5));
    // No figure is promised for MariaDB.
    if kind != Kind::Mariadb {
        limits.extend(cpu(&format!("{kind}, no cache: CPU beside the bare query"), row(UNCACHED), 1.6));
    }
    for row in [CACHED, UNCACHED].into_iter().filter_map(row) {
        let what = format!("{kind}, {}: MiB of anonymous memory when idle", row.name);
        limits.push(Limit { what, measured: row.idle, bound: Bound::AtMost(25.0) });
    }
    limits
}

/// What is promised of requests that no store has a part in.
pub(crate) fn at_the_door(rows: &[Row]) -> Vec<Limit> {
    let row = |name: &str| rows.iter().find(|row| row.name == name);
    let ok = cpu("`/ok`: CPU beside a bare route", row(OK), 1.5);
    ok.into_iter().chain(cpu("forged token: CPU beside `/ok`", row(FORGED), 1.3)).collect()
}

/// What is promised when there are more sessions.
pub(crate) fn of_growth(kind: Kind, before: &[Row], after: &[Row]) -> Vec<Limit> {
    let limit = |name: &str, beside: &str| {
        let dearer = |rows: &[Row]| rows.iter().find(|row| row.name == name)?.dearer;
        let measured = dearer(after)? / dearer(before)?;
        let what = format!("{kind}, {name}: growth of the CPU beside that of {beside}");
        Some(Limit { what, measured, bound: Bound::AtMost(1.2) })
    };
    [limit(CACHED, MAP), limit(UNCACHED, QUERY)].into_iter().flatten().collect()
}

fn cpu(what: &str, row: Option<&Row>, most: f64) -> Option<Limit> {
    Some(Limit { what: what.to_owned(), measured: row?.dearer?, bound: Bound::AtMost(most) })
}
