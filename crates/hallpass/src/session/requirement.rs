//! What an endpoint may ask of its caller's session (CONTRACT §7.3).

use hallpass_store::Session;
use hallpass_verify::{Resolved, resolve};
use http::StatusCode;

use super::{
    SessionAndUser, cookies,
    lookup::{Lookup, failed, look_up},
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
    let (found, during) = find(cx, requirement == Requirement::Sensitive).await;
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
/// Unless it is to be asked of the store, a copy that the client holds will do.
pub(crate) async fn current(cx: &mut Context, from_store: bool) -> Result<Option<SessionAndUser>, ApiError> {
    if cx.session.is_none() {
        let (found, during) = find(cx, from_store).await;
        cx.out.merge(during);
        cx.session = found?;
    }
    Ok(cx.session.clone())
}

/// The session that was found, if the store still has it, for endpoints that hand out a new copy of it. A copy made of a copy would keep a
/// session that was ended alive for as long as somebody asks (COMPATIBILITY D61).
pub(crate) async fn confirmed(cx: &mut Context) -> Result<Option<SessionAndUser>, ApiError> {
    let Some(copied) = cx.session.clone().filter(|_| cx.is_copy) else { return Ok(cx.session.clone()) };
    let engine = cx.engine.clone();
    let resolved = resolve(&*engine.store, &engine.schema, &copied.session.token, cx.now()).await.map_err(failed)?;
    cx.session = match resolved {
        // The session as the copy had it, which is what the npm package copies again; its user as they are now.
        Resolved::Live(found) => {
            let ((session, _), (_, user)) = (copied.into_parts(), found.into_parts());
            Some(SessionAndUser::new(session, engine.visible_user(user)))
        }
        Resolved::Unknown | Resolved::Expired(_) => {
            cookies::clear(cx);
            None
        }
    };
    cx.is_copy = false;
    Ok(cx.session.clone())
}

/// What is found, and what the look-up sets, kept apart from what was set before.
async fn find(cx: &mut Context, from_store: bool) -> (Result<Option<SessionAndUser>, ApiError>, Outgoing) {
    let before = std::mem::take(&mut cx.out);
    let asks = |name: &str| cx.request().query().is_truthy(name);
    let how = Lookup {
        may_write_deferred: false,
        disable_refresh: asks("disableRefresh"),
        from_store: from_store || asks("disableCookieCache"),
    };
    let found = look_up(cx, how).await;
    let during = std::mem::replace(&mut cx.out, before);
    match found {
        Ok(found) => {
            cx.is_copy = found.as_ref().is_some_and(|found| found.is_copy);
            (Ok(found.map(|found| found.found)), during)
        }
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
