//! Asking an auth server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Body, http::Response, routing::get};
use hallpass_verify::{BearerToken, RemoteSource, SessionSource, Verdict};
use serde_json::json;

use crate::{
    auth_server::{self, SECRET, Server, serve, sign_out, sign_up, tokens},
    node::Node,
    table,
};

#[tokio::test(flavor = "multi_thread")]
async fn hallpass_as_the_auth_server() {
    let server = Server::start().await;
    let tokens = tokens(&server.base, &server.database).await;
    let source = RemoteSource::new(&server.base).unwrap();
    table::run(&source, &tokens).await;

    let knowing = RemoteSource::builder(&server.base).secret(SECRET).require_signature(true).build().unwrap();
    let before = server.asked();
    for token in [&*tokens.forged, auth_server::raw(&tokens.valid)] {
        assert_eq!(table::ask(knowing.clone(), &[&format!("Bearer {token}")], "").await, table::invalid());
    }
    assert_eq!(server.asked(), before, "a forged token left the process");
    table::run(&knowing, &tokens).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_npm_package_as_the_auth_server() {
    let Some(mut node) = Node::start(&json!({})).await else { return };
    let tokens = tokens(&node.base, &node.database()).await;
    let source = RemoteSource::new(&node.base).unwrap();
    table::run(&source, &tokens).await;
    node.kill().await;
    table::is_unavailable(&source, &tokens.valid, "killed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_and_nobody_answering() {
    let closed = RemoteSource::new(&format!("http://{}/api/auth", table::closed().await)).unwrap();
    table::is_unavailable(&closed, "abc", "down").await;
    let silent = RemoteSource::builder(&format!("http://{}/api/auth", table::silent().await));
    table::is_unavailable(&silent.timeout(Duration::from_millis(200)).build().unwrap(), "abc", "slow").await;
}

/// Whatever is no answer about the token says nothing about the token, also when it is about to be cached.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_none() {
    let session = |token: &str| {
        let (begin, end) = ("2026-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z");
        json!({
            "session": {"id": "s", "userId": "u", "token": token, "expiresAt": end, "createdAt": begin, "updatedAt": begin},
            "user": {"id": "u", "name": "", "email": "ann@example.com", "emailVerified": true, "createdAt": begin, "updatedAt": begin},
        })
        .to_string()
    };
    let cases = [
        (200, session("of-another")),
        (200, "{".into()),
        (200, "{}".into()),
        (200, "[]".into()),
        (200, "\"\"".into()),
        (200, String::new()),
        (200, "<html>Sign in to the network</html>".into()),
        (200, "x".repeat(2_000_000)),
        (204, String::new()),
        (302, "null".into()),
        (400, "null".into()),
        (403, "null".into()),
        (404, "null".into()),
        (429, "null".into()),
        (500, "null".into()),
        (503, "null".into()),
    ];
    for (status, body) in cases {
        let case = format!("{status} {}", body.get(..20).unwrap_or(&body));
        let elsewhere = Arc::new(AtomicUsize::new(0));
        let visits = Arc::clone(&elsewhere);
        let answer = move || {
            let response =
                Response::builder().status(status).header("location", "/elsewhere").body(Body::from(body.clone()));
            async { response.unwrap() }
        };
        let visit = move || async move { visits.fetch_add(1, Ordering::SeqCst).to_string() };
        let app = Router::new().route("/api/auth/get-session", get(answer)).route("/elsewhere", get(visit));
        let source = RemoteSource::builder(&format!("{}/api/auth", serve(app).await));
        let source = source.positive_cache(Duration::from_mins(1), 10).negative_cache(Duration::from_mins(1), 10);
        table::is_unavailable(&source.build().unwrap(), "asked", &case).await;
        assert_eq!(elsewhere.load(Ordering::SeqCst), 0, "a redirect was followed");
    }
    // The same server with the right session, so that the cases above fail for their own reason.
    let app = Router::new().route("/api/auth/get-session", get(async move || session("asked")));
    let source = RemoteSource::new(&format!("{}/api/auth", serve(app).await)).unwrap();
    assert_eq!(table::ask(source, &["Bearer asked"], "").await.status, 200);
}

/// Neither a token nor the secret is in anything that may be printed.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_prints() {
    let garbage = Router::new().route("/get-session", get(async || "{\"tokentokentoken\": tokentokentoken}"));
    let bases = [serve(garbage).await, format!("http://{}", table::closed().await)];
    for base in bases {
        let builder = RemoteSource::builder(&base).secret("secretsecretsecret");
        let (source, token) = (RemoteSource::new(&base).unwrap(), BearerToken::new("tokentokentoken").unwrap());
        let error = source.verify(&token).await.unwrap_err();
        let mut printed = format!("{builder:?} {source:?} {token:?} {error} {error:?}");
        let mut cause: &dyn std::error::Error = &error;
        while let Some(next) = cause.source() {
            printed = format!("{printed} {next} {next:?}");
            cause = next;
        }
        assert!(!printed.contains("tokentoken") && !printed.contains("secretsecret"), "{printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_to_wait_is_heard() {
    for header in ["retry-after", "x-retry-after"] {
        let answer = async move || Response::builder().status(429).header(header, "9").body(Body::empty()).unwrap();
        let app = Router::new().route("/get-session", get(answer));
        let source = RemoteSource::new(&serve(app).await).unwrap();
        let told = table::ask(source, &["Bearer abc"], "").await;
        assert_eq!((told.status, told.retry_after.as_deref()), (503, Some("9")));
    }
}

async fn at_once(source: &RemoteSource, token: &BearerToken) -> usize {
    let barrier = Arc::new(tokio::sync::Barrier::new(1000));
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let (source, token, barrier) = (source.clone(), token.clone(), Arc::clone(&barrier));
        all.spawn(async move {
            barrier.wait().await;
            source.verify(&token).await.unwrap().live().is_some()
        });
    }
    all.join_all().await.into_iter().filter(|is_live| *is_live).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_with_one_token_make_a_handful_of_calls_and_see_a_revocation_within_the_bound() {
    let server = Server::start().await;
    let signed = sign_up(&server.base, "ann").await;
    let token = BearerToken::new(&*signed).unwrap();
    // As far as a server in another building. There is one question at a time, so the nearer it is the more there are while a thousand arrive.
    server.distance.store(25, Ordering::SeqCst);

    // Without a cache: what is answered was asked after the look-up began, so the bound is zero.
    let source = RemoteSource::new(&server.base).unwrap();
    assert_eq!(at_once(&source, &token).await, 1000);
    let calls = server.asked();
    println!("1000 look-ups without a cache: {calls} calls");
    assert!((1..=8).contains(&calls), "{calls} calls");

    // With one: again a thousand, and then for two seconds nobody has to ask.
    let bound = Duration::from_secs(2);
    let cached = RemoteSource::builder(&server.base).positive_cache(bound, 100).build().unwrap();
    let before = server.asked();
    let filled = Instant::now();
    assert_eq!(at_once(&cached, &token).await, 1000);
    let calls = server.asked() - before;
    println!("1000 look-ups with a cache: {calls} calls");
    assert_eq!(calls, 1);

    sign_out(&server.base, &signed).await;
    let revoked = Instant::now();
    assert!(source.verify(&token).await.unwrap().live().is_none(), "without a cache a revocation is seen at once");
    if filled.elapsed() < bound {
        assert!(cached.verify(&token).await.unwrap().live().is_some(), "the cache is on");
    }
    while matches!(cached.verify(&token).await.unwrap(), Verdict::Live(_)) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let seen = revoked.elapsed();
    println!("the revocation was seen after {} ms, with a bound of {} ms", seen.as_millis(), bound.as_millis());
    // The last look-up that was let through may have begun just within the bound.
    assert!(seen < bound + Duration::from_millis(100), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn worthless_tokens_are_remembered_for_as_long_as_it_was_said() {
    let server = Server::start().await;
    let lasting = Duration::from_millis(300);
    let source = RemoteSource::builder(&server.base).negative_cache(lasting, 100).build().unwrap();
    let token = BearerToken::new("abcdefghijklmnopqrstuvwxyzABCDEF").unwrap();
    for _ in 0..50 {
        assert!(source.verify(&token).await.unwrap().live().is_none());
    }
    let calls = server.asked();
    assert!(calls < 10, "{calls} calls");
    tokio::time::sleep(lasting).await;
    source.verify(&token).await.unwrap();
    assert_eq!(server.asked(), calls + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_extended_by_being_used_unless_told_otherwise() {
    let server = Server::start().await;
    let signed = sign_up(&server.base, "ann").await;
    let soon = "UPDATE session SET expiresAt = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 hour') WHERE token = ?1";
    auth_server::change(&server.database, soon, &[auth_server::raw(&signed)]);
    let token = BearerToken::new(&*signed).unwrap();
    let looking = RemoteSource::builder(&server.base).refresh(false).build().unwrap();
    let end = async |source: &RemoteSource| source.verify(&token).await.unwrap().live().unwrap().expires_at().unwrap();
    let as_it_is = end(&looking).await;
    assert_eq!(end(&looking).await, as_it_is);
    let using = RemoteSource::new(&server.base).unwrap();
    assert!(end(&using).await > as_it_is + Duration::from_hours(24));
    assert_eq!(end(&looking).await, end(&using).await);
}
