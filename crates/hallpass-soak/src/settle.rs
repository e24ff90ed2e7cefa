//! Finding out what became of what was not answered: it has happened, or it has not, and never half of it.

use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    judge::Heard,
    people::{Person, Presence, Worth},
    readers::{Question, Said, ask},
    writer::{PAUSE, RESET, SIGN_IN, SIGN_UP, Use, Writer},
};

/// It cannot be found out yet.
#[derive(Clone, Copy, Debug)]
struct NotYet;

/// A sign-in that was good: the session's token.
type SignedIn = Option<String>;

impl Writer {
    /// Finds out what is in doubt of somebody, who then goes on or is no more.
    pub(crate) async fn settle(&mut self, mut person: Person) {
        match self.find_out(&mut person).await {
            Ok(true) => {
                person.bury();
                self.people.push(person);
            }
            Ok(false) => {}
            Err(NotYet) => {
                self.parked.push(person);
                sleep(PAUSE).await;
            }
        }
    }

    /// Whether this person is there.
    async fn find_out(&mut self, person: &mut Person) -> Result<bool, NotYet> {
        let (right, mut token) = self.find_password(person).await?;
        let right = match right {
            Some(right) => right,
            None if person.presence == Presence::PerhapsMade => match self.sign_up_again(person).await? {
                Some(body) => {
                    person.id = body["user"]["id"].as_str().map(str::to_owned);
                    token = body["token"].as_str().map(str::to_owned);
                    0
                }
                None => return Ok(false),
            },
            None => return self.is_gone(person).await,
        };
        person.presence = Presence::There;
        let mut password = person.passwords.get(right).cloned().unwrap_or_default();
        let has_changed = right > 0;
        self.find_ended(person, has_changed).await?;
        if let Some(new) = self.use_again(person, &password).await? {
            password = new;
            token = None;
        }
        if person.names.len() > 1
            && let Some(token) = token
        {
            self.find_name(person, &token).await?;
        }
        // Only now, so that whoever is interrupted begins anew with all there is to know.
        person.passwords = vec![password];
        person.reset = None;
        person.ends_with_password = false;
        Ok(true)
    }

    /// Which of the passwords is right, and a token that it gives.
    async fn find_password(&mut self, person: &mut Person) -> Result<(Option<usize>, SignedIn), NotYet> {
        if person.presence == Presence::There && person.passwords.len() == 1 {
            return Ok((Some(0), person.live().map(|token| token.text.clone())));
        }
        let mut found = (None, None);
        for (index, password) in person.passwords.clone().iter().enumerate() {
            let Some(body) = self.try_password(person, password).await? else { continue };
            if found.0.is_some() {
                self.run.judge.wrong("somebody has two passwords".to_owned());
            }
            let id = body["user"]["id"].as_str().map(str::to_owned);
            if person.id.is_some() && person.id != id {
                self.run.judge.wrong("somebody has another id than before".to_owned());
            }
            person.id = id;
            found = (Some(index), body["token"].as_str().map(str::to_owned));
        }
        Ok(found)
    }

    async fn try_password(&mut self, person: &Person, password: &str) -> Result<Option<Value>, NotYet> {
        let result = self.client.post(SIGN_IN, None, &json!({"email": person.email, "password": password})).await;
        match self.run.judge.hear(SIGN_IN, result) {
            Heard::Answer(answer) if answer.status == StatusCode::OK => Ok(Some(answer.json())),
            Heard::Answer(answer) if answer.status == StatusCode::UNAUTHORIZED => Ok(None),
            Heard::Answer(answer) => {
                self.odd(SIGN_IN, &answer);
                Err(NotYet)
            }
            Heard::Unknown => Err(NotYet),
        }
    }

