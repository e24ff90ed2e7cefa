//! Interceptors of whole requests and answers (stages 3 and 12).

use bytes::Bytes;
use hallpass::{
    BuildError,
    plugin::{Intercepted, Plugin, Registrar},
};
use http::{Method, Response, StatusCode};

use super::recorder::recorded;
use crate::support::stage_with;

/// Answers requests for `/teapot` itself, sends `/alias` to `/ok`, and signs every answer.
struct Interceptor;

impl Plugin for Interceptor {
    fn id(&self) -> &'static str {
        "interceptor"
    }

    fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        registrar.on_request(Box::new(|mut parts| {
            let intercepted = match parts.uri.path() {
                "/api/auth/teapot" => {
                    let mut response = Response::new(Bytes::from_static(b"short and stout"));
                    *response.status_mut() = StatusCode::IM_A_TEAPOT;
                    Intercepted::Respond(response)
                }
                path => {
                    parts.uri = path.replace("/alias", "/ok").parse().unwrap();
                    Intercepted::Pass(parts)
                }
            };
            Box::pin(std::future::ready(intercepted))
        }));
        registrar.on_response(Box::new(|mut response| {
            response.headers_mut().insert("x-seen", "yes".parse().unwrap());
            Box::pin(std::future::ready(response))
        }));
        Ok(())
    }
}

#[tokio::test]
async fn a_request_interceptor_answers_at_once_and_nobody_else_is_asked() {
    let (stage, log) = recorded(|builder| builder.plugin(Interceptor));
    let answer = stage.get("/teapot").await;
    assert_eq!((answer.status, answer.text(), answer.header("x-seen")), (418, "short and stout", None));
    assert_eq!(log.take(), ["first request", "second request"]);
}

#[tokio::test]
async fn a_request_interceptor_changes_where_a_request_goes() {
    let stage = stage_with(|builder| builder.plugin(Interceptor));
    assert_eq!(stage.get("/alias").await.text(), r#"{"ok":true}"#);
}

#[tokio::test]
async fn a_response_interceptor_sees_every_answer_but_those_of_requests_that_were_turned_away() {
    let stage = stage_with(|builder| builder.plugin(Interceptor).disabled_paths(["/sign-out"]));
    for (method, path, status, seen) in [
        (Method::GET, "/api/auth/ok", 200, Some("yes")),
        (Method::GET, "/elsewhere", 404, Some("yes")),
        (Method::GET, "/api/auth/list-sessions", 401, Some("yes")),
        (Method::POST, "/api/auth/sign-out", 404, None),
    ] {
        let answer = stage.raw(method, path).await;
        assert_eq!((answer.status, answer.header("x-seen")), (status, seen), "{path}");
    }
}
