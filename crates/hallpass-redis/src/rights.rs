//! Whether the user of Redis may do all that sessions need: asked once for each connection, before anybody uses it.
//!
//! Redis does not undo a script whose user is stopped in the middle: a session would be there that no list of its user names. So a user who may do
//! less than is needed does nothing at all.

use redis::{Value, aio::MultiplexedConnection};

use crate::link::words;

/// Tries every command that scripts use, on keys that are gone at the end, and says which of them this user may not use. That memory is full or
/// that it takes no writes for now is another matter.
const TRY: &str = r#"
for _, one in ipairs({
  {'SET', KEYS[1], '1', 'PX', 1000}, {'GET', KEYS[1]}, {'MGET', KEYS[1]}, {'INCR', KEYS[1]}, {'PTTL', KEYS[1]}, {'EXISTS', KEYS[1]},
  {'PEXPIRE', KEYS[1], 1000}, {'ZADD', KEYS[2], 1, 'one'}, {'PEXPIRE', KEYS[2], 1000}, {'ZRANGE', KEYS[2], 0, -1}, {'DEL', KEYS[1], KEYS[2]},
}) do
  local told = redis.pcall(unpack(one))
  local refused = type(told) == 'table' and told.err
  if refused and (string.find(refused, 'NOPERM', 1, true) or string.find(refused, "can't run this command", 1, true)) then return one[1] end
end
return false
"#;

/// What this user lacks, as the rest of a sentence.
pub(crate) async fn examine(connection: &mut MultiplexedConnection, prefix: &str) -> Result<(), String> {
    let lacks =
        |what: String| Err(format!("its user may not {what}; what it has to be allowed is in the book, under Redis"));
    let mut scan = redis::cmd("SCAN");
    if let Some(error) = forbidden(scan.arg(0).arg("COUNT").arg(1).exec_async(connection).await.err()) {
        return lacks(format!("walk through the keys ({error})"));
    }
    let loaded: Result<String, _> = redis::cmd("SCRIPT").arg("LOAD").arg(TRY).query_async(connection).await;
    let sha = match loaded {
        Ok(sha) => sha,
        Err(error) => {
            return forbidden(Some(error)).map_or(Ok(()), |error| lacks(format!("load scripts ({error})")));
        }
    };
    let mut run = redis::cmd("EVALSHA");
    run.arg(sha).arg(2).arg(format!("{prefix}hallpass-rights")).arg(format!("{prefix}hallpass-rights-set"));
    match run.query_async::<Value>(connection).await {
        Ok(Value::BulkString(command)) => lacks(format!("use {}", String::from_utf8_lossy(&command))),
        Ok(_) => Ok(()),
        Err(error) => forbidden(Some(error))
            .map_or(Ok(()), |error| lacks(format!("run scripts on keys that begin with `{prefix}` ({error})"))),
    }
}

/// The words of a refusal. Other failures are for whoever uses the connection.
fn forbidden(error: Option<redis::RedisError>) -> Option<String> {
    error.filter(|error| error.code() == Some("NOPERM")).map(|error| words(&error))
}
