//! Whether Redis keeps what it is given, by what it says of itself.

/// How well a Redis keeps what it is given. Sessions that it drops are signed out; sessions that ended, and are back after a crash, are signed in
/// again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keeping {
    /// When its memory is full it makes room by dropping entries, and does not refuse new ones.
    pub evicts: bool,
    /// It writes each change into a file (`appendonly yes`), and not only a snapshot now and then.
    pub appends: bool,
}

impl Keeping {
    /// Out of the answer to `INFO`. What a service does not tell is taken to be well.
    pub(crate) fn of(info: &str) -> Self {
        let told = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
        let is_bounded = told("maxmemory").is_none_or(|bytes| bytes != "0");
        Self {
            evicts: is_bounded && told("maxmemory_policy").is_some_and(|policy| policy != "noeviction"),
            appends: told("aof_enabled").is_none_or(|enabled| enabled == "1"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_says_of_itself() {
        for (info, evicts, appends) in [
            ("maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:1\r\n", false, true),
            ("maxmemory:1048576\r\nmaxmemory_policy:noeviction\r\naof_enabled:0\r\n", false, false),
            ("# Memory\r\nmaxmemory:1048576\r\nmaxmemory_policy:volatile-ttl\r\n", true, true),
            ("", false, true),
        ] {
            assert_eq!(Keeping::of(info), Keeping { evicts, appends }, "{info}");
        }
    }
}
