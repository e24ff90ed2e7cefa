//! Those who sign up, in and out, and change what can be changed. Each has people of its own, so that it knows what became of them.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    dice::Dice,
    http::{Answer, Client},
    judge::Heard,
    people::{Person, Presence, Token, UsedPerhaps, Worth},
    readers::{Question, ask},
    run::Run,
};

/// After an answer that says nothing.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);
/// Of whom more is in doubt, whoever writes waits until it can be found out.
const PARKED: usize = 4;
/// People that one writer looks after.
const PEOPLE: usize = 25;

pub(crate) const SIGN_UP: &str = "/api/auth/sign-up/email";
pub(crate) const SIGN_IN: &str = "/api/auth/sign-in/email";
pub(crate) const CHANGE_PASSWORD: &str = "/api/auth/change-password";
pub(crate) const RESET: &str = "/api/auth/reset-password";

/// Somebody who writes.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) run: Arc<Run>,
    pub(crate) client: Client,
    /// A second connection, for two requests at once.
    rival: Client,
    pub(crate) dice: Dice,
    pub(crate) people: Vec<Person>,
    /// Those of whom something is in doubt.
    pub(crate) parked: Vec<Person>,
}

/// What became of one use of a token that is good for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Took,
    Refused,
    Unknown,
}

impl Writer {
    pub(crate) fn new(run: Arc<Run>, dice: Dice) -> Self {
        let (client, rival) = (Client::new(run.server), Client::new(run.server));
        Self { run, client, rival, dice, people: Vec::new(), parked: Vec::new() }
    }

    /// Writes until the run ends, and hands back what it knows.
    pub(crate) async fn write(mut self) -> Self {
        while !self.run.is_over() {
            if self.run.is_settled() {
                if let Some(person) = self.parked.pop() {
                    self.settle(person).await;
                    continue;
                }
            } else if self.parked.len() >= PARKED {
                sleep(PAUSE).await;
                continue;
            }
            let person = self.someone().await;
            self.keep(person).await;
        }
        self
    }

    /// Keeps somebody for later.
    async fn keep(&mut self, mut person: Person) {
        if person.is_clear() {
            person.bury();
            self.people.push(person);
        } else {
            self.parked.push(person);
            sleep(PAUSE).await;
        }
    }

    /// Does something with somebody.
    async fn someone(&mut self) -> Person {
        let is_new = self.people.len() < 3 || (self.people.len() < PEOPLE && self.dice.percent(8));
        if is_new {
            let mut person = Person::new(&mut self.dice);
            self.sign_up(&mut person).await;
            return person;
        }
        let index = self.dice.within(0..self.people.len() as u64);
        let mut person = self.people.swap_remove(usize::try_from(index).unwrap_or(0));
        let Some(token) = person.live() else {
            self.sign_in(&mut person).await;
            return person;
        };
        match self.dice.within(0..100) {
            0..45 => self.rename(&mut person, &token).await,
            45..60 => self.sign_in(&mut person).await,
            60..70 => self.sign_out(&token).await,
            70..74 => self.try_wrong_password(&person).await,
            74..80 => self.revoke(&mut person, &token, "/api/auth/revoke-other-sessions").await,
            80..84 => self.revoke(&mut person, &token, "/api/auth/revoke-sessions").await,
            84..92 => self.reset(&mut person).await,
            92..96 => self.change_password(&mut person, &token).await,
            _ => self.delete(&mut person, &token).await,
        }
        person
    }

    /// Asks for something that is to be done, which answers 200 if it is.
    async fn done(&mut self, path: &str, token: Option<&str>, body: &Value) -> Option<Value> {
        let result = self.client.post(path, token, body).await;
        match self.run.judge.hear(path, result) {
            Heard::Answer(answer) if answer.status == StatusCode::OK => Some(answer.json()),
            Heard::Answer(answer) => {
                self.odd(path, &answer);
                None
            }
            Heard::Unknown => None,
        }
    }

    pub(crate) fn odd(&self, path: &str, answer: &Answer) {
        self.run.judge.wrong(format!("{path}: {} {}", answer.status, answer.text()));
    }

    /// Notes a token that was handed out.
    fn received(&mut self, person: &mut Person, body: &Value) {
        let (token, id) = (body["token"].as_str(), body["user"]["id"].as_str());
        let (Some(text), Some(id)) = (token, id) else {
            return self.run.judge.wrong("an answer without token or user".to_owned());
        };
        if person.id.as_deref().is_some_and(|known| known != id) {
            self.run.judge.wrong("somebody has another id than before".to_owned());
        }
        person.id = Some(id.to_owned());
        person.presence = Presence::There;
        let token = Token::new(text, id);
        self.run.tokens.add(&token, &mut self.dice);
        person.tokens.push(token);
    }

    async fn sign_up(&mut self, person: &mut Person) {
        let body = json!({"name": person.names.first(), "email": person.email, "password": person.password()});
        if let Some(body) = self.done(SIGN_UP, None, &body).await {
            self.received(person, &body);
        }
    }

    async fn sign_in(&mut self, person: &mut Person) {
        let body = json!({"email": person.email, "password": person.password()});
        if let Some(body) = self.done(SIGN_IN, None, &body).await {
            self.received(person, &body);
        }
    }

    async fn try_wrong_password(&mut self, person: &Person) {
        let body = json!({"email": person.email, "password": "not the password"});
        let result = self.client.post(SIGN_IN, None, &body).await;
        match self.run.judge.hear(SIGN_IN, result) {
            Heard::Answer(answer) if answer.status == StatusCode::UNAUTHORIZED => {}
            Heard::Answer(answer) => self.odd("a wrong password", &answer),
            Heard::Unknown => {}
        }
    }

