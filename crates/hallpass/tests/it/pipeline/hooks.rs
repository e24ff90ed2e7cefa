//! What hooks may see and change (CONTRACT §16).

use hallpass::{
    ApiError, Bearer,
    plugin::{Flow, hook, paths},
};
use http::StatusCode;
use serde_json::json;

use super::recorder::{Log, Recorder, recorded};
use crate::support::{stage, stage_with};

#[tokio::test]
async fn a_before_hook_changes_what_the_endpoint_sees_of_body_and_cookies() {
    let ann_alone = stage();
    let ann = ann_alone.caller("ann").await;
    let signed = ann.signed();
    let stage = stage_with(|builder| {
        builder.before(hook(move |cx| {
            let request = cx.request_mut();
            request.set_body(json!({"name": "Changed"}));
            request.cookies_mut().set("better-auth.session_token", signed.clone());
            Box::pin(std::future::ready(Ok(Flow::Continue)))
        }))
    });
    stage.caller("ann").await;
    assert_eq!(stage.post("/update-user").json(json!({"name": 7})).await.status, 200);
    assert_eq!(stage.column("user", "name").await, ["Changed".into()]);
}

#[tokio::test]
async fn headers_a_hook_changes_are_changed_for_the_endpoint_and_not_for_the_original() {
    let log = Log::default();
    let stage = stage_with(|builder| {
        let note = log.clone();
        builder
            .before(hook(|cx| {
                cx.request_mut().headers_mut().insert("user-agent", "changed".parse().unwrap());
                Box::pin(std::future::ready(Ok(Flow::Continue)))
            }))
            .before(hook(move |cx| {
                let original = cx.request().original_headers()["user-agent"].to_str().unwrap().to_owned();
                note.note(format!("{original} {}", cx.request().header("user-agent").unwrap()));
                Box::pin(std::future::ready(Ok(Flow::Continue)))
            }))
    });
    assert_eq!(stage.get("/ok").header("user-agent", "sent").await.status, 200);
    assert_eq!(log.take(), ["sent changed"]);
}

#[tokio::test]
async fn a_hook_that_hides_the_origin_does_not_hide_it_from_the_form_check() {
    let stage = stage_with(|builder| {
        builder.before(hook(|cx| {
            cx.request_mut().headers_mut().remove("origin");
            Box::pin(std::future::ready(Ok(Flow::Continue)))
        }))
    });
    let body = json!({"email": "a@b.co", "password": "x"});
    let answer = stage.post("/sign-in/email").header("origin", "https://evil.example").json(body).await;
    assert_eq!(answer.code(), (403, "INVALID_ORIGIN".into()));
}

#[tokio::test]
async fn an_after_hook_replaces_the_answer_and_the_next_one_sees_that() {
    let log = Log::default();
    let stage = stage_with(|builder| {
        let note = log.clone();
        builder
            .after(hook(|cx| {
                assert_eq!(cx.returned(), Some(json!({"ok": true})));
                cx.set_returned(json!({"ok": "replaced"}));
                Box::pin(std::future::ready(Ok(())))
            }))
            .after(hook(move |cx| {
                note.note(cx.returned().unwrap().to_string());
                Box::pin(std::future::ready(Ok(())))
            }))
    });
    assert_eq!(stage.get("/ok").await.json(), json!({"ok": "replaced"}));
    assert_eq!(log.take(), [r#"{"ok":"replaced"}"#]);
}

#[tokio::test]
async fn an_after_hook_that_refuses_replaces_the_answer_and_cookies_stay() {
    let stage = stage_with(|builder| {
        builder.plugin(Bearer::new()).after(hook(|_| {
            let refusal = ApiError::coded(StatusCode::PAYMENT_REQUIRED, "PAY", "Pay first");
            Box::pin(std::future::ready(Err(refusal)))
        }))
    });
    let ann = stage.caller("ann").await;
    let answer = stage.post("/update-user").by(&ann).json(json!({"name": "Anna"})).await;
    assert_eq!((answer.code(), answer.traces()), ((402, "PAY".into()), vec!["session_token".into()]));
}

#[tokio::test]
async fn an_after_hook_turns_an_error_into_an_answer() {
    let stage = stage_with(|builder| {
        builder.after(hook(|cx| {
            if cx.error().is_some_and(|error| error.status() == StatusCode::UNAUTHORIZED) {
                cx.set_returned(json!({"guest": true}));
            }
            Box::pin(std::future::ready(Ok(())))
        }))
    });
    let answer = stage.get("/list-sessions").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"guest": true})));
}

