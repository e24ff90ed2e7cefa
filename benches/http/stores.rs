//! The stores, each started for this run alone, and the same users and sessions in each of them.

use std::{fmt, ops::Range, path::PathBuf, time::Duration};

use hallpass::{Clock, SystemClock};
use hallpass_benches::{
    SECRET,
    seed::{self, AGENT, token},
};
use hallpass_sql::SqlStore;
use hallpass_store::{Mode, Schema, Store as _, Timestamp};
use hallpass_test_services::{Exclusive, MariaDb, Postgres, Redis, Settings};
use serde_json::{Value, json};

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    Mariadb,
    /// Users in SQLite, sessions in Redis.
    Redis,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "Postgres",
            Self::Mariadb => "MariaDB",
            Self::Redis => "Redis",
        })
    }
}

/// A store that runs.
pub(crate) struct Store {
    pub(crate) kind: Kind,
    /// For everything that takes a file.
    pub(crate) folder: tempfile::TempDir,
    server: Option<Exclusive>,
    /// Where what is asked for every request is: a file or a URL.
    pub(crate) place: String,
    seeded: usize,
}

/// How many sessions a user has.
const EACH: usize = 10;

impl Store {
    pub(crate) async fn start(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::default();
        let server = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => {
                Some(Postgres::exclusive(settings.with("shared_buffers", "1GB").with("max_wal_size", "8GB")).await)
            }
            Kind::Mariadb => Some(MariaDb::exclusive(settings.with("innodb-buffer-pool-size", "1G")).await),
            Kind::Redis => Some(Redis::exclusive(settings.with("appendonly", "no")).await),
        };
        let server = server.map(|server| server.expect("the store is installed"));
        let place = match &server {
            Some(server) => server.database().await,
            None => file(&folder).display().to_string(),
        };
        let store = Self { kind, folder, server, place, seeded: 0 };
        store.migrate().await;
        store
    }

    /// Makes the tables of the database.
    async fn migrate(&self) {
        let store = SqlStore::connect(&self.database_url()).await.unwrap();
        store.migrate(&Schema::core(), Mode::Apply).await.unwrap();
        store.close().await.unwrap();
    }

    fn database_url(&self) -> String {
        match self.kind {
            Kind::Sqlite | Kind::Redis => format!("sqlite://{}", file(&self.folder).display()),
            Kind::Postgres | Kind::Mariadb => self.place.clone(),
        }
    }

    /// Fills it up to so many sessions, all of them live and none due for a refresh.
    pub(crate) async fn seed(&mut self, sessions: usize) {
        let new = self.seeded..sessions;
        match self.kind {
            Kind::Sqlite => seed::fill(&mut seed::connect(&file(&self.folder)), new),
            Kind::Postgres => {
                self.statements(&POSTGRES.map(str::to_owned), &new).await;
                self.settle(&self.place).await;
            }
            Kind::Mariadb => {
                let from_sequence = |part: &str| part.replace("SEQUENCE", &format!("seq_0_to_{}", sessions - 1));
                self.statements(&MARIADB.map(from_sequence), &new).await;
                self.server().statement(&self.place, "ANALYZE TABLE user, session").await;
            }
            Kind::Redis => fill_redis(&self.place, new).await,
        }
        self.seeded = sessions;
    }

    /// Runs statements that make rows out of numbers.
    async fn statements(&self, parts: &[String], new: &Range<usize>) {
        let (now, ends) = moments();
        // In the form that every database reads.
        let plain = |moment: Timestamp| moment.to_string().replace('T', " ").replace('Z', "");
        for part in parts {
            let filled = part
                .replace("FROM_SESSION", &new.start.to_string())
                .replace("TO_SESSION", &(new.end - 1).to_string())
                .replace("FROM_USER", &new.start.div_ceil(EACH).to_string())
                .replace("TO_USER", &((new.end - 1) / EACH).to_string())
                .replace("NOW", &plain(now))
                .replace("ENDS", &plain(ends))
                .replace("AGENT", AGENT);
            self.server().statement(&self.place, &filled).await;
        }
    }

    /// A database without tables, for somebody else's: a file or a URL.
    pub(crate) async fn empty(&self, name: &str) -> String {
        match self.kind {
            Kind::Postgres | Kind::Mariadb => self.server().database().await,
            Kind::Sqlite | Kind::Redis => self.folder.path().join(format!("{name}.db")).display().to_string(),
        }
    }

    /// What Postgres does by itself after a while, and would do while others are measured.
    pub(crate) async fn settle(&self, place: &str) {
        if self.kind == Kind::Postgres {
            self.server().statement(place, "VACUUM ANALYZE").await;
        }
    }

    fn server(&self) -> &Exclusive {
        self.server.as_ref().expect("this store is a server")
    }

    /// What hallpass is told of it. What is kept must not grow old while the others are measured.
    pub(crate) fn hallpass(&self, cache: bool) -> String {
        let secondary = match self.kind {
            Kind::Redis => format!("[secondary_storage]\nurl = {:?}\n", self.place),
            _ => String::new(),
        };
        format!(
            "[database]\nurl = {:?}\n{secondary}[session.cache]\nenabled = {cache}\nmax_age = \"1h\"\nmax_bytes = {}",
            self.database_url(),
            256 << 20
        )
    }

    /// What the npm package is told of it. Joins are what makes it fastest: one query for session and user, where it makes two by default.
    pub(crate) fn npm(&self) -> Value {
        let mut config = json!({
            "options": {
                "secret": SECRET,
                "baseURL": "http://127.0.0.1:3000",
                "emailAndPassword": {"enabled": true},
                "logger": {"disabled": true},
                "rateLimit": {"enabled": false},
                "experimental": {"joins": true},
            },
            "bearer": {},
        });
        match self.kind {
            Kind::Sqlite | Kind::Redis => config["database"] = file(&self.folder).display().to_string().into(),
            Kind::Postgres | Kind::Mariadb => config["url"] = self.place.clone().into(),
        }
        if self.kind == Kind::Redis {
            config["redis"] = self.place.clone().into();
        }
        config
    }

    /// Whether hallpass can keep sessions of it in memory.
    pub(crate) fn can_be_cached(&self) -> bool {
        matches!(self.kind, Kind::Postgres | Kind::Redis)
    }
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("bench.db")
}

