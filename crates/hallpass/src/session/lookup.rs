//! From the request's credential to the session (CONTRACT §7.2).
//!
//! The credential is the signed `session_token` cookie. A bearer token has become one by now: the bearer hook has put it in
//! the cookie's place, so there is one way in and not two.

use hallpass_store::{Filter, Row, SessionToken, StoreError};
use hallpass_verify::{Resolved, resolve};
use http::StatusCode;

use super::{
    SessionAndUser,
    cache::{self, Copy},
    cookies::{self, Remember},
    revoke,
};
use crate::{
    context::Context,
    error::{ApiError, ErrorCode},
};

/// How to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lookup {
    /// Whether the store may be written to when refreshes are deferred to POST.
    pub(crate) may_write_deferred: bool,
    /// Whether the caller asked for the session as it is.
    pub(crate) disable_refresh: bool,
    /// Whether a copy that the client holds will not do.
    pub(crate) from_store: bool,
}

/// What was found.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "what was found is what it is about")]
pub(crate) struct Found {
    pub(crate) found: SessionAndUser,
    /// Set when the refresh was left to a POST: whether one is due.
    pub(crate) needs_refresh: Option<bool>,
    /// Whether a copy in a cookie said so.
    pub(crate) is_copy: bool,
}

/// Finds the caller's session, extends it when that is due, and tells the client what changed.
///
/// # Errors
/// A store that cannot answer is never "no session".
pub(crate) async fn look_up(cx: &mut Context, how: Lookup) -> Result<Option<Found>, ApiError> {
    let engine = cx.engine.clone();
    if engine.cookie_cache.is_none() && cookies::brought_session_data(cx) {
        // A copy that nobody reads must not lie around.
        cookies::clear_session_data(cx);
    }
    let Some(token) = cx.signed_cookie(&cx.auth_cookies().session_token.name).map(SessionToken::new) else {
        return Ok(None);
    };
    if let Some(cache) = engine.cookie_cache.as_ref().filter(|_| !how.from_store) {
        match cache::read(cx, cache, &token) {
            Copy::Good(found) => return Ok(Some(Found { found, needs_refresh: None, is_copy: true })),
            Copy::Useless => {
                let cookie = cx.auth_cookies().session_data.clone();
                cx.out.expire_cookie(&cookie);
            }
            Copy::Absent => {}
        }
    }
    let found = match resolve(&*engine.store, &engine.schema, &token, cx.now()).await.map_err(failed)? {
        Resolved::Live(found) => engine.visible(found),
        Resolved::Unknown => {
            cookies::clear(cx);
            return Ok(None);
        }
        Resolved::Expired(_) => {
            cookies::clear(cx);
            if !engine.session.defer_session_refresh || how.may_write_deferred {
                revoke::by_token(cx, &token, failed).await?;
            }
            return Ok(None);
        }
    };
    let as_it_is = how.disable_refresh || cx.signed_cookie(&cx.auth_cookies().dont_remember.name).is_some();
    if as_it_is {
        return Ok(Some(Found { found, needs_refresh: None, is_copy: false }));
    }
    let due = is_due(cx, &found) && !engine.session.disable_session_refresh;
    if engine.session.defer_session_refresh && !how.may_write_deferred {
        cache::write(cx, &found, false);
        return Ok(Some(Found { found, needs_refresh: Some(due), is_copy: false }));
    }
    if due {
        let found = refresh(cx, found).await?;
        return Ok(Some(Found { found, needs_refresh: None, is_copy: false }));
    }
    cache::write(cx, &found, false);
    Ok(Some(Found { found, needs_refresh: None, is_copy: false }))
}

/// Whether so much of the session's life has passed that it is to be extended.
fn is_due(cx: &Context, found: &SessionAndUser) -> bool {
    let options = &cx.engine.session;
    // Always from the configured life, even for a session that was given a shorter one (CONTRACT §7.2 step 3).
    found.session.expires_at - options.expires_in() + options.update_age() <= cx.now()
}

/// Extends a session. One that was revoked in the meantime is not brought back.
async fn refresh(cx: &mut Context, found: SessionAndUser) -> Result<SessionAndUser, ApiError> {
    let now = cx.now();
    let expires_at = now + cx.engine.session.expires_in();
    let set = Row::new().with("expiresAt", expires_at).with("updatedAt", now);
    let mut tx = cx.transaction();
    let proceeds = tx.update("session", Filter::eq("token", &found.session.token), set).await?;
    let written = tx.commit().await.map_err(failed)?;
    if !proceeds || written.iter().all(|outcome| outcome.affected == 0) {
        cookies::clear(cx);
        return Err(ErrorCode::FailedToGetSession.into());
    }
    let (mut session, user) = found.into_parts();
    session.expires_at = expires_at;
    session.updated_at = now;
    let found = SessionAndUser::new(session, user);
    cookies::set(cx, found.clone(), Remember::Yes);
    Ok(found)
}

/// The store did not answer: 503, or 500 when it answered nonsense.
pub(crate) fn failed(error: StoreError) -> ApiError {
    if error.is_unavailable() {
        ApiError::unavailable(ErrorCode::FailedToGetSession, error)
    } else {
        ApiError::from(ErrorCode::FailedToGetSession).with_status(StatusCode::INTERNAL_SERVER_ERROR).because(error)
    }
}
