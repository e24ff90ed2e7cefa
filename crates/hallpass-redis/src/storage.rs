//! The operations of a secondary storage on Redis.

use std::{fmt, sync::Arc, time::Duration};

use hallpass_store::{
    Begun, ChangeFeed, ChangeListener, Counted, Mark, RevokedAll, Row, Schema, SecondaryStorage, Session, SessionToken,
    StoreError, Timestamp, User, UserId, Verification, store::Fut,
};
use redis::{FromRedisValue, ScriptInvocation};

use crate::{
    keeping::Keeping,
    layout::{self, Entry, LIST, MARK, SET, VERIFICATION},
    link::Link,
    origin::SetupError,
    records,
    scripts::Scripts,
};

/// An entry that changes more often than this between two reads is not followed any further.
const ROUNDS: usize = 32;

/// A secondary storage on Redis 6 or later (Valkey is expected to work, and untested), in the npm package's layout.
///
/// ```no_run
/// # async fn example() -> Result<(), hallpass_redis::SetupError> {
/// let storage = hallpass_redis::RedisStorage::connect("redis://127.0.0.1:6379")?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisStorage {
    link: Arc<Link>,
    prefix: Arc<str>,
    scripts: Arc<Scripts>,
}

impl fmt::Debug for RedisStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStorage").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl RedisStorage {
    /// Connects to the Redis at this address: `redis://`, `rediss://` (TLS), or `redis+sentinel://host:26379,host:26379/master`. The connection is made in the
    /// background once it is needed, on the tokio runtime of whoever asks first, so it does not matter who starts first.
    ///
    /// # Errors
    /// When that is no address.
    pub fn connect(url: &str) -> Result<Self, SetupError> {
        Self::connect_with_prefix(url, "better-auth:")
    }

    /// The same, with something else before each key than `better-auth:`.
    ///
    /// # Errors
    /// When that is no address.
    pub fn connect_with_prefix(url: &str, prefix: &str) -> Result<Self, SetupError> {
        let prefix: Arc<str> = prefix.into();
        let link = Arc::new(Link::open(url, Arc::clone(&prefix))?);
        Ok(Self { link, prefix, scripts: Arc::new(Scripts::new()) })
    }

    /// Asks Redis how well it keeps what it is given.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn keeping(&self) -> Result<Keeping, StoreError> {
        Ok(Keeping::of(&self.ask::<String>(&redis::cmd("INFO")).await?))
    }

    pub(crate) fn key(&self, name: &str, rest: &str) -> String {
        [&*self.prefix, name, rest].concat()
    }

    async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        let mut connection = self.link.connection().await?;
        script.invoke_async(&mut connection).await.map_err(|error| self.link.failed(&error))
    }

    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, StoreError> {
        let mut connection = self.link.connection().await?;
        command.query_async(&mut connection).await.map_err(|error| self.link.failed(&error))
    }

    async fn get(&self, key: String) -> Result<Option<String>, StoreError> {
        self.ask(redis::cmd("GET").arg(key)).await
    }

    async fn mark_of(&self, user: &str) -> Result<Mark, StoreError> {
        let mark = self.get(self.key(MARK, user)).await?;
        Ok(Mark(mark.as_deref().map(layout::mark).transpose()?))
    }

    async fn look_up(&self, schema: &Schema, token: &str) -> Result<Option<(Session, User)>, StoreError> {
        if !layout::is_token(token) {
            return Ok(None);
        }
        let mut script = self.scripts.look_up.key(self.key("", token));
        let found: Option<String> = self.run(script.arg(self.key(MARK, ""))).await?;
        let Some(found) = found else { return Ok(None) };
        // JSON has no bare line breaks in its texts, so what is in the entry cannot pass for a line of its own.
        let lines = found.split_once('\n').and_then(|(user, rest)| Some((user, rest.split_once('\n')?)));
        let (user, (mark, text)) = lines.unwrap_or_default();
        let (session, owner) = records::session_and_user(text, schema)?;
        // The script only looks for where the user is likely named; what it found has to be what is meant.
        let mark = if user.is_empty() || user != session.user_id.as_str() {
            self.mark_of(session.user_id.as_str()).await?
        } else {
            // A mark that is there and cannot be read is not passed over as none: the user's sessions have ended.
            Mark(mark.strip_prefix('=').map(layout::mark).transpose()?)
        };
        let is_it = session.token.expose() == token && owner.id == session.user_id;
        Ok((is_it && !is_dead(&session, mark)).then_some((session, owner)))
    }

    /// The entries of a user's sessions, by their tokens.
    async fn entries(&self, user: &UserId, now: Timestamp) -> Result<Vec<(String, String)>, StoreError> {
        let mut script = self.scripts.list.key(self.key(LIST, user.as_str()));
        let script = script.key(self.key(SET, user.as_str())).arg(now.as_millis()).arg(&*self.prefix);
        let flat: Vec<String> = self.run(script).await?;
        let mut flat = flat.into_iter();
        Ok(std::iter::from_fn(|| Some((flat.next()?, flat.next()?)))
            .filter(|(token, _)| layout::is_token(token))
            .collect())
    }

    async fn replace(
        &self,
        token: &str,
        old: &str,
        new: &str,
        session: &Session,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let user = session.user_id.as_str();
        let mut script = self.scripts.replace.key(self.key("", token));
        let script = script.key(self.key(LIST, user)).key(self.key(SET, user)).arg(old).arg(new);
        let script = script.arg(session.expires_at.millis_since(now)).arg(token);
        self.run(script.arg(session.expires_at.as_millis()).arg(now.as_millis()).arg(&*self.prefix)).await
    }

    async fn walk(&self, from: u64, pattern: &str) -> Result<(Vec<(String, String)>, u64), StoreError> {
        let escaped: String =
            self.prefix.chars().flat_map(|c| ["\\*?[]".contains(c).then_some('\\'), Some(c)]).flatten().collect();
        let mut scan = redis::cmd("SCAN");
        scan.arg(from).arg("MATCH").arg(format!("{escaped}{pattern}")).arg("COUNT").arg(500).arg("TYPE").arg("string");
        let (next, keys): (u64, Vec<String>) = self.ask(&scan).await?;
        let keys: Vec<String> = keys
            .into_iter()
            .filter(|key| pattern != "*" || key.strip_prefix(&*self.prefix).is_some_and(layout::is_token))
            .collect();
        if keys.is_empty() {
            return Ok((Vec::new(), next));
        }
        let values: Vec<Option<String>> = self.ask(redis::cmd("MGET").arg(&keys)).await?;
        Ok((keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect(), next))
    }

    async fn put(&self, verification: &Verification, now: Timestamp, only_new: bool) -> Result<(), StoreError> {
        let key = self.key(VERIFICATION, &verification.identifier);
        let left = verification.expires_at.millis_since(now);
        if left <= 0 {
            return if only_new { Ok(()) } else { self.ask(redis::cmd("DEL").arg(key)).await };
        }
        let mut set = redis::cmd("SET");
        set.arg(key).arg(layout::verification_json(verification)).arg("PX").arg(left);
        if only_new {
            set.arg("NX");
        }
        self.ask(&set).await
    }
}

