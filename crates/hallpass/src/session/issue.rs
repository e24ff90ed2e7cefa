//! The beginning of a session (CONTRACT §7.1).

use std::time::Duration;

use hallpass_store::{Session, SessionId, SessionToken, UserId, Value};

use crate::{context::Context, error::ApiError, fields, records::Transaction};

/// A session that is not to be remembered ends after a day, whatever `expires_in` says.
const FORGETFUL_LIFE: Duration = Duration::from_hours(24);

/// Adds a new session of a user to a transaction. `None` when a database hook called it off.
pub(crate) async fn issue(
    tx: &mut Transaction<'_>,
    user_id: &UserId,
    remembered: bool,
) -> Result<Option<Session>, ApiError> {
    let session = draft(tx.context(), user_id, remembered);
    tx.create(session).await
}

fn draft(cx: &Context, user_id: &UserId, remembered: bool) -> Session {
    let now = cx.now();
    let life = if remembered { cx.engine.session.expires_in() } else { FORGETFUL_LIFE };
    let token = SessionToken::new(cx.draw_id());
    let mut session = Session::new(SessionId::new(cx.draw_id()), token, user_id.clone(), now, now + life);
    let request = cx.request();
    session.ip_address = Some(cx.engine.ips.find(request.headers(), request.peer).unwrap_or_default());
    session.user_agent = Some(request.header("user-agent").unwrap_or_default());
    let are_documents = cx.store().sessions_are_documents();
    for (name, field) in &cx.engine.session_fields {
        match field.default_value.clone() {
            Some(json) => session.extra.set(&**name, fields::typed(field, json)),
            None if are_documents => {}
            None => session.extra.set(&**name, Value::Null),
        }
    }
    session
}
