//! What Redis says of keys that change (CLIENT TRACKING).

use hallpass_store::{Change, ChangeListener};
use redis::{Value, aio::MultiplexedConnection};

use crate::{layout, link::words};

/// Has Redis tell of changes over this connection, and says whether it will.
pub(crate) async fn begin(connection: &mut MultiplexedConnection) -> Result<bool, String> {
    match redis::cmd("CLIENT").arg("TRACKING").arg("ON").exec_async(connection).await {
        Ok(()) => Ok(true),
        // Everything but the cache works without; some services do not know the command at all.
        Err(error) if matches!(error.code(), Some("NOPERM" | "ERR")) => {
            tracing::warn!(
                reason = words(&error),
                "Redis refuses CLIENT TRACKING, so sessions are not kept in memory; once that is mended, start this server again"
            );
            Ok(false)
        }
        Err(error) => Err(words(&error)),
    }
}

/// Passes on what it says.
pub(crate) fn invalidated(prefix: &str, data: &[Value], listener: &dyn ChangeListener) {
    let Some(Value::Array(keys)) = data.first() else {
        // No keys: all of them, since the database was flushed.
        return listener.changed(Change::Everything);
    };
    for key in keys {
        let key = match key {
            Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
            Value::SimpleString(text) => Some(text.as_str()),
            _ => None,
        };
        if let Some(change) = key.and_then(|key| key.strip_prefix(prefix)).and_then(layout::change) {
            listener.changed(change);
        }
    }
}
