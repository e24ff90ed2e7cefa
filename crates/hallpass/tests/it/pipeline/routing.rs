//! Routing and disabled paths (CONTRACT §§1.1, 1.2).

use hallpass::options::AdvancedOptions;
use http::Method;

use crate::support::{Stage, stage, stage_with};

/// 404 without a body and without a content type.
async fn is_nowhere(stage: &Stage, method: Method, path: &str) {
    let answer = stage.raw(method.clone(), path).await;
    assert_eq!((answer.status, answer.text(), answer.header("content-type")), (404, "", None), "{method} {path}");
    assert!(answer.headers.get("allow").is_none());
}

#[tokio::test]
async fn contract_1_2_paths_outside_the_base_are_nowhere() {
    let stage = stage();
    for path in ["/", "/ok", "/api", "/api/auth", "/api/auth/", "/api/authx/ok", "/api/au/ok", "/API/auth/ok"] {
        is_nowhere(&stage, Method::GET, path).await;
    }
}

#[tokio::test]
async fn contract_1_2_consecutive_and_trailing_slashes_are_nowhere() {
    let stage = stage();
    for path in [
        "/api/auth//ok",
        "/api/auth/ok//",
        "//api/auth/ok",
        "/api/auth///",
        "/api/auth/ok/",
        "/api/auth/sign-up//email",
    ] {
        is_nowhere(&stage, Method::GET, path).await;
    }
}

#[tokio::test]
async fn contract_1_2_a_trailing_slash_can_be_overlooked() {
    let stage = stage_with(|builder| {
        builder.advanced(AdvancedOptions { skip_trailing_slashes: true, ..AdvancedOptions::default() })
    });
    assert_eq!(stage.get("/ok/").await.status, 200);
    assert_eq!(stage.get("/ok").await.status, 200);
    is_nowhere(&stage, Method::GET, "/api/auth/ok//").await;
    is_nowhere(&stage, Method::GET, "/api/auth/").await;
}

#[tokio::test]
async fn contract_1_2_another_method_is_404_and_never_405() {
    let stage = stage();
    for method in
        [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS, Method::TRACE]
    {
        is_nowhere(&stage, method, "/api/auth/ok").await;
    }
    for path in ["/sign-in/email", "/sign-out", "/revoke-sessions", "/update-user"] {
        is_nowhere(&stage, Method::GET, &format!("/api/auth{path}")).await;
    }
    is_nowhere(&stage, "BREW".parse().unwrap(), "/api/auth/ok").await;
}

#[tokio::test]
async fn contract_1_2_letter_case_and_encoded_letters_are_nowhere() {
    let stage = stage();
    for path in ["/api/auth/OK", "/api/auth/Ok", "/api/auth/%6fk", "/api/auth/o%6B", "/api%2Fauth/ok", "/api/auth%2Fok"]
    {
        is_nowhere(&stage, Method::GET, path).await;
    }
}

#[tokio::test]
async fn contract_1_5_a_path_is_normalised_before_the_base_is_looked_for() {
    let stage = stage();
    for path in [
        "/api/auth/x/../ok",
        "/x/../api/auth/ok",
        "/api/auth/./ok",
        "/api/auth/x/%2e%2e/ok",
        "/api/auth/x/%2E./ok",
        "/../../api/auth/ok",
        "/api/auth/ok?x=/../..",
    ] {
        assert_eq!(stage.raw(Method::GET, path).await.text(), r#"{"ok":true}"#, "{path}");
    }
    is_nowhere(&stage, Method::GET, "/api/auth/ok/..").await;
}

#[tokio::test]
async fn contract_1_2_endpoints_that_are_not_there() {
    let stage = stage();
    for path in ["/set-password", "/forget-password", "/nowhere", "/sign-in", "/sign-up", "/ok/more"] {
        is_nowhere(&stage, Method::POST, &format!("/api/auth{path}")).await;
        is_nowhere(&stage, Method::GET, &format!("/api/auth{path}")).await;
    }
}

#[tokio::test]
async fn contract_1_2_disabled_paths_answer_404_with_a_body() {
    let stage = stage_with(|builder| builder.disabled_paths(["/ok", "/sign-up/email"]));
    for (method, path) in [
        (Method::GET, "/ok"),
        (Method::GET, "/ok/"),
        (Method::DELETE, "/ok"),
        (Method::GET, "/x/../ok"),
        (Method::POST, "/sign-up/email"),
        (Method::POST, "/sign-up/email///"),
    ] {
        let answer = stage.call(method, path).await;
        assert_eq!((answer.status, answer.text()), (404, "Not Found"), "{path}");
        assert_eq!(answer.header("content-type"), Some("text/plain;charset=UTF-8"), "{path}");
    }
    assert_eq!(stage.get("/error").await.status, 200, "others are not");
    is_nowhere(&stage, Method::GET, "/api/auth/OK").await;
}

#[tokio::test]
async fn contract_1_2_a_disabled_path_can_still_be_called_in_process() {
    let stage = stage_with(|builder| builder.disabled_paths(["/get-session"]));
    assert!(stage.auth.api().get_session(&http::HeaderMap::new()).await.unwrap().is_none());
}

#[tokio::test]
async fn contract_1_1_the_base_path_can_be_set_and_a_base_url_with_a_path_replaces_it() {
    for (url, path, ok) in [
        ("http://h", "/auth", "/auth/ok"),
        ("http://h", "auth/", "/auth/ok"),
        ("http://h/", "/auth", "/auth/ok"),
        ("http://h/v1/login", "/auth", "/v1/login/ok"),
        ("http://h/v1/", "/auth", "/v1/ok"),
        ("http://h", "/", "/ok"),
    ] {
        let stage = stage_with(|builder| builder.base_url(url).base_path(path));
        assert_eq!(stage.raw(Method::GET, ok).await.status, 200, "{url} and {path}");
        assert_eq!(stage.raw(Method::GET, "/api/auth/ok").await.status, 404, "{url} and {path}");
    }
}

#[test]
fn contract_1_1_a_base_url_of_another_scheme_stops_the_start() {
    for url in ["ftp://h", "h:3000", "//h", "nonsense", "javascript:alert(1)"] {
        let build = hallpass::Hallpass::builder()
            .secret(crate::support::SECRET)
            .store(hallpass::store::MemoryStore::new())
            .base_url(url)
            .build();
        assert!(build.unwrap_err().to_string().starts_with("base_url: "), "{url}");
    }
}

#[test]
fn contract_1_1_a_base_path_that_means_something_to_routes_or_pages_stops_the_start() {
    for path in ["/{name}", "/a b", "/a?b", "/<b>", "/a#b", "/ä"] {
        let builder = hallpass::Hallpass::builder().secret(crate::support::SECRET).base_path(path);
        let build = builder.store(hallpass::store::MemoryStore::new()).build();
        assert!(build.unwrap_err().to_string().starts_with("base_path: "), "{path}");
    }
}
