//! The token goes where it belongs and nowhere else, byte for byte.

use hallpass_client::{AuthClient, Bearer, LinkOutcome, Method, Token};
use http::Request;
use http_body_util::Empty;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use reqwest_middleware::ClientWithMiddleware;
use tower::{Layer, ServiceExt};

use crate::wire::{Wire, redirect, reply};

const TOKEN: &str = "q7Wv0secret.c2lnbmF0dXJl";

async fn client(wire: &Wire) -> AuthClient {
    let client = AuthClient::builder(wire.url()).build().unwrap();
    client.set_token(TOKEN).await.unwrap();
    client
}

fn has_token(requests: &[String]) -> bool {
    requests.iter().any(|request| request.contains("q7Wv0secret"))
}

/// Ways to say "over there" in a `location`.
fn ways(here: &Wire, there: &Wire) -> Vec<String> {
    let (to, from) = (there.port, here.port);
    vec![
        format!("http://127.0.0.1:{to}/api/auth/ok"),
        format!("//127.0.0.1:{to}/"),
        format!("http://127.0.0.1:{from}@127.0.0.1:{to}/"),
        format!("http://localhost:{to}/"),
        format!("\\\\127.0.0.1:{to}/"),
        format!("https://127.0.0.1:{to}/"),
    ]
}