    async fn rename(&mut self, person: &mut Person, token: &Token) {
        let name = self.dice.word();
        person.names.push(name.clone());
        let Some(_) = self.done("/api/auth/update-user", Some(&token.text), &json!({"name": name})).await else {
            return;
        };
        person.names = vec![name];
        person.late_names.clear();
        if let Some(found) = self.name(&token.text).await
            && person.names.first() != Some(&found)
        {
            self.run.judge.wrong("a name is not what it was changed to".to_owned());
        }
    }

    /// The name that a session shows.
    pub(crate) async fn name(&mut self, token: &str) -> Option<String> {
        let result = self.client.get("/api/auth/get-session", Some(token)).await;
        let Heard::Answer(answer) = self.run.judge.hear("/api/auth/get-session", result) else { return None };
        let name = answer.json()["user"]["name"].as_str().map(str::to_owned);
        if name.is_none() {
            self.odd("/api/auth/get-session of a live token", &answer);
        }
        name
    }

    async fn sign_out(&mut self, token: &Token) {
        token.set(Worth::Doubtful);
        if self.done("/api/auth/sign-out", Some(&token.text), &json!({})).await.is_some() {
            token.set(Worth::Dead);
            self.is_dead(token).await;
        }
    }

    /// A read begun after the answer that ended a session does not find it.
    async fn is_dead(&mut self, token: &Token) {
        ask(&self.run, &mut self.client, token, Question::Session).await;
    }

    async fn revoke(&mut self, person: &mut Person, by: &Arc<Token>, path: &str) {
        let spares_own = path.ends_with("other-sessions");
        let ended: Vec<_> =
            person.tokens.iter().filter(|token| !(spares_own && Arc::ptr_eq(token, by))).cloned().collect();
        ended.iter().filter(|token| token.worth() == Worth::Live).for_each(|token| token.set(Worth::Doubtful));
        if self.done(path, Some(&by.text), &json!({})).await.is_some() {
            for token in &ended {
                token.set(Worth::Dead);
            }
            if let Some(token) = ended.first() {
                self.is_dead(token).await;
            }
        }
    }

    /// Two requests at once with one token: one of them sets the password.
    async fn reset(&mut self, person: &mut Person) {
        let deaths = self.run.deaths();
        let asked = self.done("/api/auth/request-password-reset", None, &json!({"email": person.email})).await;
        if asked.is_none() {
            return;
        }
        let Some(token) = self.run.mailed_token(&person.email, deaths).await else { return };
        let passwords = [self.dice.word(), self.dice.word()];
        person.set_all(Worth::Doubtful);
        let [one, other] = passwords.each_ref().map(|password| json!({"token": token, "newPassword": password}));
        let (one, other) = tokio::join!(self.client.post(RESET, None, &one), self.rival.post(RESET, None, &other));
        let uses = [self.used(one), self.used(other)];
        match uses {
            [Use::Took, Use::Took] => self.run.judge.wrong("a reset token was used twice".to_owned()),
            [Use::Refused, Use::Refused] => self.run.judge.wrong("a reset token was good for nobody".to_owned()),
            _ => {}
        }
        let [one, other] = passwords;
        person.passwords = match uses {
            [Use::Took, _] => vec![one],
            [_, Use::Took] => vec![other],
            _ => {
                person.passwords.extend([one.clone(), other.clone()]);
                person.reset = Some(UsedPerhaps { token, passwords: vec![one, other] });
                return;
            }
        };
        person.set_all(Worth::Dead);
        if self.dice.percent(30) {
            let again = json!({"token": token, "newPassword": "a third one"});
            let again = self.client.post(RESET, None, &again).await;
            if self.used(again) == Use::Took {
                self.run.judge.wrong("a reset token was used again".to_owned());
            }
        }
    }

    pub(crate) fn used(&self, result: Result<Answer, crate::http::Broken>) -> Use {
        match self.run.judge.hear(RESET, result) {
            Heard::Answer(answer) if answer.status == StatusCode::OK => Use::Took,
            Heard::Answer(answer) if answer.json()["code"] == "INVALID_TOKEN" => Use::Refused,
            Heard::Answer(answer) => {
                self.odd(RESET, &answer);
                Use::Unknown
            }
            Heard::Unknown => Use::Unknown,
        }
    }

    async fn change_password(&mut self, person: &mut Person, by: &Token) {
        let new = self.dice.word();
        let body = json!({"currentPassword": person.password(), "newPassword": new, "revokeOtherSessions": true});
        person.set_all(Worth::Doubtful);
        person.passwords.push(new.clone());
        person.ends_with_password = true;
        if let Some(body) = self.done(CHANGE_PASSWORD, Some(&by.text), &body).await {
            person.passwords = vec![new];
            person.ends_with_password = false;
            person.set_all(Worth::Dead);
            self.received(person, &body);
        }
    }

    /// Deletes somebody, who comes back with the same address.
    async fn delete(&mut self, person: &mut Person, by: &Token) {
        person.presence = Presence::PerhapsGone;
        person.set_all(Worth::Doubtful);
        if self.done("/api/auth/delete-user", Some(&by.text), &json!({})).await.is_some() {
            person.set_all(Worth::Dead);
            self.is_dead(by).await;
            person.id = None;
            person.presence = Presence::PerhapsMade;
            self.sign_up(person).await;
        }
    }
}
