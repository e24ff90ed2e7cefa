//! The bearer plugin (CONTRACT §8).

mod everywhere;
mod forged;
mod hostile_headers;
mod request;
mod response;
mod steps;
mod verify;

use hallpass_verify::component::encode;

use crate::support::{Answer, Caller, Stage, cookie, forged as forge, sign, stage};

/// Whom `/get-session` takes a request for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Ann,
    Bob,
    /// `null`, and no cookies.
    Nobody,
    /// `null`, and the client is told to forget its session.
    Cleared,
}
use Found::{Ann, Bob, Cleared, Nobody};

/// Sends each of these `Authorization` headers with a `Cookie` header, if that is not empty.
///
/// `{raw}`, `{signed}`, `{encoded}` stand for Ann's token in its forms, `{unpadded}` and `{urlsafe}` for ways to
/// write its signature that only the lenient reader takes, `{forged}` for one with another server's signature;
/// `{bob}` for Bob's whole session cookie, `{ann}` for Ann's, `{unknown}` for that of a session nobody has.
async fn check<const N: usize>(authorizations: [&str; N], cookies: &str, expected: Found) {
    let stage = stage();
    check_on(&stage, authorizations, cookies, expected).await;
}

async fn check_on<const N: usize>(stage: &Stage, authorizations: [&str; N], cookies: &str, expected: Found) {
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    for authorization in authorizations {
        let mut call = stage.get("/get-session").header("authorization", fill(authorization, &ann, &bob));
        if !cookies.is_empty() {
            call = call.cookie(fill(cookies, &ann, &bob));
        }
        let answer = call.await;
        assert_eq!(found(&answer), expected, "{authorization:?} with {cookies:?}: {answer:?}");
    }
}

fn fill(template: &str, ann: &Caller, bob: &Caller) -> String {
    template
        .replace("{raw}", &ann.token)
        .replace("{signed}", &ann.signed())
        .replace("{unpadded}", ann.signed().trim_end_matches('='))
        .replace("{urlsafe}", &url_safe(&ann.signed()))
        .replace("{encoded}", &encode(&ann.signed()))
        .replace("{forged}", &forge(&ann.token))
        .replace("{unknown}", &cookie(&sign("nobodys-token")))
        .replace("{ann}", &ann.cookie())
        .replace("{bob}", &bob.cookie())
}

/// In the URL-safe alphabet, which must make a difference.
fn url_safe(signed: &str) -> String {
    let url_safe = signed.replace('+', "-").replace('/', "_");
    assert_ne!(url_safe, signed, "the caller's signature has no character in which the alphabets differ");
    url_safe
}

fn found(answer: &Answer) -> Found {
    assert_eq!(answer.status, 200, "{answer:?}");
    match answer.json()["user"]["name"].as_str() {
        Some("ann") => Ann,
        Some("bob") => Bob,
        _ if answer.is_untouched_null() => Nobody,
        _ if answer.is_cleared_null() => Cleared,
        _ => panic!("neither a session nor an answer to nobody: {answer:?}"),
    }
}