#[tokio::test]
async fn the_auth_client_follows_no_redirect() {
    let there = Wire::new([reply("200 OK", &[], r#"{"ok":true}"#)]).await;
    for status in
        ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        // Where it listens has to be known before what it says.
        let placeholder = Wire::new([reply("200 OK", &[], "")]).await;
        for way in ways(&placeholder, &there) {
            let here = Wire::new([redirect(status, &way)]).await;
            let client = client(&here).await;
            let error = client.ok().await.unwrap_err();
            assert!(error.to_string().contains("redirects to"), "{error}");
            client.sign_out().await.unwrap_err();
            assert!(matches!(client.verify_email("t").await.unwrap(), LinkOutcome::Redirect(_)));
            let answer = client.call(Method::POST, "/x").await.unwrap();
            assert_eq!(answer.redirect().unwrap().location(), way);
            assert!(has_token(&here.heard()));
        }
    }
    assert_eq!(there.heard(), [""; 0], "nobody even connected");
}

#[tokio::test]
async fn the_auth_client_cannot_be_talked_into_another_place() {
    let (here, there) = (Wire::new([reply("200 OK", &[], "{}")]).await, Wire::new([reply("200 OK", &[], "{}")]).await);
    let client = client(&here).await;
    let port = there.port;
    for path in [
        format!("//127.0.0.1:{port}/"),
        format!("@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}/"),
        format!("/\\127.0.0.1:{port}/"),
        "/../../elsewhere".into(),
    ] {
        client.call(Method::GET, path).await.unwrap_err();
    }
    client.reset_password_callback("../../../elsewhere", "/").await.unwrap_err();
    assert_eq!(there.heard(), [""; 0]);
    let heard = here.heard();
    assert_eq!(heard.len(), 1);
    assert!(heard[0].starts_with("GET /api/auth/reset-password/%2E%2E%2F"), "{heard:?}");
}

#[tokio::test]
async fn an_empty_token_or_none_sends_no_header() {
    let here = Wire::new([reply("200 OK", &[], r#"{"ok":true}"#)]).await;
    let client = client(&here).await;
    client.ok().anonymous().await.unwrap();
    client.ok().bearer("").await.unwrap();
    client.ok().bearer(" \n").await.unwrap();
    client.set_token("").await.unwrap();
    client.ok().await.unwrap();
    client.forget_token().await.unwrap();
    client.ok().await.unwrap();
    let heard = here.heard();
    assert_eq!(heard.len(), 5);
    for request in heard {
        let request = request.to_lowercase();
        assert!(!request.contains("authorization") && !request.contains("cookie") && !request.contains("origin:"));
    }
    client.ok().bearer("line\nbreak").await.unwrap_err();
    client.ok().bearer("ü").await.unwrap();
}

fn following(bearer: &Bearer) -> ClientWithMiddleware {
    reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).with(bearer.clone()).build()
}

#[tokio::test]
async fn a_redirect_to_another_origin_loses_the_token_on_the_way() {
    let there = Wire::new([reply("200 OK", &["set-auth-token: planted.x"], "")]).await;
    let placeholder = Wire::new([reply("200 OK", &[], "")]).await;
    let ways: Vec<_> = ways(&placeholder, &there).into_iter().filter(|way| !way.starts_with("https")).collect();
    let mut followed = 0;
    for way in ways {
        for status in ["302 Found", "307 Temporary Redirect"] {
            let here = Wire::new([redirect(status, &way)]).await;
            let client = client(&here).await;
            let http = following(&client.bearer_for([here.url()]).unwrap());
            assert_eq!(http.get(format!("{}/orders", here.url())).send().await.unwrap().status(), 200, "{way}");
            followed += 1;
            assert!(has_token(&here.heard()));
            assert_eq!(client.token().await.unwrap().unwrap().expose(), TOKEN, "and none comes back from there");
        }
    }
    assert_eq!(there.heard().len(), followed);
    assert!(!has_token(&there.heard()));
}

#[tokio::test]
async fn the_same_host_and_port_without_tls_is_another_origin() {
    let down = |port| {
        [redirect("307 Temporary Redirect", &format!("http://localhost:{port}/orders")), reply("200 OK", &[], "")]
    };
    let (wire, certificate) = Wire::of_both_kinds(down).await;
    let url = format!("https://localhost:{}", wire.port);
    let http = || reqwest::Client::builder().tls_certs_only([certificate.clone()]);
    let client = AuthClient::builder(&url).http(http()).build().unwrap();
    client.set_token(TOKEN).await.unwrap();
    client.ok().await.unwrap_err();
    let heard = wire.heard();
    assert!(heard.len() == 1 && has_token(&heard), "{heard:?}");

    let bearer = client.bearer_for([&url]).unwrap();
    let following = reqwest_middleware::ClientBuilder::new(http().build().unwrap()).with(bearer).build();
    assert_eq!(following.get(format!("{url}/orders")).send().await.unwrap().status(), 200);
    let heard = wire.heard();
    assert!(heard.len() == 3 && has_token(&heard[1..2]) && !has_token(&heard[2..]), "{heard:?}");
}

#[tokio::test]
async fn a_redirect_within_the_origin_keeps_the_token() {
    let here =
        Wire::new([redirect("302 Found", "/elsewhere"), reply("200 OK", &["set-auth-token: q7Wv0secret.x"], "")]).await;
    let client = client(&here).await;
    let http = following(&client.bearer_for([here.url()]).unwrap());
    http.get(format!("{}/orders", here.url())).send().await.unwrap();
    let heard = here.heard();
    assert!(heard.len() == 2 && heard.iter().all(|request| request.contains("q7Wv0secret")));
    assert_eq!(client.token().await.unwrap().unwrap().expose(), "q7Wv0secret.x");
}

#[tokio::test]
async fn an_api_cannot_put_its_caller_into_another_session() {
    let here = Wire::new([reply("200 OK", &["set-auth-token: planted.x"], "")]).await;
    let client = client(&here).await;
    following(&client.bearer_for([here.url()]).unwrap()).get(here.url()).send().await.unwrap();
    assert_eq!(client.token().await.unwrap().unwrap().expose(), TOKEN);
}

#[tokio::test]
async fn a_token_of_ones_own_is_left_alone() {
    let here = Wire::new([reply("200 OK", &["set-auth-token: q7Wv0secret.x"], "")]).await;
    let client = client(&here).await;
    let bearer = client.bearer_for([here.url()]).unwrap();
    following(&bearer).get(here.url()).bearer_auth("mine").send().await.unwrap();
    let own =
        Request::get(here.url()).header("authorization", "Basic bWluZQ==").body(Empty::<bytes::Bytes>::new()).unwrap();
    bearer.layer(Client::builder(TokioExecutor::new()).build_http()).oneshot(own).await.unwrap();
    assert!(here.heard().len() == 2 && !has_token(&here.heard()));
    assert_eq!(client.token().await.unwrap().unwrap().expose(), TOKEN);
}

#[tokio::test]
async fn only_listed_origins_see_the_token() {
    let here = Wire::new([reply("200 OK", &["set-auth-token: q7Wv0secret.x"], "")]).await;
    let there = Wire::new([reply("200 OK", &["set-auth-token: planted.x"], "")]).await;
    let client = client(&there).await;
    let bearer = client.bearer_for([here.url()]).unwrap();
    let http = bearer.layer(Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>());
    let asked = [
        format!("http://127.0.0.1:{}/", there.port),
        format!("http://127.0.0.1:{}@127.0.0.1:{}/", here.port, there.port),
        format!("http://localhost:{}/", there.port),
        format!("http://LOCALHOST:{}/", here.port),
        format!("http://127.0.0.1:{}/?{}", there.port, here.url()),
    ];
    for url in &asked {
        let request = Request::get(url).body(Empty::new()).unwrap();
        http.clone().oneshot(request).await.unwrap();
        following(&bearer).get(url).send().await.unwrap();
    }
    assert_eq!((there.heard().len(), here.heard().len()), (8, 2));
    assert!(!has_token(&there.heard()) && !has_token(&here.heard()));
    assert_eq!(client.token().await.unwrap().unwrap(), Token::from(TOKEN));

    let request = Request::get(here.url()).body(Empty::new()).unwrap();
    http.oneshot(request).await.unwrap();
    assert!(has_token(&here.heard()));
    assert_eq!(client.token().await.unwrap().unwrap(), Token::from("q7Wv0secret.x"));
}

#[tokio::test]
async fn what_is_no_origin_or_can_be_listened_to_is_not_listed() {
    let client = AuthClient::builder("https://a.example").build().unwrap();
    for wrong in [
        "https://a.example/path",
        "a.example",
        "http://a.example",
        "https://u@a.example",
        "https://a.example?x",
        "null",
    ] {
        client.bearer_for([wrong]).unwrap_err();
    }
    let bearer = client.bearer_for(["https://a.example", "https://b.example:8443"]).unwrap();
    client.set_token(TOKEN).await.unwrap();
    for (url, sees) in [
        ("https://a.example/x", true),
        ("https://A.example:443/", true),
        ("http://a.example/", false),
        ("https://a.example:8443/", false),
        ("https://b.example:8443/", true),
        ("http://b.example:8443/", false),
        ("https://a.example@evil.example/", false),
        ("https://a.example.evil.example/", false),
        ("//a.example/", false),
        ("/x", false),
        ("", false),
    ] {
        assert_eq!(bearer.authorization(url).await.unwrap().is_some(), sees, "{url}");
    }
}
