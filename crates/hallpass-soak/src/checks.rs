//! What is looked for in the stores themselves: what belongs together and is not.

use std::collections::HashSet;

use redis::AsyncCommands;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::site::{Kind, Site};

/// Everything that must never be there.
const HALVES: [(&str, &str); 3] = [
    (
        "users without an account",
        "SELECT count(*) FROM 'user' u LEFT JOIN 'account' a ON a.'userId' = u.'id' WHERE a.'id' IS NULL",
    ),
    (
        "accounts without a user",
        "SELECT count(*) FROM 'account' a LEFT JOIN 'user' u ON a.'userId' = u.'id' WHERE u.'id' IS NULL",
    ),
    (
        "sessions without a user",
        "SELECT count(*) FROM 'session' s LEFT JOIN 'user' u ON s.'userId' = u.'id' WHERE u.'id' IS NULL",
    ),
];

/// Says of which kind there are some.
pub(crate) async fn halves(site: &Site) -> Result<Vec<String>, String> {
    // In Redis sessions are looked at below; the database then has no table of them.
    let count = if site.kind == Kind::Redis { HALVES.len() - 1 } else { HALVES.len() };
    let wanted = HALVES.get(..count).unwrap_or_default();
    // All at once first, since that is nearly always all there is to say.
    let sum = wanted.iter().map(|(_, statement)| format!("({statement})")).collect::<Vec<_>>().join(" + ");
    let mut found = Vec::new();
    if counted(site, &format!("SELECT {sum}")).await? != "0" {
        for (what, statement) in wanted {
            found.push(format!("in the database: {} {what}", counted(site, statement).await?));
        }
    }
    if site.kind == Kind::Redis {
        found.extend(sessions_of_nobody(site).await.map_err(|error| error.to_string())??);
    }
    Ok(found)
}

/// A number that the database counts, with names quoted as it wants them.
async fn counted(site: &Site, statement: &str) -> Result<String, String> {
    let count = match site.kind {
        Kind::Postgres => site.run(&statement.replace('\'', "\"")).await,
        Kind::Mariadb => site.run(&statement.replace('\'', "`")).await,
        Kind::Redis | Kind::Sqlite => {
            let count = open(site)?.query_row(&statement.replace('\'', "\""), [], |row| row.get::<_, i64>(0));
            count.map_err(|error| error.to_string())?.to_string()
        }
    };
    Ok(count.trim().to_owned())
}

fn open(site: &Site) -> Result<Connection, String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(site.sqlite_file(), flags).map_err(|error| error.to_string())
}

/// Sessions in Redis whose user is not in the database.
async fn sessions_of_nobody(site: &Site) -> redis::RedisResult<Result<Vec<String>, String>> {
    let mut redis = redis::Client::open(site.admin_url.as_str())?.get_multiplexed_async_connection().await?;
    let keys: Vec<String> = redis.keys("better-auth:*").await?;
    let mut owners = HashSet::new();
    for key in keys {
        // Lists of sessions and marks are of another form.
        let text: Option<String> = redis.get(&key).await.unwrap_or_default();
        let value: Value = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        if let Some(owner) = value.pointer("/session/userId").and_then(Value::as_str) {
            owners.insert(owner.to_owned());
        }
    }
    let users = || -> Result<HashSet<String>, String> {
        let database = open(site)?;
        let mut statement = database.prepare("SELECT id FROM user").map_err(|error| error.to_string())?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(|error| error.to_string())?;
        rows.collect::<Result<_, _>>().map_err(|error| error.to_string())
    };
    Ok(users().map(|users| {
        let nobodys = owners.difference(&users).count();
        let mut found = Vec::new();
        if nobodys > 0 {
            found.push(format!("in Redis: sessions of {nobodys} users who are not in the database"));
        }
        found
    }))
}
