//! More passwords at once than can be hashed (COMPATIBILITY D4).

use futures_util::{FutureExt, future::join_all, poll};
use hallpass::Bearer;
use serde_json::json;

use crate::support::{Answer, Call, PASSWORD, PASSWORD_HASH, Stage, stage_with};

/// Far more than threads and queue of any machine that runs this.
const FLOOD: usize = 300;

fn with_queue(waiting: usize) -> Stage {
    stage_with(|builder| builder.plugin(Bearer::new()).hash_queue(waiting))
}

fn sign_in<'a>(stage: &'a Stage, password: &str) -> Call<'a> {
    stage.post("/sign-in/email").json(json!({"email": "ann@example.com", "password": password}))
}

fn is_overloaded(answer: &Answer) -> bool {
    if answer.status != 503 {
        return false;
    }
    assert_eq!((answer.code().1.as_str(), answer.header("retry-after")), ("SERVICE_UNAVAILABLE", Some("1")));
    assert!(answer.cookies().is_empty());
    true
}

#[tokio::test]
async fn a_flood_of_sign_ins_is_answered_rightly_or_with_503_and_session_checks_do_not_wait() {
    let stage = with_queue(1);
    let ann = stage.caller("ann").await;
    let mut flood = Box::pin(join_all(
        (0..FLOOD).map(|number| sign_in(&stage, if number % 2 == 0 { PASSWORD } else { "wrong" }).into_future()),
    ));
    assert!(poll!(&mut flood).is_pending());
    let meanwhile = stage.get("/get-session").by(&ann).into_future().now_or_never();
    assert_eq!(meanwhile.unwrap().json()["user"]["name"], "ann", "answered without waiting for any hash");
    let answers = flood.await;
    let refused = answers.iter().filter(|answer| is_overloaded(answer)).count();
    assert!(refused > 0 && refused < FLOOD, "{refused} of {FLOOD}");
    for (number, answer) in answers.iter().enumerate().filter(|(_, answer)| answer.status != 503) {
        assert_eq!(answer.status, if number % 2 == 0 { 200 } else { 401 }, "{number}");
    }
    assert_eq!(sign_in(&stage, PASSWORD).await.status, 200, "and afterwards all is well");
}

#[tokio::test]
async fn unknown_addresses_queue_like_known_ones() {
    let stage = with_queue(1);
    let answers = join_all((0..FLOOD).map(|_| sign_in(&stage, PASSWORD).into_future())).await;
    assert!(answers.iter().any(is_overloaded));
    assert!(answers.iter().all(|answer| answer.status == 401 || answer.status == 503));
}

#[tokio::test]
async fn a_sign_up_that_was_refused_for_want_of_room_left_no_user() {
    let stage = with_queue(1);
    let answers = join_all((0..FLOOD).map(|number| {
        let body = json!({"name": "N", "email": format!("n{number}@example.com"), "password": PASSWORD});
        stage.post("/sign-up/email").json(body).into_future()
    }))
    .await;
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(answers.iter().filter(|answer| is_overloaded(answer)).count(), FLOOD - made);
    assert!(made > 0 && made < FLOOD);
    for table in ["user", "account", "session"] {
        assert_eq!(stage.rows(table).await.len(), made, "{table}");
    }
}

#[tokio::test]
async fn a_change_of_password_that_found_no_room_changed_nothing() {
    let stage = with_queue(1);
    let ann = stage.caller("ann").await;
    let change = json!({"newPassword": "another password", "currentPassword": PASSWORD, "revokeOtherSessions": true});
    let calls = (0..FLOOD).map(|_| stage.post("/change-password").by(&ann).json(change.clone()).into_future());
    let answers = join_all(calls).await;
    assert!(answers.iter().any(is_overloaded));
    let changed = answers.iter().filter(|answer| answer.status == 200).count();
    let unchanged = stage.column("account", "password").await == [PASSWORD_HASH.into()];
    assert!(changed <= 1 && unchanged == (changed == 0), "{changed} said so, unchanged: {unchanged}");
    let tokens = stage.tokens().await;
    assert_eq!(
        (tokens.len(), tokens.contains(&ann.token)),
        (1, unchanged),
        "sessions ended with the password or not at all"
    );
}

#[tokio::test]
async fn the_queue_holds_as_many_as_it_was_told() {
    let stage = with_queue(FLOOD);
    let ann = stage.caller("ann").await;
    let few = join_all((0..6).map(|_| sign_in(&stage, PASSWORD).into_future())).await;
    assert!(few.iter().all(|answer| answer.status == 200));
    assert_eq!(stage.tokens().await.len(), 7);
    assert!(stage.tokens().await.contains(&ann.token));
}
