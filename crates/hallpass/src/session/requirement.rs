//! What an endpoint may ask of its caller's session (CONTRACT §7.3).

use hallpass_store::Session;
use http::StatusCode;

use super::{
    SessionAndUser,
    lookup::{Lookup, look_up},
};
use crate::{
    context::Context,
    endpoint::Requirement,
    error::{ApiError, ErrorCode},
    outgoing::Outgoing,
};

/// Looks the caller's session up if the endpoint asks for one, or refuses.
pub(crate) async fn meet(cx: &mut Context, requirement: Requirement) -> Result<(), ApiError> {
    if requirement == Requirement::None {
        return Ok(());
    }
    let (found, during) = find(cx).await;
    match found.and_then(|found| admit(cx, found, requirement)) {
        Ok(session) => {
            // On success only the last cookie of the look-up reaches the client, on refusal all of them do (CONTRACT §1.4).
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

/// The caller's session, if there is one, for endpoints that do not ask for one. What the look-up sets joins the answer.
pub(crate) async fn current(cx: &mut Context) -> Result<Option<SessionAndUser>, ApiError> {
    if cx.session.is_none() {
        let (found, during) = find(cx).await;
        cx.out.merge(during);
        cx.session = found?;
    }
    Ok(cx.session.clone())
}

/// What is found, and what the look-up sets, kept apart from what was set before.
async fn find(cx: &mut Context) -> (Result<Option<SessionAndUser>, ApiError>, Outgoing) {
    let before = std::mem::take(&mut cx.out);
    let disable_refresh = cx.request().query().is_truthy("disableRefresh");
    let found = look_up(cx, Lookup { may_write_deferred: false, disable_refresh }).await;
    let during = std::mem::replace(&mut cx.out, before);
    match found {
        Ok(found) => (Ok(found.map(|found| found.found)), during),
        // The session ended while it was being extended. What the look-up set on the way is dropped with it.
        Err(error) if error.status() == StatusCode::UNAUTHORIZED => (Ok(None), Outgoing::default()),
        Err(error) => (Err(error), during),
    }
}

fn admit(cx: &Context, found: Option<SessionAndUser>, level: Requirement) -> Result<SessionAndUser, ApiError> {
    let found = found.ok_or(ErrorCode::Unauthorized)?;
    if level == Requirement::Fresh && !cx.is_fresh(&found.session) {
        return Err(ErrorCode::SessionNotFresh.into());
    }
    Ok(found)
}

impl Context {
    /// Whether a session began a short while ago. That counts from sign-in, which no refresh changes.
    pub(crate) fn is_fresh(&self, session: &Session) -> bool {
        let fresh_age = i64::try_from(self.engine.session.fresh_age().as_millis()).unwrap_or(i64::MAX);
        fresh_age == 0 || self.now().millis_since(session.created_at) < fresh_age
    }
}
