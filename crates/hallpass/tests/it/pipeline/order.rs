//! The order of CONTRACT §1.3, as a recorder sees it.

use hallpass::{
    ApiError,
    options::{RateLimitOptions, SessionOptions, Span},
    plugin::{Flow, hook},
};
use http::{Method, StatusCode};
use serde_json::json;

use super::recorder::recorded;

const ARRIVES: [&str; 2] = ["first request", "second request"];
const BEFORE: [&str; 3] = ["user before", "first before", "second before"];

/// All that is noted of a request that reaches after-hooks.
fn whole(handled: bool, error: &str, status: u16) -> Vec<String> {
    let mut stages: Vec<String> = ARRIVES.iter().chain(&BEFORE).map(|stage| (*stage).to_owned()).collect();
    stages.extend(handled.then(|| "endpoint".to_owned()));
    stages.extend(["user", "first", "second"].map(|name| format!("{name} after{error}")));
    stages.extend(leaves(status));
    stages
}

/// What is noted of a request that is turned away before any hook.
fn short(status: u16) -> Vec<String> {
    ARRIVES.iter().map(|stage| (*stage).to_owned()).chain(leaves(status)).collect()
}

fn leaves(status: u16) -> Vec<String> {
    ["first", "second"].map(|name| format!("{name} response {status}")).to_vec()
}

#[tokio::test]
async fn hooks_run_around_the_endpoint_the_users_before_the_plugins_in_registration_order() {
    let (stage, log) = recorded(|builder| builder);
    assert_eq!(stage.post("/probe").json(json!({"then": "ok"})).await.status, 200);
    assert_eq!(log.take(), whole(true, "", 200));
}

#[tokio::test]
async fn after_hooks_run_when_the_endpoint_refuses() {
    let (stage, log) = recorded(|builder| builder);
    for (then, status) in [("refuse", 418), ("message", 409), ("empty", 404), ("redirect", 302)] {
        assert_eq!(stage.post("/probe").json(json!({"then": then})).await.status, status);
        assert_eq!(log.take(), whole(true, &format!(" {status}"), status), "{then}");
    }
}

#[tokio::test]
async fn after_hooks_run_when_validation_fails() {
    let (stage, log) = recorded(|builder| builder);
    assert_eq!(stage.post("/probe").json(json!({})).await.code(), (400, "VALIDATION_ERROR".into()));
    assert_eq!(log.take(), whole(false, " 400", 400));
}

#[tokio::test]
async fn after_hooks_run_when_the_session_requirement_is_not_met() {
    let (stage, log) = recorded(|builder| builder);
    assert_eq!(stage.post("/probe/mine").json(json!({"then": "ok"})).await.code(), (401, "UNAUTHORIZED".into()));
    assert_eq!(log.take(), whole(false, " 401", 401));
}

#[tokio::test]
async fn after_hooks_run_when_the_form_check_refuses() {
    let (stage, log) = recorded(|builder| builder);
    let body = json!({"email": "a@b.co", "password": "x"});
    let answer = stage.post("/sign-in/email").header("origin", "https://evil.example").json(body).await;
    assert_eq!(answer.code(), (403, "INVALID_ORIGIN".into()));
    assert_eq!(log.take(), whole(false, " 403", 403));
}

#[tokio::test]
async fn no_hook_runs_when_the_request_is_turned_away_at_the_door() {
    let (stage, log) = recorded(|builder| builder.body_limit(10));
    let broken = stage.post("/probe").body("application/json", "{");
    let typed = stage.post("/probe").body("text/plain", "{}");
    let long = stage.post("/probe").body("application/json", "[1,2,3,4,5,6]");
    let foreign = stage.post("/probe").header("cookie", "a=1").header("origin", "https://evil.example");
    let redirect = stage.post("/probe?callbackURL=https://evil.example");
    for (call, status) in [(broken, 400), (typed, 415), (long, 413), (foreign, 403), (redirect, 403)] {
        assert_eq!(call.await.status, status);
        assert_eq!(log.take(), short(status));
    }
    assert_eq!(stage.call(Method::PUT, "/probe").await.status, 404);
    assert_eq!(log.take(), short(404), "routing comes after the request interceptors");
}

