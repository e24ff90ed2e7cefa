//! What a session check costs the store, as the store itself counts it: a server as operators run it, with one database of its own.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hallpass_test_services::{Exclusive, MariaDb, Postgres, Redis, Settings};

use crate::support::Server;

/// What a store was asked, and how often.
type Asked = BTreeMap<String, u64>;

/// Who counts.
enum Counter {
    Postgres(Exclusive),
    MariaDb(Exclusive),
    /// With a database beside it.
    Redis(Exclusive, Box<Exclusive>),
}

impl Counter {
    /// Everything that was asked so far but what keeps the channel of changes open, which does not depend on how many requests there are.
    async fn asked(&self) -> Asked {
        match self {
            Self::Postgres(server) => logged(server),
            Self::MariaDb(server) => {
                let rows = "SELECT REPLACE(argument, '\n', ' ') FROM mysql.general_log \
                            WHERE command_type IN ('Query', 'Execute') AND argument NOT LIKE '%general_log%'";
                let rows = server.statement(&server.url(), rows).await;
                counted(rows.lines().map(ToOwned::to_owned))
            }
            Self::Redis(server, database) => {
                let mut asked = logged(database);
                // What `redis-cli` asks here, and what keeps a connection.
                let others = ["info", "ping", "hello", "select", "client", "command", "config"];
                let stats = server.statement(&server.url(), "INFO commandstats").await;
                let calls =
                    stats.lines().filter_map(|line| line.trim().strip_prefix("cmdstat_")?.split_once(":calls="));
                for (command, rest) in
                    calls.filter(|(command, _)| !others.contains(&command.split('|').next().unwrap()))
                {
                    asked.insert(command.to_owned(), rest.split(',').next().unwrap().parse().unwrap());
                }
                asked
            }
        }
    }

    /// What a look-up of a session may cost here at most.
    fn look_up(&self) -> Asked {
        match self {
            // One request, a script; the script reads the session and whether it was revoked with others.
            Self::Redis(..) => [("evalsha".to_owned(), 1), ("get".to_owned(), 2)].into(),
            Self::Postgres(_) | Self::MariaDb(_) => [("SELECT".to_owned(), 1)].into(),
        }
    }
}

/// What Postgres was asked, by its log. It writes a line before it does what is asked.
fn logged(server: &Exclusive) -> Asked {
    let log = server.log();
    let lines = log.lines().filter_map(|line| line.split_once("LOG:  ")?.1.split_once(": "));
    let asked = lines.filter(|(what, _)| *what == "statement" || what.starts_with("execute "));
    counted(asked.map(|(_, sql)| sql.to_owned()).filter(|sql| !sql.contains("pg_notify(")))
}

fn counted(all: impl Iterator<Item = String>) -> Asked {
    let mut asked = Asked::new();
    all.for_each(|one| *asked.entry(one).or_default() += 1);
    asked
}

/// A server on these stores.
struct Stage {
    server: Server,
    counter: Counter,
    has_cache: bool,
}

impl Stage {
    async fn new(counter: Counter, cache: &str) -> Self {
        let stores = match &counter {
            Counter::Postgres(server) | Counter::MariaDb(server) => {
                format!("[database]\nurl = \"{}\"\nauto_migrate = true\n", server.database().await)
            }
            Counter::Redis(server, database) => format!(
                "[database]\nurl = \"{}\"\nauto_migrate = true\n[secondary_storage]\nurl = \"{}\"\n",
                database.database().await,
                server.url()
            ),
        };
        let rest = "[rate_limit]\nenabled = false\n[session.cache]\n";
        let server = Server::start(&format!("{stores}{rest}{cache}\n"));
        // It takes connections before its database is ready, and answers when it is.
        assert_eq!(server.get("/api/auth/ok", None).status, 200);
        Self { server, counter, has_cache: cache != OFF }
    }

    /// What somebody with this token costs, and what they are told.
    async fn check(&self, token: &str) -> (Asked, String) {
        let before = self.counter.asked().await;
        let said = self.server.get("/api/auth/get-session", Some(token)).body;
        let mut asked = self.counter.asked().await;
        for (what, count) in before {
            if let Some(now) = asked.get_mut(&what) {
                *now -= count;
            }
        }
        asked.retain(|_, count| *count > 0);
        (asked, said)
    }

