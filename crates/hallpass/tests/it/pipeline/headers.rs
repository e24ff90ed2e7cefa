//! Merging of headers (CONTRACT §1.4), shapes of errors (§3) and repeated lines (§1.5).

use hallpass::{
    Bearer,
    cookie::{CookieAttributes, SetCookie},
    options::{SessionOptions, Span},
    plugin::hook,
};
use http::HeaderValue;
use serde_json::json;

use super::recorder::recorded;
use crate::support::{DAY, ORIGIN, Stage, at, cookie, stage, stage_with};

fn set(name: &'static str, value: &'static str) -> hallpass::plugin::AfterHook {
    hook(move |cx| {
        let out = cx.outgoing_mut();
        out.set_header(http::HeaderName::from_static(name), HeaderValue::from_static(value));
        out.set_cookie(SetCookie::new(name, value, CookieAttributes::default()));
        Box::pin(std::future::ready(Ok(())))
    })
}

#[tokio::test]
async fn contract_1_4_cookies_append_and_other_headers_replace() {
    let stage = stage_with(|builder| builder.after(set("x-a", "1")).after(set("x-a", "2")));
    let answer = stage.get("/ok").await;
    assert_eq!((answer.header("x-a"), answer.cookies()), (Some("2"), vec!["x-a=1", "x-a=2"]));
    assert_eq!(answer.headers.get_all("x-a").iter().count(), 1);
}

#[tokio::test]
async fn contract_1_4_headers_of_after_hooks_come_with_errors_too() {
    let (stage, _) = recorded(|builder| builder.after(set("x-a", "1")));
    let answer = stage.post("/probe").json(json!({"then": "refuse"})).await;
    assert_eq!((answer.status, answer.header("x-probe"), answer.header("x-a")), (418, Some("1"), Some("1")));
}

/// A stage on which every look-up extends the session.
fn eager() -> Stage {
    let session = SessionOptions { update_age: Some(Span::from_secs(0)), ..SessionOptions::default() };
    stage_with(|builder| builder.plugin(Bearer::new()).session(session))
}

#[tokio::test]
async fn contract_1_4_on_success_only_the_last_cookie_of_a_session_requirement_survives() {
    let stage = eager();
    let ann = stage.caller("ann").await;
    let answer = stage.get("/list-sessions").by(&ann).cookie("better-auth.session_data=copy").await;
    assert_eq!((answer.status, answer.traces()), (200, vec!["session_token".into()]));
    let own = stage.get("/get-session").by(&ann).cookie("better-auth.session_data=copy").await;
    assert_eq!(own.traces(), ["-session_data", "session_token"], "an endpoint's own look-up keeps all of them");
}

#[tokio::test]
async fn contract_1_4_on_refusal_all_cookies_of_a_session_requirement_survive() {
    let answer = eager().get("/list-sessions").bearer("unknown").cookie("better-auth.session_data=copy").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.traces(), ["-session_token", "-session_data", "-session_data", "-dont_remember"]);
}

#[tokio::test]
async fn contract_1_4_cookies_of_the_endpoint_append_to_the_survivor() {
    let stage = eager();
    let ann = stage.caller("ann").await;
    let answer = stage.post("/update-user").by(&ann).json(json!({"name": "Anna"})).await;
    assert_eq!(answer.traces(), ["session_token", "session_token"]);
}

#[tokio::test]
async fn contract_1_4_cache_headers_of_a_look_up_stay_with_get_session() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let own = stage.get("/get-session").by(&ann).await;
    assert_eq!((own.header("cache-control"), own.header("pragma")), (Some("no-store"), Some("no-cache")));
    let other = stage.get("/list-sessions").by(&ann).await;
    assert_eq!((other.header("cache-control"), other.header("pragma")), (None, None));
}

#[tokio::test]
async fn contract_3_shapes_of_answers_and_errors() {
    let (stage, _) = recorded(|builder| builder);
    for (then, status, content_type, body) in [
        ("ok", 200, Some("application/json"), r#"{"then":"ok"}"#),
        ("refuse", 418, Some("application/json"), r#"{"message":"I am a teapot","code":"TEAPOT"}"#),
        ("message", 409, Some("application/json"), r#"{"message":"No code"}"#),
        ("empty", 404, Some("application/json"), ""),
        ("redirect", 302, Some("application/json"), ""),
        ("burst", 500, None, ""),
    ] {
        let answer = stage.post("/probe").json(json!({"then": then})).await;
        assert_eq!((answer.status, answer.header("content-type"), answer.text()), (status, content_type, body));
        assert_eq!(answer.header("location"), (then == "redirect").then_some("/elsewhere"));
    }
}

#[tokio::test]
async fn contract_3_null_is_four_bytes_of_json() {
    let answer = stage().get("/get-session").await;
    assert_eq!((answer.header("content-type"), &*answer.body), (Some("application/json"), &b"null"[..]));
}

#[tokio::test]
async fn contract_3_1_objects_have_their_keys_in_order_and_dates_their_milliseconds() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = stage.get("/get-session").by(&ann).await;
    let (began, ends) = (at(std::time::Duration::ZERO), at(7 * DAY));
    let session = format!(
        r#"{{"expiresAt":"{ends}","token":"{}","createdAt":"{began}","updatedAt":"{began}","ipAddress":"","userAgent":"","userId":"ann-id","id":"ann-session"}}"#,
        ann.token
    );
    let user = format!(
        r#"{{"name":"ann","email":"ann@example.com","emailVerified":false,"image":null,"createdAt":"{began}","updatedAt":"{began}","id":"ann-id"}}"#
    );
    assert_eq!(answer.text(), format!(r#"{{"session":{session},"user":{user}}}"#));
    assert_eq!(began, "2030-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn contract_1_5_cookie_lines_are_joined() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let call = stage.get("/get-session").header("cookie", "a=1").header("cookie", ann.cookie());
    assert_eq!(call.await.json()["user"]["name"], "ann");
    let first_wins = stage.get("/get-session").header("cookie", ann.cookie()).header("cookie", cookie("x"));
    assert_eq!(first_wins.await.json()["user"]["name"], "ann");
}

#[tokio::test]
async fn contract_1_5_two_origin_lines_are_one_list_that_nobody_trusts() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let call = stage.post("/sign-out").cookie(ann.cookie()).header("origin", ORIGIN);
    assert_eq!(call.await.code(), (403, "INVALID_ORIGIN".into()));
}

#[tokio::test]
async fn contract_1_5_of_content_type_and_user_agent_the_first_line_counts() {
    let stage = stage();
    let body = json!({"name": "New", "email": "new@example.com", "password": "password123"});
    let call = stage.post("/sign-up/email").json(body).header("content-type", "text/plain");
    let answer = call.header("user-agent", "first").header("user-agent", "second").await;
    assert_eq!(answer.status, 200);
    assert_eq!(stage.column("session", "userAgent").await, ["first".into()]);
}
