//! What a session, the store, the limiter and hooks make of it.

use hallpass::{
    Environment, OpenApi,
    options::{CustomRule, RateLimitOptions, RateLimitStorage, SessionOptions, Span},
    plugin::{Flow, hook},
    store::MemoryStore,
};
use http::{HeaderName, HeaderValue, Method};

use super::{CHALLENGE, IDENTITY, INVALID, VERIFY, bytes, gateway, gateway_and, is_ann, is_refused, with_ann};
use crate::support::{Caller, DAY, Fault, Faults, Stage, revoking};

#[tokio::test]
async fn a_refresh_that_is_due_happens_and_sets_no_cookie() {
    let (stage, ann) = with_ann(gateway()).await;
    stage.clock.advance(2 * DAY);
    let answer = stage.get(VERIFY).by(&ann).await;
    assert_eq!((answer.status, answer.set_auth_token()), (200, Some(&*ann.signed())));
    assert!(answer.cookies().is_empty(), "{answer:?}");
    let ends = stage.column("session", "expiresAt").await;
    assert_eq!(ends, [(stage.now() + 7 * DAY).into()]);
    assert_eq!(stage.get(VERIFY).by(&ann).await.set_auth_token(), None, "once");
}

#[tokio::test]
async fn a_refresh_that_is_left_to_a_post_does_not_happen_here() {
    let session = SessionOptions { defer_session_refresh: true, ..SessionOptions::default() };
    let (stage, ann) = with_ann(gateway_and(|builder| builder.session(session))).await;
    let before = stage.column("session", "expiresAt").await;
    stage.clock.advance(2 * DAY);
    for method in [Method::GET, Method::POST] {
        is_ann(&stage.call(method, VERIFY).by(&ann).await);
    }
    assert_eq!(stage.column("session", "expiresAt").await, before);
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once() {
    let (stage, ann) = with_ann(gateway()).await;
    is_ann(&stage.get(VERIFY).by(&ann).await);
    assert_eq!(stage.post("/sign-out").by(&ann).await.status, 200);
    is_refused(&stage.get(VERIFY).by(&ann).await, INVALID, "signed out");
}

#[tokio::test]
async fn a_store_that_is_away_is_503_and_never_401() {
    for fault in [Fault::Away, Fault::ReadsAway] {
        let (stage, ann) = with_ann(gateway()).await;
        stage.faults.set(fault);
        for token in [&*ann.token, "unknown"] {
            let answer = stage.get(VERIFY).bearer(token).await;
            assert_eq!(answer.code(), (503, "FAILED_TO_GET_SESSION".into()));
            assert_eq!((answer.header("retry-after"), answer.header("cache-control")), (Some("1"), Some("no-store")));
            assert_eq!((answer.header("www-authenticate"), answer.cookies().len()), (None, 0));
            assert_eq!(IDENTITY.map(|name| answer.header(name)), [None; 3]);
            assert!(!bytes(&answer).contains(Faults::DETAIL));
        }
        is_refused(&stage.get(VERIFY).await, CHALLENGE, "nobody needs no store");
        stage.faults.set(None);
        is_ann(&stage.get(VERIFY).by(&ann).await);
    }
    let (stage, ann) = with_ann(gateway()).await;
    stage.faults.set(Fault::Corrupt);
    assert_eq!(stage.get(VERIFY).by(&ann).await.status, 500);
    stage.faults.set(Fault::WritesAway);
    stage.clock.advance(2 * DAY);
    assert_eq!(stage.get(VERIFY).by(&ann).await.status, 503, "a refresh that fails");
}

/// How many of 300 calls from one address are let through, on changing paths below.
async fn through(stage: &Stage, ann: &Caller) -> usize {
    let mut count = 0;
    for number in 0..300 {
        let path = format!("{VERIFY}/orders/{number}/../x");
        count += usize::from(stage.get(&path).by(ann).header("x-forwarded-for", "9.9.9.9").await.status == 200);
    }
    count
}

#[tokio::test]
async fn the_limiter_does_not_count_it_unless_the_operator_says_so() {
    for storage in [RateLimitStorage::Memory, RateLimitStorage::Database] {
        let limited = |rules: &[(&str, CustomRule)]| {
            let custom_rules = rules.iter().map(|(path, rule)| ((*path).to_owned(), rule.clone())).collect();
            let options = RateLimitOptions {
                enabled: Some(true),
                storage: Some(storage),
                custom_rules,
                ..RateLimitOptions::default()
            };
            gateway_and(|builder| builder.environment(Environment::Production).rate_limit(options))
        };
        let rule = || CustomRule::Limit { window: Span::from_secs(60), max: 5 };
        for (rules, expected) in [
            (vec![], 300),
            (vec![(VERIFY, CustomRule::Switch(true))], 300),
            (vec![(VERIFY, rule())], 5),
            (vec![("/bearer/*", rule())], 5),
            (vec![("/**", rule())], 5),
            (vec![(VERIFY, CustomRule::Switch(false)), ("/**", rule())], 300),
        ] {
            let (stage, ann) = with_ann(limited(&rules)).await;
            assert_eq!(through(&stage, &ann).await, expected, "{rules:?}");
            if expected == 300 && storage == RateLimitStorage::Database {
                assert!(stage.rows("rateLimit").await.is_empty(), "nothing is counted: {rules:?}");
            }
        }
        // Others are counted as before, and unknown tokens are as free as good ones: they are told apart only afterwards.
        let (stage, _) = with_ann(limited(&[])).await;
        for count in 0..150 {
            let answer = stage.get("/get-session").header("x-forwarded-for", "9.9.9.9").await;
            assert_eq!(answer.status == 429, count >= 100, "{count}");
        }
    }
}

#[tokio::test]
async fn hooks_see_it_and_add_nothing_to_a_finished_answer() {
    let (stage, ann) = with_ann(gateway_and(|builder| {
        let noisy = HeaderName::from_static("x-noise");
        let noise = noisy.clone();
        builder
            .before(hook(move |cx| {
                cx.outgoing_mut().set_header(noise.clone(), HeaderValue::from_static("before"));
                cx.request_mut().cookies_mut().set("better-auth.session_token", "x".into());
                Box::pin(async { Ok(Flow::Continue) })
            }))
            .after(hook(move |cx| {
                cx.outgoing_mut().set_header(noisy.clone(), HeaderValue::from_static("after"));
                cx.set_returned(serde_json::json!("after"));
                Box::pin(async { Ok(()) })
            }))
    }))
    .await;
    let answer = stage.get(VERIFY).by(&ann).await;
    is_ann(&answer);
    assert_eq!(answer.header("x-noise"), None);
    is_refused(&stage.get(VERIFY).await, CHALLENGE, "with hooks");
    let (stage, ann) = with_ann(gateway_and(|builder| {
        builder.before(hook(|_| Box::pin(async { Err(hallpass::ErrorCode::NotFound.into()) })))
    }))
    .await;
    assert_eq!(stage.get("/bearer/verify/x").by(&ann).await.status, 404, "a hook may refuse");
}

#[tokio::test]
async fn the_openapi_document_leaves_it_out() {
    let stage = gateway_and(|builder| builder.plugin(OpenApi::new()));
    let document = stage.auth.open_api();
    let described = document["paths"].as_object().unwrap();
    assert!(described.contains_key("/get-session"));
    assert!(described.keys().all(|path| !path.starts_with("/bearer")), "{:?}", described.keys());
}

#[tokio::test]
async fn an_expired_session_is_refused_and_its_row_goes_as_after_any_check() {
    let (stage, ann) = with_ann(gateway()).await;
    stage.clock.advance(8 * DAY);
    is_refused(&stage.get(VERIFY).by(&ann).await, INVALID, "expired");
    assert!(stage.tokens().await.is_empty());
}

#[tokio::test]
async fn a_session_that_is_revoked_while_it_is_extended_is_refused() {
    let memory = MemoryStore::new();
    let mut stage = gateway_and(|builder| builder.store(revoking(&memory)));
    stage.store = std::sync::Arc::new(memory);
    let ann = stage.caller("ann").await;
    stage.clock.advance(2 * DAY);
    is_refused(&stage.get(VERIFY).by(&ann).await, INVALID, "revoked meanwhile");
    assert!(stage.tokens().await.is_empty(), "and not brought back");
}
