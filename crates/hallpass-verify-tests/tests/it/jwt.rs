//! Tokens of the npm package's jwt plugin.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, routing};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hallpass_verify::{
    BearerToken, Guard, JwtAlgorithm, JwtBuilder, JwtSource, Reason, RemoteSource, SessionSource, Verdict,
};
use serde_json::{Value, json};

use crate::{
    auth_server::{change, get, serve, sign_out, sign_up},
    node::Node,
    table::{self, Tokens},
};

/// A token for a session, as the plugin makes it.
async fn jwt(node: &Node, session: &str) -> String {
    get(&node.base, "/token", session).await["token"].as_str().unwrap().to_owned()
}

fn plugin(settings: &Value) -> Value {
    json!({"plugins": {"jwt": settings}})
}

fn builder(node: &Node) -> JwtBuilder {
    JwtSource::builder(&node.base).leeway(Duration::ZERO)
}

async fn verdict(source: &JwtSource, token: &str) -> Verdict {
    source.verify(&BearerToken::new(token).unwrap()).await.unwrap()
}

async fn reason(source: &JwtSource, token: &str) -> Option<Reason> {
    match verdict(source, token).await {
        Verdict::Live(_) => None,
        Verdict::Invalid(reason) => Some(reason),
    }
}

/// With another character in the middle of its last part.
fn tampered(token: &str) -> String {
    let at = token.rfind('.').unwrap() + 10;
    let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &token[..at], &token[at + 1..])
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_the_npm_package() {
    let Some(mut node) = Node::start(&plugin(&json!({}))).await else { return };
    let session = sign_up(&node.base, "ann").await;
    let valid = jwt(&node, &session).await;
    // No JSON Web Token can be revoked; the nearest thing is one that was made for a purpose that is not ours.
    node.become_with(&plugin(&json!({"jwt": {"audience": "https://another.example"}}))).await;
    let revoked = jwt(&node, &session).await;
    node.become_with(&plugin(&json!({"jwt": {"expirationTime": "1s"}}))).await;
    let expired = jwt(&node, &session).await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    node.become_with(&plugin(&json!({}))).await;
    // Of another server, whose keys are not published here.
    let another = Node::start(&plugin(&json!({}))).await.unwrap();
    let elsewhere = JwtSource::builder(&another.base).leeway(Duration::ZERO).build().unwrap();
    let unknown = jwt(&another, &sign_up(&another.base, "ann").await).await;
    assert_eq!(reason(&elsewhere, &unknown).await, None);
    assert_eq!(reason(&elsewhere, &valid).await, Some(Reason::NotForUs));

    let source = builder(&node).build().unwrap();
    assert_eq!(reason(&source, &expired).await, Some(Reason::Expired));
    assert_eq!(reason(&source, &revoked).await, Some(Reason::NotForUs));
    assert_eq!(reason(&source, &tampered(&valid)).await, Some(Reason::BadSignature));
    assert_eq!(reason(&source, &session).await, Some(Reason::Malformed));
    let tokens = Tokens { forged: tampered(&valid), valid, expired, revoked, unknown };
    table::run(&source, &tokens).await;

    let Verdict::Live(caller) = verdict(&source, &tokens.valid).await else { panic!("not live") };
    let user = caller.user().unwrap();
    assert_eq!((&*user.name, &user.id), ("ann", caller.user_id()));
    assert!(
        caller.claims().unwrap().contains_key("iat") && caller.expires_at().is_some() && caller.session().is_none()
    );

    // Next to a source that knows sessions, each token finds its own.
    let either = source.clone().beside(RemoteSource::new(&node.base).unwrap());
    for token in [&tokens.valid, &session] {
        assert_eq!(table::ask(either.clone(), &[&format!("Bearer {token}")], "").await.body, "ann@example.com");
    }
    table::run(&either, &tokens).await;

    // What the documentation says of it: a token outlives its session.
    sign_out(&node.base, &session).await;
    assert_eq!(reason(&source, &tokens.valid).await, None);

    // The keys are at hand, so what they can verify is verified; what they cannot is nobody's to judge.
    let without_keys = builder(&node).build().unwrap();
    let impatient = builder(&node).cool_down(Duration::ZERO).build().unwrap();
    assert_eq!(reason(&impatient, &tokens.valid).await, None);
    node.kill().await;
    assert_eq!(reason(&impatient, &tokens.valid).await, None);
    table::is_unavailable(&without_keys, &tokens.valid, "down").await;
    let foreign = with_header(&tokens.valid, &json!({"alg": "EdDSA", "kid": "nobody-knows"}));
    table::is_unavailable(&impatient, &foreign, "down, another key").await;
}

/// The same token under another header, and so with a wrong signature.
fn with_header(token: &str, header: &Value) -> String {
    let header = base64(&header.to_string());
    format!("{header}.{}", token.split_once('.').unwrap().1)
}

