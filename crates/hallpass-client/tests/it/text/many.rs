//! Many tasks at once.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use hallpass_client::{AuthClient, Token};

use super::{PASSWORD, ada, is_signed_in, token};
use crate::server::Server;

/// Tasks at once, and how often.
const TASKS: usize = 32;
const ROUNDS: usize = 20;

pub(crate) async fn many_tasks_share_one_client(server: &Server) {
    ada(server).await;
    // Hooks of calls that begin, change or end the session run in its turn, so what they note is in the right order.
    let stored: Arc<Mutex<Option<Token>>> = Arc::default();
    let noted = Arc::clone(&stored);
    let client = server
        .builder()
        // Hashing passwords is slow without optimisation, and more so beside other tests.
        .timeout(Duration::from_mins(2))
        .on_success(move |seen| match seen.path() {
            "/sign-in/email" | "/change-password" => *noted.lock().unwrap() = seen.new_token(),
            "/sign-out" | "/revoke-sessions" => *noted.lock().unwrap() = None,
            _ => {}
        })
        .build()
        .unwrap();
    for round in 0..ROUNDS {
        client.sign_in().email("ada@example.com", PASSWORD).await.unwrap();
        let tasks: Vec<_> =
            (0..TASKS).map(|number| tokio::spawn(one_of_many(client.clone(), number + round))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        let now = token(&client).await;
        assert_eq!(now, *stored.lock().unwrap(), "round {round}");
        assert_eq!(is_signed_in(&client).await, now.is_some(), "round {round}: what is kept is alive");
        assert_eq!(token(&client).await, now);
    }
    client.sign_out().await.unwrap();
    assert_eq!(token(&client).await, None);
}

/// Whether the session is there when its turn comes is chance. That the server says anything else than 401 is not.
async fn one_of_many(client: AuthClient, number: usize) {
    let done = match number % TASKS {
        0 | 16 => client.sign_in().email("ada@example.com", PASSWORD).await.map(drop),
        8 | 24 => client.sign_out().await.map(drop),
        4 => client.revoke_sessions().await.map(drop),
        12 => client.change_password(PASSWORD, PASSWORD).revoke_other_sessions(true).await.map(drop),
        20 => client.revoke_other_sessions().await.map(drop),
        number if number % 3 == 0 => client.list_sessions().await.map(drop),
        number if number % 3 == 1 => client.update_user().name(format!("Ada {number}")).await.map(drop),
        _ => client.get_session().await.map(drop),
    };
    if let Err(error) = done {
        assert!(error.is_unauthorized(), "{error}");
    }
}