    /// Somebody who cannot sign in can sign up: there is no user without a password.
    async fn sign_up_again(&mut self, person: &Person) -> Result<Option<Value>, NotYet> {
        let body = json!({"name": person.names.first(), "email": person.email, "password": person.password()});
        let result = self.client.post(SIGN_UP, None, &body).await;
        let refusal = match self.run.judge.hear(SIGN_UP, result) {
            Heard::Answer(answer) if answer.status == StatusCode::OK => return Ok(Some(answer.json())),
            Heard::Answer(refusal) => refusal,
            Heard::Unknown => return Err(NotYet),
        };
        // What was not answered may have arrived between the two.
        let signed_in = self.try_password(person, person.password()).await?;
        if signed_in.is_none() {
            self.run.judge.wrong(format!("half a user: signs neither in nor up ({})", refusal.text()));
        }
        Ok(signed_in)
    }

    /// Somebody whom no password lets in is deleted, and so are the sessions.
    async fn is_gone(&mut self, person: &Person) -> Result<bool, NotYet> {
        if person.presence == Presence::There {
            self.run.judge.wrong("none of the passwords is right that may have been set".to_owned());
            return Ok(false);
        }
        for token in &person.tokens {
            match ask(&self.run, &mut self.client, token, Question::Session).await {
                Said::Unknown => return Err(NotYet),
                Said::Valid => self.run.judge.wrong("a session without its user".to_owned()),
                Said::Invalid => token.set(Worth::Dead),
            }
        }
        Ok(false)
    }

    /// Which sessions have ended. With a new password all of them have.
    async fn find_ended(&mut self, person: &Person, has_changed: bool) -> Result<(), NotYet> {
        let belongs_together = person.reset.is_some() || person.ends_with_password;
        let mut found = Vec::new();
        for token in person.tokens.iter().filter(|token| token.worth() == Worth::Doubtful) {
            found.push((token, ask(&self.run, &mut self.client, token, Question::Session).await));
        }
        if found.iter().any(|(_, said)| *said == Said::Unknown) {
            return Err(NotYet);
        }
        for (token, said) in found {
            match said {
                Said::Valid if belongs_together && has_changed => {
                    self.run.judge.wrong("a session goes on that had to end with the password".to_owned());
                }
                Said::Invalid if belongs_together && !has_changed && self.run.sessions_in_database => {
                    self.run.judge.wrong("a session has ended without the new password being set".to_owned());
                }
                _ => {}
            }
            // As long as the token of a reset can be used, so long can its session end.
            if person.reset.is_none() {
                token.set(if said == Said::Valid { Worth::Live } else { Worth::Dead });
            }
        }
        Ok(())
    }

    /// Uses a reset token again, once more than may be. The new password, if that was the first time.
    async fn use_again(&mut self, person: &mut Person, password: &str) -> Result<Option<String>, NotYet> {
        let Some(mut reset) = person.reset.clone() else { return Ok(None) };
        let was_used = reset.passwords.iter().any(|set| set == password);
        let new = self.dice.word();
        reset.passwords.push(new.clone());
        person.passwords.push(new.clone());
        let body = json!({"token": reset.token, "newPassword": new});
        person.reset = Some(reset);
        let result = self.client.post(RESET, None, &body).await;
        match self.used(result) {
            Use::Unknown => Err(NotYet),
            Use::Took => {
                if was_used {
                    self.run.judge.wrong("a reset token was used twice".to_owned());
                }
                person.set_all(Worth::Dead);
                Ok(Some(new))
            }
            Use::Refused => {
                if !was_used && self.run.sessions_in_database {
                    self.run.judge.wrong("a reset token is used up and set no password".to_owned());
                }
                for token in person.tokens.iter().filter(|token| token.worth() == Worth::Doubtful) {
                    match ask(&self.run, &mut self.client, token, Question::Session).await {
                        Said::Unknown => return Err(NotYet),
                        Said::Valid => token.set(Worth::Live),
                        Said::Invalid => token.set(Worth::Dead),
                    }
                }
                Ok(None)
            }
        }
    }

    async fn find_name(&mut self, person: &mut Person, token: &str) -> Result<(), NotYet> {
        let name = self.name(token).await.ok_or(NotYet)?;
        if !person.names.contains(&name) && !person.late_names.contains(&name) {
            self.run.judge.wrong("somebody has a name that nobody gave".to_owned());
        }
        let others = std::mem::replace(&mut person.names, vec![name]);
        if !self.run.sessions_in_database {
            person.late_names.extend(others);
        }
        Ok(())
    }
}
