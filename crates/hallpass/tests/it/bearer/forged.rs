//! A forged credential costs no store access, wherever it is sent (CONTRACT §8.1 step 4).

use hallpass::Bearer;

use crate::{
    routes::WITH_SESSION,
    support::{Asked, Call, Caller, Stage, cookie, forged, headers, stage, stage_with},
};

/// Sends a credential everywhere: 401 or `null`, nothing set, the store not asked.
async fn is_refused_without_the_store(stage: &Stage, authorization: &str, cookies: &str) {
    stage.calls.take();
    for route in WITH_SESSION {
        let answer = dress(route.call(stage), authorization, cookies).await;
        assert_eq!(answer.code(), (401, "UNAUTHORIZED".into()), "{} with {authorization:?}", route.path);
        assert!(answer.cookies().is_empty(), "{} clears nothing: {answer:?}", route.path);
    }
    assert!(dress(stage.get("/get-session"), authorization, cookies).await.is_untouched_null(), "{authorization:?}");
    assert_eq!(stage.calls.take(), [], "{authorization:?} reached the store");
}

fn dress<'a>(call: Call<'a>, authorization: &str, cookies: &str) -> Call<'a> {
    let call = call.header("authorization", authorization);
    if cookies.is_empty() { call } else { call.cookie(cookies) }
}

async fn with_ann(stage: Stage) -> (Stage, Caller) {
    let ann = stage.caller("ann").await;
    (stage, ann)
}

#[tokio::test]
async fn a_forged_signature_never_reaches_the_store() {
    let (stage, ann) = with_ann(stage()).await;
    for credential in [forged(&ann.token), format!("{}.", ann.token), format!("{}.AAAA", ann.token), "a.b".into()] {
        is_refused_without_the_store(&stage, &format!("Bearer {credential}"), "").await;
    }
}

#[tokio::test]
async fn a_forged_cookie_never_reaches_the_store() {
    let (stage, ann) = with_ann(stage()).await;
    for value in [forged(&ann.token), ann.token.clone(), format!("{}.", ann.token), ".".into(), String::new()] {
        is_refused_without_the_store(&stage, "Bearer a.b", &cookie(&value)).await;
    }
}

#[tokio::test]
async fn what_only_the_lenient_reader_takes_never_reaches_the_store() {
    let (stage, ann) = with_ann(stage()).await;
    let authorization = format!("Bearer {}.extra", ann.signed());
    is_refused_without_the_store(&stage, &authorization, &ann.cookie()).await;
}

#[tokio::test]
async fn where_signatures_are_required_a_raw_token_never_reaches_the_store() {
    let (stage, ann) = with_ann(stage_with(|builder| builder.plugin(Bearer::new().require_signature(true)))).await;
    is_refused_without_the_store(&stage, &format!("Bearer {}", ann.token), "").await;
    is_refused_without_the_store(&stage, "Bearer unknown", "").await;
}

#[tokio::test]
async fn without_a_credential_the_store_is_not_asked() {
    let stage = stage();
    is_refused_without_the_store(&stage, "Basic dXNlcjpwYXNz", "").await;
    is_refused_without_the_store(&stage, "Bearer", "theme=dark").await;
}

#[tokio::test]
async fn a_live_session_costs_one_look_up_and_nothing_else() {
    let (stage, ann) = with_ann(stage()).await;
    assert_eq!(stage.get("/get-session").by(&ann).await.status, 200);
    assert_eq!(stage.calls.take(), [Asked::Session]);
}

#[tokio::test]
async fn a_forged_token_in_process_never_reaches_the_store() {
    let (stage, ann) = with_ann(stage()).await;
    let headers = headers([("authorization", format!("Bearer {}", forged(&ann.token)))]);
    assert!(stage.auth.api().get_session(&headers).await.unwrap().is_none());
    assert_eq!(stage.auth.api().list_sessions(&headers).await.unwrap_err().code(), Some("UNAUTHORIZED"));
    assert_eq!(stage.calls.take(), []);
}
