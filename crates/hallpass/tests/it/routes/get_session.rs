//! `/get-session` (CONTRACT §11.2). What it does to sessions is in `sessions`, to whom it belongs in `bearer`.

use hallpass::endpoints::GetSession;
use http::Method;

use crate::support::{DAY, cleared, stage, traces};

#[tokio::test]
async fn it_is_never_401_and_never_cached() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for (call, expected) in [
        (stage.get("/get-session"), None),
        (stage.get("/get-session").bearer("unknown"), None),
        (stage.get("/get-session").bearer("a.b"), None),
        (stage.get("/get-session").by(&ann), Some("ann")),
        (stage.get("/get-session").cookie(ann.cookie()), Some("ann")),
    ] {
        let answer = call.await;
        assert_eq!((answer.status, answer.json()["user"]["name"].as_str()), (200, expected));
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
    }
}

#[tokio::test]
async fn it_answers_with_session_and_user_and_nothing_else() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = stage.get("/get-session").by(&ann).await.json();
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["session", "user"]);
}

#[tokio::test]
async fn head_is_404() {
    assert_eq!(stage().call(Method::HEAD, "/get-session").await.status, 404);
}

#[tokio::test]
async fn in_process_a_refresh_comes_back_as_headers_and_can_be_switched_off() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY);
    let still = GetSession { disable_refresh: true, ..GetSession::default() };
    let as_it_is = stage.auth.api().get_session_with(still, &ann.headers()).await.unwrap();
    assert!(as_it_is.is_some() && !as_it_is.headers.contains_key("set-cookie"));
    let refreshed = stage.auth.api().get_session(&ann.headers()).await.unwrap();
    assert_eq!(refreshed.headers["set-auth-token"], *ann.signed());
    assert_eq!(traces(&refreshed.headers), ["session_token"]);
    assert_eq!(refreshed.as_ref().unwrap().session.updated_at, hallpass::Clock::now(&stage.clock));
}

#[tokio::test]
async fn in_process_a_dead_token_is_none_and_its_cookies_are_cleared() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    stage.forget(&ann.token).await;
    let found = stage.auth.api().get_session(&ann.headers()).await.unwrap();
    assert_eq!((found.is_none(), traces(&found.headers)), (true, cleared().map(Into::into).to_vec()));
}
