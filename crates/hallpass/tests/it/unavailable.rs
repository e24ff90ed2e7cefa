//! A store that does not answer, or answers nonsense, never makes anybody signed out or signed in (issue 2,
//! COMPATIBILITY D1, D2).

use serde_json::json;

use crate::{
    routes::{WITH_SESSION, WITHOUT_SESSION, with_fields},
    support::{Answer, Caller, DAY, Fault, Faults, PASSWORD, PASSWORD_HASH, Stage, cleared, stage, traces},
};

/// A stage with Ann, which then fails.
async fn failing(fault: Fault) -> (Stage, Caller) {
    let stage = with_fields();
    let ann = stage.caller("ann").await;
    stage.faults.set(fault);
    (stage, ann)
}

/// 503 with `retry-after`, this code, and nothing of the cause.
fn is_away(answer: &Answer, code: &str, of: &str) {
    assert_eq!(answer.code(), (503, code.into()), "{of}");
    assert_eq!(answer.header("retry-after"), Some("1"), "{of}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{of}");
    assert_eq!(answer.set_auth_token(), None, "{of}");
    leaks_nothing(answer, of);
}

fn leaks_nothing(answer: &Answer, of: &str) {
    let everything = format!("{:?} {}", answer.headers, answer.text());
    for secret in [Faults::DETAIL, PASSWORD_HASH, "expiresAt", "unavailable:", "corrupt"] {
        assert!(!everything.contains(secret), "{of} tells {secret:?}: {everything}");
    }
}

#[tokio::test]
async fn a_session_that_cannot_be_looked_up_is_503_on_every_endpoint_that_requires_one() {
    for fault in [Fault::Away, Fault::ReadsAway] {
        for route in WITH_SESSION {
            let (stage, ann) = failing(fault).await;
            for call in [route.call(&stage).by(&ann), route.call(&stage).cookie(ann.cookie())] {
                let answer = call.await;
                is_away(&answer, "FAILED_TO_GET_SESSION", route.path);
                assert!(answer.cookies().is_empty(), "{} ends no session", route.path);
            }
        }
    }
}

#[tokio::test]
async fn get_session_is_503_and_never_null() {
    for fault in [Fault::Away, Fault::ReadsAway] {
        let (stage, ann) = failing(fault).await;
        for call in [stage.get("/get-session").by(&ann), stage.get("/get-session").bearer("unknown")] {
            let answer = call.await;
            is_away(&answer, "FAILED_TO_GET_SESSION", "/get-session");
            assert_eq!(answer.message().1, "Failed to get session");
            assert!(answer.cookies().is_empty());
        }
    }
}

#[tokio::test]
async fn signing_up_and_in_is_503() {
    for fault in [Fault::Away, Fault::ReadsAway, Fault::WritesAway] {
        for route in WITHOUT_SESSION {
            let (stage, _) = failing(fault).await;
            let answer = route.call(&stage).await;
            is_away(&answer, "SERVICE_UNAVAILABLE", route.path);
            assert_eq!(answer.message().1, "The service is temporarily unavailable. Please try again.");
            assert!(answer.cookies().is_empty());
        }
    }
}

#[tokio::test]
async fn a_write_that_fails_is_503_and_changes_nothing() {
    for (path, body) in [
        ("/revoke-session", json!({"token": format!("{:T<32}", "other")})),
        ("/revoke-sessions", json!({})),
        ("/revoke-other-sessions", json!({})),
        ("/update-session", json!({"theme": "dark"})),
        ("/update-user", json!({"name": "Anna"})),
        ("/change-password", json!({"newPassword": "another one", "currentPassword": PASSWORD})),
        (
            "/change-password",
            json!({"newPassword": "another one", "currentPassword": PASSWORD, "revokeOtherSessions": true}),
        ),
    ] {
        let (stage, ann) = failing(Fault::WritesAway).await;
        stage.session(&ann.id, "other").await;
        let before = everything(&stage).await;
        let answer = stage.post(path).by(&ann).json(body).await;
        is_away(&answer, "SERVICE_UNAVAILABLE", path);
        assert!(answer.cookies().is_empty(), "{path}: {answer:?}");
        assert_eq!(everything(&stage).await, before, "{path}");
    }
}

async fn everything(stage: &Stage) -> String {
    format!("{:?}", [stage.rows("user").await, stage.rows("account").await, stage.rows("session").await])
}

#[tokio::test]
async fn a_read_that_fails_after_the_session_was_found_is_503() {
    for route in WITH_SESSION {
        let (stage, ann) = failing(Fault::FindsAway).await;
        let answer = route.call(&stage).by(&ann).await;
        match route.path {
            // These find nothing but the session, or nothing before they write.
            "/revoke-session" | "/revoke-sessions" | "/update-user" => assert_eq!(answer.status, 200, "{}", route.path),
            path => is_away(&answer, "SERVICE_UNAVAILABLE", path),
        }
    }
}