fn base64(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_algorithm_of_the_plugin_that_is_supported() {
    let Some(mut node) = Node::start(&plugin(&json!({}))).await else { return };
    for (name, algorithm) in [
        ("EdDSA", JwtAlgorithm::EdDsa),
        ("ES256", JwtAlgorithm::Es256),
        ("RS256", JwtAlgorithm::Rs256),
        ("PS256", JwtAlgorithm::Ps256),
    ] {
        // A folder, and so a database and a set of keys, for each.
        node.folder = tempfile::TempDir::new().unwrap();
        node.become_with(&plugin(&json!({"jwks": {"keyPairConfig": {"alg": name}}}))).await;
        let token = jwt(&node, &sign_up(&node.base, "ann").await).await;
        assert_eq!(reason(&builder(&node).build().unwrap(), &token).await, None, "{name}");
        let only = builder(&node).algorithms([algorithm]).build().unwrap();
        assert_eq!(reason(&only, &token).await, None, "{name}");
        let others = builder(&node).algorithms([JwtAlgorithm::Es384]).build().unwrap();
        assert_eq!(reason(&others, &token).await, Some(Reason::BadSignature), "{name}");
        // The header decides nothing.
        for alg in ["none", "HS256", "None", "ES512", ""] {
            let changed = with_header(&token, &json!({"alg": alg}));
            assert_eq!(reason(&only, &changed).await, Some(Reason::BadSignature), "{name} as {alg}");
        }
        let crit = with_header(&token, &json!({"alg": name, "crit": ["x"]}));
        assert_eq!(reason(&only, &crit).await, Some(Reason::Malformed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated() {
    let Some(node) = Node::start(&plugin(&json!({}))).await else { return };
    let session = sign_up(&node.base, "ann").await;
    let first = jwt(&node, &session).await;
    let (patient, quick) = (
        builder(&node).cool_down(Duration::from_mins(1)).build().unwrap(),
        builder(&node).cool_down(Duration::ZERO).build().unwrap(),
    );
    assert_eq!((reason(&patient, &first).await, reason(&quick, &first).await), (None, None));

    // The old key goes, and the package makes a new one with the next token.
    change(&node.database(), "DELETE FROM jwks", &[]);
    let second = jwt(&node, &session).await;
    assert_eq!(reason(&quick, &second).await, None);
    assert_eq!(reason(&quick, &first).await, Some(Reason::Unknown), "the key was withdrawn");

    // Within the cool-down nobody can tell whether there is such a key by now, and so it is not said that there is none.
    let waiting = table::ask(Guard::new(patient.clone()), &[&format!("Bearer {second}")], "").await;
    let wait: u64 = waiting.retry_after.unwrap().parse().unwrap();
    assert_eq!(waiting.status, 503);
    assert!((50..=60).contains(&wait), "{wait}");
    assert_eq!(reason(&patient, &first).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_with_unknown_keys_cause_no_stampede() {
    let Some(node) = Node::start(&plugin(&json!({}))).await else { return };
    let token = jwt(&node, &sign_up(&node.base, "ann").await).await;
    let published = get(&node.base, "/jwks", "").await.to_string();
    let fetched = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&fetched);
    let jwks = routing::get(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            published
        }
    });
    let keys = serve(Router::new().route("/keys", jwks)).await;
    let source = builder(&node).jwks_url(&format!("{keys}/keys")).build().unwrap();
    let mut all = tokio::task::JoinSet::new();
    for number in 0..200 {
        let header = json!({"alg": "EdDSA", "kid": number.to_string()});
        let token = if number % 2 == 0 { token.clone() } else { with_header(&token, &header) };
        let source = source.clone();
        all.spawn(async move { (number, source.verify(&BearerToken::new(token).unwrap()).await) });
    }
    for (number, verdict) in all.join_all().await {
        let is_live = matches!(verdict, Ok(Verdict::Live(_)));
        assert_eq!(is_live, number % 2 == 0);
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_do_not_arrive() {
    // Good enough to be asked about: claims for us, in the far future.
    let claims = json!({"iss": "http://127.0.0.1", "aud": "http://127.0.0.1", "sub": "u1", "exp": 32_503_680_000_u64});
    let token = format!("{}.{}.AAAA", base64(r#"{"alg":"EdDSA","kid":"k"}"#), base64(&claims.to_string()));
    let source = |url: String| {
        let builder = JwtSource::builder("http://127.0.0.1").jwks_url(&url).timeout(Duration::from_millis(200));
        builder.build().unwrap()
    };
    table::is_unavailable(&source(format!("http://{}/", table::closed().await)), &token, "down").await;
    table::is_unavailable(&source(format!("http://{}/", table::silent().await)), &token, "slow").await;
    for odd in ["", "{", "{}", "[]", "{\"keys\":7}"] {
        let at = serve(Router::new().route("/", routing::get(async move || odd))).await;
        table::is_unavailable(&source(at), &token, odd).await;
    }
    let empty = serve(Router::new().route("/", routing::get(async || "{\"keys\":[]}"))).await;
    assert_eq!(reason(&source(empty), &token).await, Some(Reason::Unknown));
}
