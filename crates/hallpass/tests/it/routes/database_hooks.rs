//! Database hooks: what they see, change and call off (CONTRACT §16).

use hallpass::{
    ApiError, Bearer, Context,
    plugin::{DatabaseHooks, HookFuture, Verdict},
    store::Row,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Answer, Asked, Calls, DAY, Fault, PASSWORD, Stage, stage_with};

/// Notes every event with the number of writes committed so far, and does to it what its rules say.
#[derive(Clone, Default)]
struct Hooks {
    log: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
    rule: Option<(&'static str, Act)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Act {
    Cancel,
    Refuse,
    Rename,
}

impl Hooks {
    fn that(event: &'static str, act: Act) -> Self {
        Self { rule: Some((event, act)), ..Self::default() }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    fn meet(&self, event: &str, table: &str, row: Option<&mut Row>) -> Result<Verdict, ApiError> {
        let event = format!("{event} {table}");
        self.log.lock().unwrap().push(event.clone());
        match self.rule.filter(|(name, _)| *name == event) {
            None => Ok(Verdict::Proceed),
            Some((_, Act::Cancel)) => Ok(Verdict::Cancel),
            Some((_, Act::Refuse)) => Err(ApiError::coded(StatusCode::FORBIDDEN, "NOT_TODAY", "Not today")),
            Some((_, Act::Rename)) => {
                row.unwrap().set("name", "Renamed");
                Ok(Verdict::Proceed)
            }
        }
    }

    fn done<'a>(&self, event: &str, table: &str) -> HookFuture<'a, ()> {
        Box::pin(std::future::ready(self.meet(event, table, None).map(drop)))
    }
}

impl DatabaseHooks for Hooks {
    fn before_create<'a>(&'a self, _: &'a Context, table: &'a str, row: &'a mut Row) -> HookFuture<'a, Verdict> {
        Box::pin(std::future::ready(self.meet("before create", table, Some(row))))
    }
    fn after_create<'a>(&'a self, _: &'a Context, table: &'a str, _: &'a Row) -> HookFuture<'a, ()> {
        self.done("after create", table)
    }
    fn before_update<'a>(&'a self, _: &'a Context, table: &'a str, set: &'a mut Row) -> HookFuture<'a, Verdict> {
        Box::pin(std::future::ready(self.meet("before update", table, Some(set))))
    }
    fn after_update<'a>(&'a self, _: &'a Context, table: &'a str, _: &'a Row) -> HookFuture<'a, ()> {
        self.done("after update", table)
    }
    fn before_delete<'a>(&'a self, _: &'a Context, table: &'a str, _: &'a Row) -> HookFuture<'a, Verdict> {
        Box::pin(std::future::ready(self.meet("before delete", table, None)))
    }
    fn after_delete<'a>(&'a self, _: &'a Context, table: &'a str, _: &'a Row) -> HookFuture<'a, ()> {
        self.done("after delete", table)
    }
}

fn with(hooks: &Hooks) -> Stage {
    stage_with(|builder| builder.plugin(Bearer::new()).database_hooks(hooks.clone()))
}

async fn sign_up(stage: &Stage) -> Answer {
    stage.post("/sign-up/email").json(json!({"name": "New", "email": "new@example.com", "password": PASSWORD})).await
}

async fn counts(stage: &Stage) -> [usize; 3] {
    [stage.rows("user").await.len(), stage.rows("account").await.len(), stage.rows("session").await.len()]
}

#[tokio::test]
async fn a_sign_up_is_three_rows_in_one_write_with_all_hooks_around_it() {
    let hooks = Hooks::default();
    let stage = with(&hooks);
    assert_eq!(sign_up(&stage).await.status, 200);
    let tables = ["user", "account", "session"];
    let events = ["before", "after"].iter().flat_map(|when| tables.map(|table| format!("{when} create {table}")));
    assert_eq!(hooks.take(), events.collect::<Vec<_>>());
    assert_eq!(writes(&stage.calls), 1);
}

fn writes(calls: &Calls) -> usize {
    calls.take().iter().filter(|asked| **asked == Asked::Write).count()
}

#[tokio::test]
async fn updates_and_deletes_are_seen_row_by_row() {
    let hooks = Hooks::default();
    let stage = with(&hooks);
    let ann = stage.caller("ann").await;
    stage.session(&ann.id, "other").await;
    stage.post("/update-user").by(&ann).json(json!({"name": "Anna"})).await;
    assert_eq!(hooks.take(), ["before update user", "after update user"]);
    stage.post("/revoke-sessions").by(&ann).await;
    let (before, after) = ("before delete session", "after delete session");
    assert_eq!(hooks.take(), [before, before, after, after]);
}

#[tokio::test]
async fn a_refresh_is_an_update_and_an_expired_row_a_delete() {
    let hooks = Hooks::default();
    let stage = with(&hooks);
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    stage.get("/get-session").by(&ann).await;
    assert_eq!(hooks.take(), ["before update session", "after update session"]);
    stage.clock.advance(8 * DAY);
    stage.get("/get-session").by(&ann).await;
    assert_eq!(hooks.take(), ["before delete session", "after delete session"]);
}

#[tokio::test]
async fn a_before_hook_changes_what_is_written_and_answered() {
    let stage = with(&Hooks::that("before create user", Act::Rename));
    assert_eq!(sign_up(&stage).await.json()["user"]["name"], "Renamed");
    assert_eq!(stage.column("user", "name").await, ["Renamed".into()]);
    let stage = with(&Hooks::that("before update user", Act::Rename));
    let ann = stage.caller("ann").await;
    stage.post("/update-user").by(&ann).json(json!({"name": "Anna"})).await;
    assert_eq!(stage.column("user", "name").await, ["Renamed".into()]);
}

#[tokio::test]
async fn a_sign_up_that_is_called_off_leaves_nothing() {
    for (event, status, code) in [
        ("before create user", 400, "FAILED_TO_CREATE_USER"),
        ("before create session", 400, "FAILED_TO_CREATE_SESSION"),
    ] {
        let hooks = Hooks::that(event, Act::Cancel);
        let stage = with(&hooks);
        let answer = sign_up(&stage).await;
        assert_eq!((answer.code(), answer.cookies().len()), ((status, code.into()), 0), "{event}");
        assert_eq!(counts(&stage).await, [0; 3], "{event}");
        assert!(!hooks.take().iter().any(|event| event.starts_with("after")), "nothing was committed");
    }
}

#[tokio::test]
async fn a_sign_in_whose_session_is_called_off_is_401() {
    let stage = with(&Hooks::that("before create session", Act::Cancel));
    let ann = stage.caller("ann").await;
    let answer = stage.post("/sign-in/email").json(json!({"email": ann.email, "password": PASSWORD})).await;
    assert_eq!((answer.code(), answer.cookies().len()), ((401, "FAILED_TO_CREATE_SESSION".into()), 0));
    assert_eq!(stage.tokens().await, [ann.token]);
}

#[tokio::test]
async fn a_hook_that_refuses_answers_with_its_own_error_and_nothing_is_written() {
    for event in ["before create user", "before create account", "before create session"] {
        let stage = with(&Hooks::that(event, Act::Refuse));
        assert_eq!(sign_up(&stage).await.code(), (403, "NOT_TODAY".into()), "{event}");
        assert_eq!(counts(&stage).await, [0; 3], "{event}");
    }
}

#[tokio::test]
async fn an_update_or_delete_that_is_called_off_does_not_happen() {
    let stage = with(&Hooks::that("before update user", Act::Cancel));
    let ann = stage.caller("ann").await;
    stage.post("/update-user").by(&ann).json(json!({"name": "Anna"})).await;
    assert_eq!(stage.column("user", "name").await, ["ann".into()]);
    let stage = with(&Hooks::that("before delete session", Act::Cancel));
    let ann = stage.caller("ann").await;
    stage.post("/sign-out").by(&ann).await;
    assert_eq!(stage.tokens().await, [ann.token]);
}

#[tokio::test]
async fn a_refresh_that_is_called_off_hands_out_nothing() {
    let stage = with(&Hooks::that("before update session", Act::Cancel));
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    let answer = stage.get("/get-session").by(&ann).await;
    assert_eq!((answer.set_auth_token(), stage.tokens().await), (None, vec![ann.token]));
}

#[tokio::test]
async fn after_hooks_run_once_committed_and_not_when_the_write_failed() {
    let hooks = Hooks::default();
    let stage = with(&hooks);
    stage.faults.set(Fault::WritesAway);
    assert_eq!(sign_up(&stage).await.status, 503);
    let tables = ["user", "account", "session"];
    assert_eq!(hooks.take(), tables.map(|table| format!("before create {table}")));
}

#[tokio::test]
async fn an_after_hook_that_fails_changes_nothing() {
    let stage = with(&Hooks::that("after create user", Act::Refuse));
    let answer = sign_up(&stage).await;
    assert_eq!((answer.status, counts(&stage).await), (200, [1; 3]));
    assert_ne!(answer.json()["token"], Value::Null);
}

#[tokio::test]
async fn in_process_calls_meet_the_same_hooks() {
    let hooks = Hooks::that("before create user", Act::Cancel);
    let stage = with(&hooks);
    let input = hallpass::endpoints::SignUpEmail::new("New", "new@example.com".parse().unwrap(), PASSWORD);
    let refusal = stage.auth.api().sign_up_email(input, &http::HeaderMap::new()).await.unwrap_err();
    assert_eq!((refusal.status().as_u16(), refusal.code()), (400, Some("FAILED_TO_CREATE_USER")));
    assert_eq!(hooks.take(), ["before create user"]);
}

/// Takes its time after a user was changed, and notes when it is done.
#[derive(Clone, Default)]
struct Slow(std::sync::Arc<std::sync::atomic::AtomicBool>);

impl DatabaseHooks for Slow {
    fn after_update<'a>(&'a self, _: &'a Context, table: &'a str, _: &'a Row) -> HookFuture<'a, ()> {
        Box::pin(async move {
            if table == "user" {
                tokio::time::sleep(std::time::Duration::from_secs(5)).await;
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
            Ok(())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn what_hooks_do_after_a_write_happens_although_the_client_has_gone_away() {
    let hooks = Slow::default();
    let stage = stage_with(|builder| builder.plugin(Bearer::new()).database_hooks(hooks.clone()));
    let ann = stage.caller("ann").await;
    let update = stage.post("/update-user").by(&ann).json(json!({"name": "Anna"})).into_future();
    let gone = tokio::time::timeout(std::time::Duration::from_secs(1), update).await;
    assert!(gone.is_err(), "the request was dropped in the middle of the hook");
    assert_eq!(stage.column("user", "name").await, ["Anna".into()]);
    assert!(!hooks.0.load(std::sync::atomic::Ordering::SeqCst));
    stage.auth.finish_background_work().await;
    assert!(hooks.0.load(std::sync::atomic::Ordering::SeqCst));
}

/// A hook with a bug.
struct Broken;

impl DatabaseHooks for Broken {
    fn before_create<'a>(&'a self, _: &'a Context, _: &'a str, _: &'a mut Row) -> HookFuture<'a, Verdict> {
        Box::pin(async { panic!("a hook with a bug") })
    }
}

#[tokio::test]
async fn a_hook_that_panics_is_500_and_the_server_goes_on() {
    let stage = stage_with(|builder| builder.plugin(Bearer::new()).database_hooks(Broken));
    let answer = sign_up(&stage).await;
    assert_eq!((answer.status, answer.text(), counts(&stage).await), (500, "", [0; 3]));
    assert_eq!(stage.get("/ok").await.status, 200);
}
