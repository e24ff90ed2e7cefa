//! Bearer works on every endpoint that requires a session, over HTTP and in process.

use hallpass::{Bearer, endpoints, store::SessionToken};
use http::HeaderMap;

use crate::{
    routes::{WITH_SESSION, with_fields},
    support::{Caller, PASSWORD, Stage, headers, stage, stage_with, traces},
};

#[tokio::test]
async fn both_forms_of_the_token_work_on_every_endpoint_that_requires_a_session() {
    for route in WITH_SESSION {
        for sign in [false, true] {
            let stage = with_fields();
            let ann = stage.caller("ann").await;
            let token = if sign { ann.signed() } else { ann.token.clone() };
            let answer = route.call(&stage).bearer(&token).await;
            assert_eq!(answer.status, 200, "{} with a signed token: {sign}: {answer:?}", route.path);
        }
    }
}

#[tokio::test]
async fn every_endpoint_that_requires_a_session_refuses_nobody_and_clears_a_dead_token() {
    let stage = stage();
    for route in WITH_SESSION {
        let nobody = route.call(&stage).await;
        assert_eq!((nobody.code(), nobody.traces().len()), ((401, "UNAUTHORIZED".into()), 0), "{}", route.path);
        let dead = route.call(&stage).bearer("unknown").await;
        assert_eq!((dead.status, dead.traces().len()), (401, 3), "{}", route.path);
    }
}

#[tokio::test]
async fn without_the_plugin_a_bearer_token_is_nobody() {
    let stage = stage_with(|builder| builder);
    let ann = stage.caller("ann").await;
    assert!(stage.get("/get-session").by(&ann).await.is_untouched_null());
    let by_cookie = stage.get("/get-session").cookie(ann.cookie()).await;
    assert_eq!((by_cookie.json()["user"]["name"].as_str(), by_cookie.set_auth_token()), (Some("ann"), None));
}

async fn ann_in_process() -> (Stage, Caller, HeaderMap) {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let headers = headers([("authorization", format!("Bearer {}", ann.signed()))]);
    (stage, ann, headers)
}

#[tokio::test]
async fn in_process_the_headers_of_a_request_are_enough_to_know_its_caller() {
    let (stage, ann, headers) = ann_in_process().await;
    for headers in [&headers, &ann.headers()] {
        let found = stage.auth.api().get_session(headers).await.unwrap();
        let found = found.value.unwrap();
        assert_eq!(found.user.email, ann.email);
        assert_eq!(found.session.token, SessionToken::new(&*ann.token));
    }
    assert!(stage.auth.api().get_session(&HeaderMap::new()).await.unwrap().is_none());
}

#[tokio::test]
async fn in_process_bearer_works_on_every_endpoint_that_requires_a_session() {
    let (stage, ann, headers) = ann_in_process().await;
    let api = stage.auth.api();
    let (old, new) = (PASSWORD.into(), "another password".into());
    let change = endpoints::ChangePassword { new_password: new, current_password: old, revoke_other_sessions: None };
    let verify = endpoints::VerifyPassword { password: PASSWORD.into() };
    let name = endpoints::UpdateUser([("name".to_owned(), "Anna".into())].into_iter().collect());
    assert_eq!(api.list_sessions(&headers).await.unwrap().len(), 1);
    assert_eq!(api.list_accounts(&headers).await.unwrap().len(), 1);
    assert!(api.verify_password(verify, &headers).await.unwrap().status);
    assert!(api.change_password(change, &headers).await.unwrap().token.is_none());
    assert!(api.update_user(name, &headers).await.unwrap().headers.contains_key("set-auth-token"));
    assert!(api.revoke_other_sessions(&headers).await.unwrap().status);
    assert!(api.revoke_session(SessionToken::new(&*ann.token), &headers).await.unwrap().status);
    assert_eq!(api.revoke_sessions(&headers).await.unwrap_err().status(), 401, "the session is over");
}

#[tokio::test]
async fn in_process_require_signature_holds_too() {
    let stage = stage_with(|builder| builder.plugin(Bearer::new().require_signature(true)));
    let ann = stage.caller("ann").await;
    assert!(stage.auth.api().get_session(&ann.headers()).await.unwrap().is_none());
}

#[tokio::test]
async fn in_process_a_dead_token_comes_back_with_the_cookies_that_end_it() {
    let (stage, ann, headers) = ann_in_process().await;
    stage.forget(&ann.token).await;
    let answer = stage.auth.api().get_session(&headers).await.unwrap();
    assert_eq!((answer.is_none(), traces(&answer.headers).len()), (true, 3));
    let refusal = stage.auth.api().list_accounts(&headers).await.unwrap_err();
    assert_eq!((refusal.code(), traces(&refusal.headers()).len()), (Some("UNAUTHORIZED"), 3));
}