/// When the sessions began, and when they end.
fn moments() -> (Timestamp, Timestamp) {
    let now = SystemClock.now();
    (now, now + Duration::from_hours(167))
}

/// The same tokens as [`token`] makes.
const POSTGRES: [&str; 2] = [
    r#"INSERT INTO "user" ("id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt")
       SELECT 'u' || t, 'Ann Example', 'u' || t || '@example.com', true, NULL, 'NOW+00', 'NOW+00'
       FROM (SELECT substr(encode(sha256(convert_to(n::text, 'UTF8')), 'hex'), 1, 32) AS t
             FROM generate_series(FROM_USER, TO_USER) AS n) AS of"#,
    r#"INSERT INTO "session" ("id", "expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId")
       SELECT 's' || t, 'ENDS+00', t, 'NOW+00', 'NOW+00', '203.0.113.9', 'AGENT', 'u' || u
       FROM (SELECT substr(encode(sha256(convert_to(n::text, 'UTF8')), 'hex'), 1, 32) AS t,
                    substr(encode(sha256(convert_to((n / 10)::text, 'UTF8')), 'hex'), 1, 32) AS u
             FROM generate_series(FROM_SESSION, TO_SESSION) AS n) AS of"#,
];

const MARIADB: [&str; 2] = [
    "INSERT INTO user (id, name, email, emailVerified, image, createdAt, updatedAt)
     SELECT CONCAT('u', t), 'Ann Example', CONCAT('u', t, '@example.com'), 1, NULL, 'NOW', 'NOW'
     FROM (SELECT LEFT(SHA2(seq, 256), 32) AS t FROM SEQUENCE WHERE seq BETWEEN FROM_USER AND TO_USER) AS numbers",
    "INSERT INTO session (id, expiresAt, token, createdAt, updatedAt, ipAddress, userAgent, userId)
     SELECT CONCAT('s', t), 'ENDS', t, 'NOW', 'NOW', '203.0.113.9', 'AGENT', CONCAT('u', u)
     FROM (SELECT LEFT(SHA2(seq, 256), 32) AS t, LEFT(SHA2(seq DIV 10, 256), 32) AS u
           FROM SEQUENCE WHERE seq BETWEEN FROM_SESSION AND TO_SESSION) AS numbers",
];

/// Sessions as the npm package keeps them: an entry each, and a list for each user.
async fn fill_redis(url: &str, new: Range<usize>) {
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let (now, ends) = moments();
    let life = ends.millis_since(now);
    let set = |pipe: &mut redis::Pipeline, key: String, value: &Value| {
        pipe.cmd("SET").arg(format!("better-auth:{key}")).arg(value.to_string()).arg("PX").arg(life).ignore();
    };
    for first in new.clone().step_by(100 * EACH) {
        let mut pipe = redis::pipe();
        for user in (first..(first + 100 * EACH).min(new.end)).step_by(EACH) {
            let owner = format!("u{}", token(user / EACH));
            let tokens: Vec<String> = (user..(user + EACH).min(new.end)).map(token).collect();
            for token in &tokens {
                let entry = json!({
                    "session": {"id": format!("s{token}"), "ipAddress": "203.0.113.9", "userAgent": AGENT, "expiresAt": ends.to_string(),
                                "userId": owner, "token": token, "createdAt": now.to_string(), "updatedAt": now.to_string()},
                    "user": {"name": "Ann Example", "email": format!("{owner}@example.com"), "emailVerified": true, "image": null,
                             "createdAt": now.to_string(), "updatedAt": now.to_string(), "id": owner},
                });
                set(&mut pipe, token.clone(), &entry);
            }
            let listed = tokens.iter().map(|token| json!({"token": token, "expiresAt": ends.as_millis()}));
            set(&mut pipe, format!("active-sessions-{owner}"), &listed.collect());
        }
        let () = pipe.query_async(&mut connection).await.unwrap();
    }
}
