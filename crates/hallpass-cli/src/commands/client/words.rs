//! What to say when a call fails: what happened, in the words of somebody who has to do something about it.

use std::{error::Error as StdError, io, time::Duration};

use hallpass_client::{Error, StatusCode};
use serde_json::Value;

use super::member::Member;
use crate::{
    commands::{Failure, chain},
    output::harmless,
};

pub(super) fn of(member: &Member, error: &Error) -> Failure {
    if error.is_store() {
        return chain(error);
    }
    let is_told = error.body().is_some_and(Value::is_object);
    if error.is_unauthorized() && is_told && error.code().is_none_or(|code| code == "UNAUTHORIZED") {
        return member.session_over();
    }
    let server = &member.profile.server;
    let text = match error.status() {
        None => unreached(server, error),
        Some(status) if error.body().is_some() => refused(member, status, error),
        Some(_) => format!("{server}: {error}"),
    };
    // The server had a say in it.
    harmless(&text).into()
}

/// When the question whether it is an auth server failed.
pub(super) fn of_greeting(member: &Member, error: &Error) -> Failure {
    match error.status() {
        Some(status) if status.is_client_error() && !error.is_rate_limited() => {
            no_auth_server(&member.profile.server, status).into()
        }
        _ => of(member, error),
    }
}

/// There was no answer.
fn unreached(server: &str, error: &Error) -> String {
    let Some(cause) = deepest(error) else { return error.to_string() };
    if let Some(tls) = find_tls(error) {
        return match tls {
            rustls::Error::InvalidCertificate(why) => format!(
                "the certificate of {server} cannot be trusted: {why}. Is it the right server? A certificate of one's own has to be \
                 among those that this system trusts"
            ),
            other => format!("no TLS connection to {server} can be made: {other}. Is there a TLS server at this port?"),
        };
    }
    if error.is_timeout() {
        return format!("{server} took too long to answer; try again, and look whether the server is well");
    }
    format!("{server} cannot be reached: {cause}. Is the address right, and is the server running?")
}

/// The server said no.
fn refused(member: &Member, status: StatusCode, error: &Error) -> String {
    let server = &member.profile.server;
    let number = status.as_u16();
    match (number, error.code()) {
        (429, _) => {
            let wait = error.retry_after().map_or_else(|| "a while".into(), seconds);
            format!("{server} has had too many tries from here; wait for {wait}, and try again")
        }
        (_, Some("INVALID_EMAIL_OR_PASSWORD")) => {
            format!("{server} does not know this e-mail address with this password")
        }
        (_, Some("INVALID_EMAIL")) => "this is no e-mail address".into(),
        (_, Some("EMAIL_NOT_VERIFIED")) => format!(
            "this e-mail address has to be verified first: follow the link in the mail that {server} has sent to it, then sign in again"
        ),
        (_, Some("EMAIL_PASSWORD_DISABLED")) => format!("nobody signs in to {server} with a password"),
        (_, Some("SESSION_NOT_FRESH")) => {
            format!("{server} wants to see the password again before it does this; run `{}`", member.login())
        }
        (403, Some(code)) if code.contains("ORIGIN") || code.contains("CROSS_SITE") => format!(
            "{server} does not trust where this request came from ({code}). This program names no origin, so something on the way \
             adds one: have it left out, or trusted by the server (`trusted_origins`)"
        ),
        (404, _) => no_auth_server(server, status),
        (500.., _) => format!("{server} cannot help at the moment ({number}); try again later"),
        _ => format!("{server}: {error}"),
    }
}

fn no_auth_server(server: &str, status: StatusCode) -> String {
    let number = status.as_u16();
    format!(
        "there is no auth server at {server}: it answers {number}. Is the address right? One whose endpoints are not below /api/auth \
         is given with its path, such as https://api.example.com/auth"
    )
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        1 => "1 second".into(),
        seconds => format!("{seconds} seconds"),
    }
}

/// What everything else only passes on.
fn deepest(error: &Error) -> Option<&(dyn StdError + 'static)> {
    let mut cause = error.source()?;
    while let Some(next) = cause.source() {
        cause = next;
    }
    Some(cause)
}

/// What TLS found wrong. It travels inside I/O errors, which do not count what is inside among their sources.
fn find_tls(error: &Error) -> Option<&rustls::Error> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref() {
            return Some(tls);
        }
        next = match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}
