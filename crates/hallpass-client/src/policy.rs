//! *Drop*: which answers end the stored token.

use std::{fmt, sync::Arc};

use http::StatusCode;

use crate::answer::Seen;

type Rule = Arc<dyn Fn(&Seen<'_>) -> bool + Send + Sync>;

/// When the stored token is dropped. Only ever the token that the call in question sent, and only if it still is the stored one.
///
/// By default ([`DropPolicy::standard`]) it is dropped when
///
/// * an endpoint that asks for a session answers 401 without a code or with the code `UNAUTHORIZED`. (Other codes are about
///   something else: a 401 of `/link-social` with `LINKING_NOT_ALLOWED` says nothing against the session; nor does the page of a proxy on
///   the way that wants a password of its own.)
/// * `/get-session` answers `null` to the token. The documentation of the npm package drops on 401 alone, but this endpoint never
///   answers 401, and a token that it does not know is dead for good.
/// * the session was ended by this client: `/sign-out`, `/revoke-sessions`, `/revoke-session` with the own token, `/delete-user` once
///   the user is deleted.
///
/// A server that cannot be reached, or answers 5xx or 429, has said nothing about the session, so nothing is dropped. That goes for
/// signing out as well: the call fails and the token stays, so that it can be tried again, since the session is probably still alive.
/// Whoever wants the token gone from this machine at any rate calls [`AuthClient::forget_token`](crate::AuthClient::forget_token).
///
/// ```
/// use hallpass_client::{DropPolicy, StatusCode};
///
/// // As well when the server says that the account was suspended.
/// let policy = DropPolicy::standard().on_code("ACCOUNT_SUSPENDED");
/// // As the npm package's documentation has it: every 401, and nothing else.
/// let documented = DropPolicy::never().on_status(StatusCode::UNAUTHORIZED);
/// ```
#[derive(Clone)]
pub struct DropPolicy {
    rules: Vec<Rule>,
    when_unknown: bool,
    when_ended: bool,
}

impl DropPolicy {
    /// What applies when nothing is said.
    pub fn standard() -> Self {
        let refused = |seen: &Seen<'_>| {
            seen.status() == StatusCode::UNAUTHORIZED
                && seen.needs_session()
                && seen.answer.speaks_for_the_server()
                && seen.code().is_none_or(|code| code == "UNAUTHORIZED")
        };
        Self { rules: vec![Arc::new(refused)], when_unknown: true, when_ended: true }
    }

    /// Drops nothing by itself; a place to start from.
    pub fn never() -> Self {
        Self { rules: Vec::new(), when_unknown: false, when_ended: false }
    }

    /// Drops at every answer with this status, whichever the endpoint. (A wrong password is a 401, too.)
    pub fn on_status(self, status: StatusCode) -> Self {
        self.when(move |seen| seen.status() == status)
    }

    /// Drops at every answer with this code.
    pub fn on_code(self, code: impl Into<String>) -> Self {
        let code = code.into();
        self.when(move |seen| seen.code().as_ref() == Some(&code))
    }

    /// Drops at every answer of which this is true.
    pub fn when(mut self, rule: impl Fn(&Seen<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.rules.push(Arc::new(rule));
        self
    }

    /// Whether to drop when `/get-session` answers `null` to the token.
    pub fn when_unknown(mut self, drops: bool) -> Self {
        self.when_unknown = drops;
        self
    }

    /// Whether to drop when this client ended the session.
    pub fn when_ended(mut self, drops: bool) -> Self {
        self.when_ended = drops;
        self
    }

    pub(crate) fn drops(&self, seen: &Seen<'_>, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Ended if self.when_ended => true,
            Verdict::Unknown if self.when_unknown && seen.answer.says_null() => true,
            _ => self.rules.iter().any(|rule| rule(seen)),
        }
    }
}

impl Default for DropPolicy {
    fn default() -> Self {
        Self::standard()
    }
}

impl fmt::Debug for DropPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DropPolicy")
            .field("rules", &self.rules.len())
            .field("when_unknown", &self.when_unknown)
            .field("when_ended", &self.when_ended)
            .finish()
    }
}

/// What the output of an endpoint says about the token that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing.
    Silent,
    /// The server does not know it.
    Unknown,
    /// Its session was ended, as this call wished.
    Ended,
}
