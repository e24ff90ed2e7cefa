//! Somebody who asks again and again whether all is well, and does not wait for the answer before asking again.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use http::StatusCode;
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{dice::Dice, http::Client, judge::RECOVERY, run::Run, writer::SIGN_UP};

/// How often it asks.
const PACE: Duration = Duration::from_millis(100);
/// So many good answers one after the other are a recovery.
const ENOUGH: u32 = 8;
/// What takes longer than that is no good answer. (It hashes nothing, but the machine is busy.)
const PROMPT: Duration = Duration::from_secs(2);
/// When it gives up.
const GIVE_UP: Duration = Duration::from_secs(15);

/// A user whom nobody else changes.
#[derive(Debug)]
pub(crate) struct Probe {
    server: SocketAddr,
    token: String,
}

impl Probe {
    pub(crate) async fn begin(server: SocketAddr, dice: &mut Dice) -> Result<Self, String> {
        let body = json!({"name": "Ann", "email": format!("{}@example.com", dice.word()), "password": dice.word()});
        let signed_up = Client::new(server).post(SIGN_UP, None, &body).await;
        let body = signed_up.map(|answer| answer.json()).map_err(|_| "nobody could sign up".to_owned())?;
        let token = body["token"].as_str().ok_or_else(|| format!("nobody could sign up: {body}"))?;
        Ok(Self { server, token: token.to_owned() })
    }

    /// Reads and writes by turns, each time on a connection of its own, until all that is asked is answered. Notes how long after the
    /// store's return somebody was still kept waiting.
    pub(crate) async fn until_well(&self, run: &Run, returned: Instant) {
        let mut asked = JoinSet::new();
        let (mut turn, mut good) = (0_u32, 0);
        while (good < ENOUGH || !asked.is_empty()) && returned.elapsed() < GIVE_UP {
            if good < ENOUGH {
                asked.spawn(ask(self.server, self.token.clone(), turn.is_multiple_of(2)));
                turn += 1;
            }
            sleep(PACE).await;
            while let Some(Ok((is_good, ended))) = asked.try_join_next() {
                good = if is_good { good + 1 } else { 0 };
                if !is_good {
                    run.judge.was_kept_waiting("somebody who comes after the store's return", ended - returned);
                }
            }
        }
        if good < ENOUGH {
            run.judge
                .was_kept_waiting("somebody who comes after the store's return", returned.elapsed().max(RECOVERY * 2));
        }
    }
}

/// Whether the answer is good, and when it came.
async fn ask(server: SocketAddr, token: String, writes: bool) -> (bool, Instant) {
    let mut client = Client::new(server);
    let answer = async {
        if writes {
            client.post("/api/auth/update-user", Some(&token), &json!({"name": "Ann"})).await
        } else {
            client.get("/api/auth/list-sessions", Some(&token)).await
        }
    };
    let begun = Instant::now();
    let is_good = timeout(GIVE_UP, answer)
        .await
        .is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == StatusCode::OK && begun.elapsed() < PROMPT));
    (is_good, Instant::now())
}