#[tokio::test]
async fn an_after_hook_knows_the_session_that_was_just_set_and_the_one_that_was_found() {
    let log = Log::default();
    let note = log.clone();
    let stage = stage_with(|builder| {
        builder.plugin(Bearer::new()).after(hook(move |cx| {
            let name = |found: Option<&hallpass::SessionAndUser>| found.map_or("-".into(), |it| it.user.name.clone());
            note.note(format!("{} {}", name(cx.session()), name(cx.new_session())));
            Box::pin(std::future::ready(Ok(())))
        }))
    });
    let ann = stage.caller("ann").await;
    stage.get("/ok").by(&ann).await;
    stage.get("/list-sessions").by(&ann).await;
    stage.get("/get-session").by(&ann).await;
    stage.post("/update-user").by(&ann).json(json!({"name": "Anna"})).await;
    let body = json!({"name": "New", "email": "new@example.com", "password": "password123"});
    stage.post("/sign-up/email").json(body).await;
    assert_eq!(log.take(), ["- -", "ann -", "ann -", "ann Anna", "- New"]);
}

#[tokio::test]
async fn a_hook_with_a_matcher_runs_on_its_paths_alone() {
    struct OkAlone(Log);
    impl hallpass::plugin::Plugin for OkAlone {
        fn id(&self) -> &'static str {
            "ok-alone"
        }
        fn build(&self, registrar: &mut hallpass::plugin::Registrar) -> Result<(), hallpass::BuildError> {
            registrar.before(paths(["/ok"]), self.0.before("ok"));
            registrar.after(paths(["/ok"]), self.0.after("ok"));
            Ok(())
        }
    }
    let log = Log::default();
    let stage = stage_with(|builder| builder.plugin(OkAlone(log.clone())));
    stage.get("/list-sessions").await;
    assert_eq!(log.take(), [""; 0]);
    stage.get("/ok").await;
    assert_eq!(log.take(), ["ok before", "ok after"]);
}

#[tokio::test]
async fn in_process_calls_enter_at_the_before_hooks_and_leave_after_the_after_hooks() {
    let (stage, log) = recorded(|builder| builder);
    let ann = stage.caller("ann").await;
    stage.auth.api().list_sessions(&ann.headers()).await.unwrap();
    let after = ["user after", "first after", "second after"];
    assert_eq!(log.take(), [["user before", "first before", "second before"], after].concat());
    stage.auth.api().list_sessions(&http::HeaderMap::new()).await.unwrap_err();
    assert_eq!(log.take()[3..], ["user after 401", "first after 401", "second after 401"]);
}

#[tokio::test]
async fn an_in_process_call_whose_answer_a_hook_replaced_is_an_error_and_not_a_wrong_value() {
    let stage = stage_with(|builder| {
        builder.plugin(Bearer::new()).after(hook(|cx| {
            cx.set_returned(json!([]));
            Box::pin(std::future::ready(Ok(())))
        }))
    });
    let ann = stage.caller("ann").await;
    let refusal = stage.auth.api().list_sessions(&ann.headers()).await.unwrap_err();
    assert_eq!((refusal.status().as_u16(), refusal.code()), (500, None));
}

#[test]
fn a_plugin_that_is_added_twice_is_refused() {
    let log = Log::default();
    let build = hallpass::Hallpass::builder()
        .secret(crate::support::SECRET)
        .store(hallpass::store::MemoryStore::new())
        .plugin(Recorder("twin", log.clone()))
        .plugin(Recorder("twin", log))
        .build();
    assert_eq!(build.unwrap_err().to_string(), "the plugin `twin` is added twice");
}
