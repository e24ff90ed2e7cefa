//! Those who show tokens and judge what the server makes of them.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use serde_json::Value;
use tokio::time::sleep;

use crate::{
    dice::Dice,
    http::{Answer, Client},
    judge::Heard,
    people::{Token, Worth},
    run::Run,
};

/// How often a reader that was told to come back does.
const PAUSE: Duration = Duration::from_millis(10);

/// What an answer says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Valid,
    Invalid,
    Unknown,
}

/// The ways to ask what a token is worth.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question {
    Session,
    Verify,
    List,
}

impl Question {
    fn path(self) -> &'static str {
        match self {
            Self::Session => "/api/auth/get-session",
            Self::Verify => "/api/auth/bearer/verify",
            Self::List => "/api/auth/list-sessions",
        }
    }

    /// Whose the answer says the token is: somebody's, nobody's, or something that makes no sense.
    fn owner(self, answer: &Answer) -> Result<Option<String>, ()> {
        let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        match (self, answer.status) {
            (Self::Session, StatusCode::OK) => match answer.json() {
                Value::Null => Ok(None),
                found => text(&found, "/user/id").map(Some).ok_or(()),
            },
            (Self::Verify, StatusCode::OK) => {
                let id = answer.headers.get("x-auth-user-id").and_then(|id| id.to_str().ok());
                id.map(|id| Some(id.to_owned())).ok_or(())
            }
            (Self::List, StatusCode::OK) => match answer.json() {
                // It ended between the check of the token and the list.
                Value::Array(sessions) if sessions.is_empty() => Ok(None),
                sessions => text(&sessions, "/0/userId").map(Some).ok_or(()),
            },
            // A session that is looked up may end while it is being extended.
            (_, StatusCode::UNAUTHORIZED) => Ok(None),
            _ => Err(()),
        }
    }
}

/// Asks once, and notes an answer that cannot be right.
pub(crate) async fn ask(run: &Run, client: &mut Client, token: &Token, question: Question) -> Said {
    let path = question.path();
    let before = token.glance();
    let result = client.get(path, Some(&token.text)).await;
    let same = before == token.glance();
    let Heard::Answer(answer) = run.judge.hear(path, result) else { return Said::Unknown };
    let said = match question.owner(&answer) {
        Ok(None) => Said::Invalid,
        Ok(Some(user)) if user == token.user => Said::Valid,
        Ok(Some(_)) => {
            run.judge.wrong(format!("{path}: a token was somebody else's"));
            Said::Unknown
        }
        Err(()) => {
            run.judge.wrong(format!("{path}: {} {}", answer.status, answer.text()));
            Said::Unknown
        }
    };
    match (said, before.worth()) {
        (Said::Invalid, Worth::Live) if same => run.judge.wrong(format!("{path}: a live token was refused")),
        (Said::Valid, Worth::Dead) if same => run.judge.wrong(format!("{path}: a dead token was good")),
        _ => {}
    }
    said
}

/// Shows tokens at full speed until the run ends.
pub(crate) async fn read(run: Arc<Run>, mut dice: Dice) {
    let mut client = Client::new(run.server);
    while !run.is_over() {
        let Some(token) = run.tokens.any(&mut dice) else {
            sleep(PAUSE).await;
            continue;
        };
        if dice.percent(5) {
            forged(&run, &mut client, &token).await;
            continue;
        }
        let question = match dice.within(0..10) {
            0 => Question::List,
            1 | 2 => Question::Verify,
            _ => Question::Session,
        };
        if ask(&run, &mut client, &token, question).await == Said::Unknown {
            sleep(PAUSE).await;
        }
    }
}

/// A signature that is wrong needs no store to be seen through: it is never good, and never "come back later".
async fn forged(run: &Run, client: &mut Client, token: &Token) {
    let text = format!("{}.{}=", token.text, "A".repeat(43));
    let result = client.get(Question::Session.path(), Some(&text)).await;
    if result.is_err() {
        sleep(PAUSE).await;
    }
    match run.judge.hear("a forged token", result) {
        Heard::Answer(answer) if answer.status == StatusCode::OK && answer.json().is_null() => {}
        Heard::Answer(answer) => run.judge.wrong(format!("a forged token: {} {}", answer.status, answer.text())),
        Heard::Unknown if run.kills => {}
        Heard::Unknown => run.judge.wrong("a forged token was not refused without the store".to_owned()),
    }
}
