//! Database URLs.

use std::path::PathBuf;

use crate::ConnectError;

/// The database a URL names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    SqliteFile(PathBuf),
    SqliteMemory,
    /// The URL itself says where; the driver reads it.
    Postgres,
    /// MariaDB as well.
    MySql,
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Self, ConnectError> {
        let problem = |problem| ConnectError::Url { problem };
        let (scheme, rest) = url.split_once(':').ok_or_else(|| problem("has no scheme"))?;
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => Self::file(rest),
            "postgres" | "postgresql" => Ok(Self::Postgres),
            "mysql" | "mariadb" => Ok(Self::MySql),
            _ => Err(ConnectError::Scheme { scheme: scheme.to_owned() }),
        }
    }

    fn file(rest: &str) -> Result<Self, ConnectError> {
        let problem = |problem| ConnectError::Url { problem };
        match rest.strip_prefix("//").unwrap_or(rest) {
            "" => Err(problem("names no file")),
            ":memory:" => Ok(Self::SqliteMemory),
            // Other tools read options here; a file of that name would be a surprise.
            path if path.contains('?') => Err(problem("has options after a `?`, of which none is supported")),
            path if path.contains('\0') => Err(problem("has a NUL in it")),
            path => Ok(Self::SqliteFile(path.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_files() {
        for (url, path) in [
            ("sqlite://hallpass.db", "hallpass.db"),
            ("sqlite://./data/hallpass.db", "./data/hallpass.db"),
            ("sqlite:///var/lib/a b.db", "/var/lib/a b.db"),
            ("sqlite:hallpass.db", "hallpass.db"),
            ("SQLite://100%.db", "100%.db"),
        ] {
            assert_eq!(Target::parse(url).unwrap(), Target::SqliteFile(path.into()), "{url}");
        }
        for url in ["sqlite::memory:", "sqlite://:memory:"] {
            assert_eq!(Target::parse(url).unwrap(), Target::SqliteMemory);
        }
    }

    #[test]
    fn servers_are_known_by_their_scheme() {
        assert_eq!(Target::parse("postgres://app:hunter2@db/app").unwrap(), Target::Postgres);
        assert_eq!(Target::parse("postgresql:///app?host=/run/postgresql").unwrap(), Target::Postgres);
        assert_eq!(Target::parse("mysql://db/app").unwrap(), Target::MySql);
        assert_eq!(Target::parse("MariaDB://db/app").unwrap(), Target::MySql);
    }

    #[test]
    fn other_urls_are_refused_with_what_to_write_and_without_their_secrets() {
        for url in
            ["mongodb://app:hunter2@db/app", "hallpass.db", "", "sqlite://", "sqlite://a.db?mode=rwc", "libsql://x"]
        {
            let said = Target::parse(url).unwrap_err().to_string();
            assert!(said.contains("sqlite://<path>") && !said.contains("hunter2"), "{url}: {said}");
        }
    }
}
