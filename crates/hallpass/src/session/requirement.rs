//! What an endpoint may ask of its caller's session (CONTRACT §7.3).

use http::StatusCode;

use super::{
    SessionAndUser,
    lookup::{Lookup, look_up},
};
use crate::{
    context::Context,
    endpoint::Requirement,
    error::{ApiError, ErrorCode},
};

/// Looks the caller's session up if the endpoint asks for one, or refuses.
pub(crate) async fn meet(cx: &mut Context, requirement: Requirement) -> Result<(), ApiError> {
    if requirement == Requirement::None {
        return Ok(());
    }
    // What the look-up sets is kept apart: on success only its last cookie reaches the client, on refusal all of them do
    // (CONTRACT §1.4).
    let before = std::mem::take(&mut cx.out);
    let found = find(cx).await;
    let during = std::mem::replace(&mut cx.out, before);
    match found.and_then(|found| admit(cx, found, requirement)) {
        Ok(session) => {
            cx.out.merge_requirement(during);
            cx.session = Some(session);
            Ok(())
        }
        Err(refusal) => {
            cx.out.merge(during);
            Err(refusal)
        }
    }
}

async fn find(cx: &mut Context) -> Result<Option<SessionAndUser>, ApiError> {
    let disable_refresh = cx.request().query().is_truthy("disableRefresh");
    match look_up(cx, Lookup { may_write_deferred: false, disable_refresh }).await {
        Ok(found) => Ok(found.map(|found| found.found)),
        // The session ended while it was being extended. What the look-up set on the way is dropped with it.
        Err(error) if error.status() == StatusCode::UNAUTHORIZED => {
            cx.out = crate::outgoing::Outgoing::default();
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn admit(cx: &Context, found: Option<SessionAndUser>, level: Requirement) -> Result<SessionAndUser, ApiError> {
    let found = found.ok_or(ErrorCode::Unauthorized)?;
    let fresh_age = i64::try_from(cx.engine.session.fresh_age().as_millis()).unwrap_or(i64::MAX);
    // Freshness counts from sign-in, which no refresh changes.
    let age = cx.now().millis_since(found.session.created_at);
    if level == Requirement::Fresh && fresh_age != 0 && age >= fresh_age {
        return Err(ErrorCode::SessionNotFresh.into());
    }
    Ok(found)
}