#[tokio::test]
async fn no_after_hook_runs_after_something_nobody_expected() {
    let (stage, log) = recorded(|builder| builder);
    let answer = stage.post("/probe").json(json!({"then": "burst"})).await;
    assert_eq!((answer.status, answer.text(), answer.headers.len()), (500, "", 0));
    let noted = log.take();
    assert_eq!(noted[..5], whole(true, "", 0)[..5]);
    assert_eq!(noted[5..], ["endpoint", "first response 500", "second response 500"]);
}

#[tokio::test]
async fn a_before_hook_that_refuses_ends_the_way_without_after_hooks() {
    let refuse = || {
        hook(|_| {
            let refusal = ApiError::coded(StatusCode::FORBIDDEN, "NOT_TODAY", "Not today");
            Box::pin(std::future::ready(Err(refusal)))
        })
    };
    let (stage, log) = recorded(|builder| builder.before(refuse()));
    assert_eq!(stage.post("/probe").json(json!({"then": "ok"})).await.code(), (403, "NOT_TODAY".into()));
    assert_eq!(
        log.take(),
        ["first request", "second request", "user before", "first response 403", "second response 403"]
    );
}

#[tokio::test]
async fn a_before_hook_that_answers_ends_the_way_without_after_hooks() {
    let answer = || hook(|_| Box::pin(std::future::ready(Ok(Flow::Respond(json!({"cached": true}))))));
    let (stage, log) = recorded(|builder| builder.before(answer()));
    let answer = stage.post("/probe").json(json!({"then": "ok"})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"cached": true})));
    assert_eq!(
        log.take(),
        ["first request", "second request", "user before", "first response 200", "second response 200"]
    );
}

#[tokio::test]
async fn disabled_paths_and_the_rate_limiter_come_before_every_interceptor() {
    let limited = RateLimitOptions { enabled: Some(true), max: Some(1), ..RateLimitOptions::default() };
    let (stage, log) = recorded(|builder| builder.disabled_paths(["/probe"]).rate_limit(limited));
    for _ in 0..3 {
        assert_eq!(stage.post("/probe").await.text(), "Not Found", "a disabled path is never counted");
    }
    assert_eq!(log.take(), [""; 0]);
    let statuses = [stage.get("/nowhere").await.status, stage.get("/nowhere").await.status];
    assert_eq!(statuses, [404, 429], "the limiter counts before routing");
    assert_eq!(log.take(), short(404));
}

#[tokio::test]
async fn consequences_broken_json_beats_the_origin_check() {
    let (stage, _) = recorded(|builder| builder);
    let evil = stage.post("/probe").header("cookie", "a=1").header("origin", "https://evil.example");
    assert_eq!(evil.body("application/json", "{").await.code(), (400, "BAD_REQUEST".into()));
}

#[tokio::test]
async fn consequences_the_origin_check_beats_validation_where_there_is_a_cookie() {
    let (stage, _) = recorded(|builder| builder);
    for path in ["/probe", "/sign-in/email", "/sign-up/email", "/revoke-session"] {
        let evil = stage.post(path).header("cookie", "a=1").header("origin", "https://evil.example");
        assert_eq!(evil.json(json!({})).await.code(), (403, "INVALID_ORIGIN".into()), "{path}");
    }
}

#[tokio::test]
async fn consequences_validation_beats_the_form_check_where_there_is_no_cookie() {
    let (stage, _) = recorded(|builder| builder);
    for path in ["/sign-in/email", "/sign-up/email"] {
        let evil = stage.post(path).header("origin", "https://evil.example").json(json!({})).await;
        assert_eq!(evil.code(), (400, "VALIDATION_ERROR".into()), "{path}");
    }
}

#[tokio::test]
async fn consequences_validation_beats_authentication() {
    let (stage, _) = recorded(|builder| builder);
    assert_eq!(stage.post("/revoke-session").json(json!({})).await.code(), (400, "VALIDATION_ERROR".into()));
    assert_eq!(stage.post("/update-user").json(json!({})).await.code(), (401, "UNAUTHORIZED".into()));
}

#[tokio::test]
async fn get_session_never_reads_its_body() {
    let session =
        SessionOptions { defer_session_refresh: true, expires_in: Some(Span::from_secs(60)), ..Default::default() };
    let (stage, _) = recorded(|builder| builder.session(session).body_limit(3));
    let answer = stage.post("/get-session").body("text/plain", "neither JSON nor short").await;
    assert!(answer.is_untouched_null(), "{answer:?}");
}