    /// Costs what is said here.
    async fn costs(&self, token: &str, expected: &Asked) -> String {
        let (asked, said) = self.check(token).await;
        // Of a statement its first word will do; which one it is, other tests know.
        let mut short = Asked::new();
        for (what, count) in &asked {
            *short.entry(first_word(what)).or_default() += count;
        }
        assert_eq!(short, *expected, "{asked:?}");
        said
    }

    /// Looks up until it costs nothing: the channel has to be proven once, and what was written before may still be told.
    async fn warm(&self, token: &str) {
        let begun = Instant::now();
        while !self.check(token).await.0.is_empty() {
            assert!(begun.elapsed() < Duration::from_mins(1), "nothing is kept: {}", self.server.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// All that is said here, for this store and this cache. Gives back who counts.
    async fn run(self) -> Counter {
        let (look_up, nothing) = (self.counter.look_up(), Asked::new());
        // Statements are prepared, and scripts loaded, once.
        let ann = self.server.sign_up("ann");
        assert!(self.server.get("/api/auth/get-session", Some(&ann)).body.contains("ann@example.com"));
        if self.has_cache {
            self.warm(&ann).await;
        }
        let ben = self.server.sign_up("ben");
        assert!(self.costs(&ben, &look_up).await.contains("ben@example.com"));
        if self.has_cache {
            self.warm(&ben).await;
        }
        for _ in 0..5 {
            let again = if self.has_cache { &nothing } else { &look_up };
            assert!(self.costs(&ben, again).await.contains("ben@example.com"));
        }
        let (raw, signature) = ben.split_once('.').unwrap();
        let (_, another) = ann.split_once('.').unwrap();
        for forged in [&format!("{raw}.{another}"), &format!("x{raw}.{signature}"), &format!("{raw}."), "a.b", "."] {
            assert_eq!(self.costs(forged, &nothing).await, "null");
        }
        self.counter
    }
}

fn first_word(text: &str) -> String {
    text.split(' ').next().unwrap_or_default().to_owned()
}

const OFF: &str = "enabled = false";
/// A lease that a busy machine keeps.
const ON: &str = "enabled = true\nlease = \"8s\"";

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_check_is_one_statement_and_with_the_cache_a_second_one_none() {
    let Some(server) = postgres().await else { return };
    let counter = Stage::new(Counter::Postgres(server), OFF).await.run().await;
    let counter = Stage::new(counter, ON).await.run().await;
    // Where raw tokens are taken a stranger's is looked up; where they are not, nobody is asked for it.
    let with = |required: bool| format!("{OFF}\n[plugins.bearer]\nrequire_signature = {required}");
    let unknown = "AbCdEfGhIjKlMnOpQrStUvWxYz012345";
    let stage = Stage::new(counter, &with(false)).await;
    assert_eq!(stage.costs(unknown, &stage.counter.look_up()).await, "null");
    let stage = Stage::new(stage.counter, &with(true)).await;
    assert_eq!(stage.costs(unknown, &Asked::new()).await, "null");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_a_check_is_one_statement_and_with_stale_answers_a_second_one_none() {
    let logging = Settings::default().with("general-log", "1").with("log-output", "TABLE");
    let Some(server) = MariaDb::exclusive(logging).await else { return };
    let counter = Stage::new(Counter::MariaDb(server), OFF).await.run().await;
    Stage::new(counter, "accept_stale = \"1m\"").await.run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_a_check_is_one_request_and_with_the_cache_a_second_one_none() {
    let (Some(redis), Some(database)) = (Redis::exclusive(Settings::default()).await, postgres().await) else {
        return;
    };
    let counter = Stage::new(Counter::Redis(redis, Box::new(database)), OFF).await.run().await;
    Stage::new(counter, ON).await.run().await;
}

async fn postgres() -> Option<Exclusive> {
    Postgres::exclusive(Settings::default().with("log_statement", "all")).await
}