#[tokio::test]
async fn a_refresh_that_cannot_be_written_is_503_and_the_session_goes_on() {
    for path in ["/get-session", "/list-accounts"] {
        let (stage, ann) = failing(Fault::WritesAway).await;
        stage.clock.advance(DAY);
        let answer = stage.get(path).by(&ann).await;
        is_away(&answer, "FAILED_TO_GET_SESSION", path);
        assert!(answer.cookies().is_empty(), "{answer:?}");
        stage.faults.set(None);
        assert_eq!(stage.get(path).by(&ann).await.set_auth_token(), Some(&*ann.signed()), "{path}");
    }
}

#[tokio::test]
async fn an_expired_row_that_cannot_be_deleted_lets_nobody_in() {
    for path in ["/get-session", "/list-accounts"] {
        let (stage, ann) = failing(Fault::WritesAway).await;
        stage.clock.advance(8 * DAY);
        is_away(&stage.get(path).by(&ann).await, "FAILED_TO_GET_SESSION", path);
    }
}

#[tokio::test]
async fn sign_out_is_503_and_the_client_forgets_its_session_all_the_same() {
    for fault in [Fault::Away, Fault::WritesAway] {
        let (stage, ann) = failing(fault).await;
        let answer = stage.post("/sign-out").by(&ann).await;
        is_away(&answer, "SERVICE_UNAVAILABLE", "/sign-out");
        assert_eq!(answer.traces(), cleared());
        assert_eq!(stage.tokens().await, [ann.token], "the session may live on, and is not said to be over");
    }
}

#[tokio::test]
async fn requests_that_need_no_store_are_answered_as_ever() {
    let stage = stage();
    stage.faults.set(Fault::Away);
    for (call, status) in [
        (stage.get("/ok"), 200),
        (stage.get("/error"), 200),
        (stage.get("/get-session"), 200),
        (stage.get("/get-session").bearer("for.ged"), 200),
        (stage.post("/sign-out"), 200),
        (stage.get("/list-sessions"), 401),
        (stage.post("/update-user").json(json!({"name": "x"})), 401),
        (stage.post("/sign-in/email").json(json!({})), 400),
        (stage.post("/sign-in/email").json(json!({"email": "x", "password": "x"})), 400),
        (stage.get("/nowhere"), 404),
    ] {
        assert_eq!(call.await.status, status);
    }
    assert_eq!(stage.calls.take(), []);
}

#[tokio::test]
async fn data_that_makes_no_sense_is_500_and_tells_nothing() {
    for route in WITH_SESSION {
        let (stage, ann) = failing(Fault::Corrupt).await;
        let answer = route.call(&stage).by(&ann).await;
        assert_eq!(answer.code(), (500, "FAILED_TO_GET_SESSION".into()), "{}", route.path);
        assert_eq!((answer.header("retry-after"), answer.cookies().len()), (None, 0), "{}", route.path);
        leaks_nothing(&answer, route.path);
    }
    let (stage, ann) = failing(Fault::Corrupt).await;
    let answer = stage.get("/get-session").by(&ann).await;
    assert_eq!(answer.code(), (500, "FAILED_TO_GET_SESSION".into()));
    leaks_nothing(&answer, "/get-session");
    for route in WITHOUT_SESSION {
        let answer = route.call(&stage).await;
        assert_eq!((answer.status, answer.text(), answer.headers.len()), (500, "", 0), "{}", route.path);
    }
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_500_and_the_server_goes_on() {
    use hallpass::store::{Batch, Filter, Row};
    let stage = stage();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    let nonsense = Row::new().with("expiresAt", "soon");
    stage.write(Batch::new().update("session", Filter::eq("token", &*ann.token), nonsense)).await;
    let answer = stage.get("/get-session").by(&ann).await;
    assert_eq!(answer.code(), (500, "FAILED_TO_GET_SESSION".into()));
    assert!(!answer.text().contains("soon"));
    assert_eq!(stage.get("/get-session").by(&bob).await.json()["user"]["name"], "bob");
}

#[tokio::test]
async fn no_half_user_is_left_by_a_sign_up_that_failed_and_it_can_be_repeated() {
    let (stage, _) = failing(Fault::WritesAway).await;
    let before = everything(&stage).await;
    assert_eq!(WITHOUT_SESSION[0].call(&stage).await.status, 503);
    assert_eq!(everything(&stage).await, before);
    stage.faults.set(None);
    assert_eq!(WITHOUT_SESSION[0].call(&stage).await.status, 200);
}

#[tokio::test]
async fn in_process_a_store_that_is_away_is_an_error_with_its_cause_for_the_operator() {
    let (stage, ann) = failing(Fault::Away).await;
    let refusal = stage.auth.api().get_session(&ann.headers()).await.unwrap_err();
    assert_eq!((refusal.status().as_u16(), refusal.code()), (503, Some("FAILED_TO_GET_SESSION")));
    assert_eq!(
        (&refusal.headers()["retry-after"], traces(&refusal.headers()).len()),
        (&"1".parse::<http::HeaderValue>().unwrap(), 0)
    );
    assert_eq!(refusal.cause().unwrap().to_string(), "the store is unavailable");
    assert_eq!(refusal.to_string(), "Failed to get session");
}