fn is_dead(session: &Session, mark: Mark) -> bool {
    mark.0.is_some_and(|mark| session.created_at < mark)
}

fn again<T>() -> Result<T, StoreError> {
    Err(StoreError::unavailable("a value in Redis changed each time it was to be written"))
}

impl SecondaryStorage for RedisStorage {
    fn session<'a>(&'a self, schema: &'a Schema, token: &'a SessionToken) -> Fut<'a, Option<(Session, User)>> {
        Box::pin(self.look_up(schema, token.expose()))
    }

    fn sessions_of<'a>(&'a self, schema: &'a Schema, user: &'a UserId, now: Timestamp) -> Fut<'a, Vec<Session>> {
        Box::pin(async move {
            let mark = self.mark_of(user.as_str()).await?;
            let mut sessions = Vec::new();
            for (token, entry) in self.entries(user, now).await? {
                let session = Entry::read(&entry)?.session(schema)?;
                if session.token.expose() == token && session.user_id == *user && !is_dead(&session, mark) {
                    sessions.push(session);
                }
            }
            Ok(sessions)
        })
    }

    fn walk_sessions<'a>(&'a self, schema: &'a Schema, from: u64) -> Fut<'a, (Vec<Session>, u64)> {
        Box::pin(async move {
            let (found, next) = self.walk(from, "*").await?;
            let mut sessions = Vec::new();
            for (_, text) in found {
                let session = Entry::read(&text)?.session(schema)?;
                if !is_dead(&session, self.mark_of(session.user_id.as_str()).await?) {
                    sessions.push(session);
                }
            }
            Ok((sessions, next))
        })
    }

    fn mark<'a>(&'a self, user: &'a UserId) -> Fut<'a, Mark> {
        Box::pin(self.mark_of(user.as_str()))
    }

    fn begin<'a>(&'a self, session: &'a Session, user: &'a User, mark: Mark, now: Timestamp) -> Fut<'a, Begun> {
        Box::pin(async move {
            let (token, id) = (session.token.expose(), user.id.as_str());
            if !layout::is_token(token) {
                return Err(StoreError::misuse("a session token in Redis is 32 letters and digits"));
            }
            let mut script = self.scripts.begin.key(self.key("", token));
            let script = script.key(self.key(LIST, id)).key(self.key(SET, id)).key(self.key(MARK, id));
            let script = script.arg(mark.0.map_or_else(String::new, |mark| mark.as_millis().to_string()));
            let script = script.arg(layout::entry(session, user)?).arg(session.expires_at.millis_since(now)).arg(token);
            let script = script.arg(session.expires_at.as_millis()).arg(now.as_millis()).arg(&*self.prefix);
            Ok(match self.run::<i64>(script).await? {
                0 => Begun::Yes,
                1 => Begun::RevokedMeanwhile,
                _ => Begun::TokenTaken,
            })
        })
    }

    fn update<'a>(
        &'a self,
        schema: &'a Schema,
        token: &'a SessionToken,
        set: &'a Row,
        now: Timestamp,
    ) -> Fut<'a, bool> {
        Box::pin(async move {
            let token = token.expose();
            for _ in 0..ROUNDS {
                if self.look_up(schema, token).await?.is_none() {
                    return Ok(false);
                }
                let Some(old) = self.get(self.key("", token)).await? else { return Ok(false) };
                let mut entry = Entry::read(&old)?;
                entry.set(set)?;
                let session = entry.session(schema)?;
                match self.replace(token, &old, &entry.text(), &session, now).await? {
                    0 => return Ok(false),
                    1 => return Ok(true),
                    _ => {}
                }
            }
            again()
        })
    }

    fn revoke<'a>(&'a self, tokens: &'a [SessionToken], now: Timestamp) -> Fut<'a, u64> {
        Box::pin(async move {
            let mut ended = 0;
            let tokens: Vec<&str> =
                tokens.iter().map(SessionToken::expose).filter(|token| layout::is_token(token)).collect();
            for some in tokens.chunks(500) {
                let mut script = self.scripts.revoke.prepare_invoke();
                for token in some {
                    script.key(self.key("", token));
                }
                script.arg(now.as_millis()).arg(self.key(LIST, "")).arg(self.key(SET, "")).arg(&*self.prefix);
                ended += self.run::<u64>(&script).await?;
            }
            Ok(ended)
        })
    }

    fn revoke_all<'a>(&'a self, user: &'a UserId, now: Timestamp, kept_for: Duration) -> Fut<'a, RevokedAll> {
        Box::pin(async move {
            let id = user.as_str();
            let mut script = self.scripts.revoke_all.key(self.key(LIST, id));
            let script = script.key(self.key(SET, id)).key(self.key(MARK, id)).arg(now.as_millis());
            let script = script.arg(u64::try_from(kept_for.as_millis()).unwrap_or(u64::MAX)).arg(&*self.prefix);
            let (ended, mark): (u64, String) = self.run(script).await?;
            Ok(RevokedAll { ended, mark: Mark(Some(layout::mark(&mark)?)) })
        })
    }

    fn replace_user<'a>(&'a self, user: &'a User, now: Timestamp) -> Fut<'a, ()> {
        Box::pin(async move {
            for (token, mut old) in self.entries(&user.id, now).await? {
                let key = self.key("", &token);
                let mut rounds = 0..ROUNDS;
                loop {
                    let mut entry = Entry::read(&old)?;
                    entry.set_user(user)?;
                    let mut script = self.scripts.replace_user.key(&*key);
                    if self.run::<i64>(script.arg(&*old).arg(entry.text())).await? != 2 {
                        break;
                    }
                    let Some(now_there) = self.get(key.clone()).await? else { break };
                    old = now_there;
                    if rounds.next().is_none() {
                        return again();
                    }
                }
            }
            Ok(())
        })
    }

    fn put_verification<'a>(&'a self, verification: &'a Verification, now: Timestamp) -> Fut<'a, ()> {
        Box::pin(self.put(verification, now, false))
    }

    fn restore_verification<'a>(&'a self, verification: &'a Verification, now: Timestamp) -> Fut<'a, ()> {
        Box::pin(self.put(verification, now, true))
    }

    fn verification<'a>(&'a self, identifier: &'a str) -> Fut<'a, Option<Verification>> {
        Box::pin(async move {
            let text = self.get(self.key(VERIFICATION, identifier)).await?;
            text.as_deref().map(layout::verification).transpose()
        })
    }

    fn take_verification<'a>(&'a self, identifier: &'a str, id: &'a str) -> Fut<'a, bool> {
        Box::pin(async move {
            let key = self.key(VERIFICATION, identifier);
            let Some(text) = self.get(key.clone()).await? else { return Ok(false) };
            if layout::verification(&text)?.id != id {
                return Ok(false);
            }
            Ok(self.run::<i64>(self.scripts.take.key(key).arg(text)).await? == 1)
        })
    }

    fn delete_verification<'a>(&'a self, identifier: &'a str) -> Fut<'a, bool> {
        Box::pin(
            async move { Ok(self.ask::<i64>(redis::cmd("DEL").arg(self.key(VERIFICATION, identifier))).await? > 0) },
        )
    }

    fn walk_verifications(&self, from: u64) -> Fut<'_, (Vec<Verification>, u64)> {
        Box::pin(async move {
            let (found, next) = self.walk(from, &format!("{VERIFICATION}*")).await?;
            Ok((found.iter().map(|(_, text)| layout::verification(text)).collect::<Result<_, _>>()?, next))
        })
    }

    fn count<'a>(&'a self, key: &'a str, window: Duration) -> Fut<'a, Counted> {
        Box::pin(async move {
            let window = u64::try_from(window.as_millis()).unwrap_or(u64::MAX).max(1);
            let mut script = self.scripts.count.key(self.key("", key));
            let (count, left): (u64, u64) = self.run(script.arg(window)).await?;
            Ok(Counted { count, left: Duration::from_millis(left) })
        })
    }

    fn changes(&self) -> Option<Arc<dyn ChangeFeed>> {
        Some(Arc::new(self.clone()))
    }

    fn ping(&self) -> Fut<'_, ()> {
        Box::pin(async { self.ask(&redis::cmd("PING")).await })
    }

    fn close(&self) -> Fut<'_, ()> {
        self.link.close();
        Box::pin(async { Ok(()) })
    }
}

impl ChangeFeed for RedisStorage {
    fn start(&self, lease: Duration, listener: Arc<dyn ChangeListener>) {
        self.link.tell(lease, listener);
    }

    /// Redis tracks keys that are not there as well.
    fn tells_of_new_sessions(&self) -> bool {
        true
    }
}
