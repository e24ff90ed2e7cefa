//! However a path is spelt, it passes neither the list of disabled paths nor the limiter by.

use hallpass::options::{AdvancedOptions, CustomRule, RateLimitOptions, Span};

use super::{stage_with, table::ENDPOINTS};
use crate::support::Stage;

/// Spellings of an endpoint's path, the base included.
fn spellings(path: &str) -> Vec<String> {
    let rest = &path[1..];
    let (head, tail) = rest.split_at(1);
    let encoded_first = format!("%{:02x}{tail}", head.as_bytes()[0]);
    let last = rest.rsplit('/').next().unwrap();
    let mut below = vec![
        format!("/{rest}/"),
        format!("/{rest}//"),
        format!("//{rest}"),
        format!("/./{rest}"),
        format!("/{rest}/."),
        format!("/{rest}/./"),
        format!("/{rest}/x/.."),
        format!("/{rest}/x/%2e%2e"),
        format!("/x/../{rest}"),
        format!("/%2e/{rest}"),
        format!("/x/%2E%2E/{rest}"),
        format!("/x/.%2e/{rest}"),
        format!("/{rest}?x=1"),
        format!("/{rest}/?x=1"),
        format!("/{rest};x"),
        format!("/{rest}%00"),
        format!("/{rest}%20"),
        format!("/{rest}%2f"),
        format!("/{rest}."),
        format!("/{}", rest.replace('/', "//")),
        format!("/{}", rest.replace('/', "/./")),
        format!("/{}", rest.replace('/', "%2f")),
        format!("/{}", rest.replace('/', "\\")),
        format!("/{}", rest.to_uppercase()),
        format!("/{encoded_first}"),
        format!("/{rest}/../{last}"),
        format!("\\{rest}"),
        format!("/{rest}\\"),
    ];
    below.sort();
    below.dedup();
    let mut all: Vec<String> = below.iter().map(|path| format!("/api/auth{path}")).collect();
    for base in
        ["//api/auth", "/api//auth", "/api/auth/../auth", "/x/../api/auth", "/API/auth", "/api/%61uth", "/./api/auth"]
    {
        all.push(format!("{base}/{rest}"));
    }
    // Another value of a parameter is another path.
    let has_parameter = last == "unknown";
    all.retain(|path| !has_parameter || path.split(['/', '?', '\\']).any(|segment| segment == last));
    all.retain(|path| path.parse::<http::Uri>().is_ok());
    all
}

/// Whether a slash at the end is overlooked or not.
fn slashes() -> [AdvancedOptions; 2] {
    [false, true].map(|skip_trailing_slashes| AdvancedOptions { skip_trailing_slashes, ..AdvancedOptions::default() })
}

async fn status(stage: &Stage, method: http::Method, path: &str) -> u16 {
    stage.raw(method, path).await.status
}

#[tokio::test]
async fn a_disabled_path_is_closed_in_every_spelling() {
    for advanced in slashes() {
        for known in ENDPOINTS {
            let path = known.example_path();
            let stage = stage_with(|builder| builder.advanced(advanced.clone()).disabled_paths([&*path]));
            assert_eq!(status(&stage, known.method(), &format!("/api/auth{path}")).await, 404, "{path}");
            for spelling in spellings(&path) {
                assert_eq!(status(&stage, known.method(), &spelling).await, 404, "{spelling}");
            }
        }
    }
}

#[tokio::test]
async fn every_spelling_that_reaches_an_endpoint_counts_as_its_path() {
    let mut reached = 0;
    for advanced in slashes() {
        for known in ENDPOINTS {
            let path = known.example_path();
            let rule = CustomRule::Limit { window: Span::from_secs(60), max: 1 };
            let rate_limit = RateLimitOptions {
                enabled: Some(true),
                max: Some(1_000_000),
                custom_rules: [(path.clone(), rule)].into_iter().collect(),
                ..RateLimitOptions::default()
            };
            let stage = stage_with(|builder| builder.advanced(advanced.clone()).rate_limit(rate_limit));
            assert_ne!(status(&stage, known.method(), &format!("/api/auth{path}")).await, 429, "{path}");
            for spelling in spellings(&path) {
                let answer = status(&stage, known.method(), &spelling).await;
                assert!(matches!(answer, 404 | 429), "{spelling}: {answer}");
                reached += usize::from(answer == 429);
            }
        }
    }
    assert!(reached > ENDPOINTS.len() * 10, "or this tests nothing: {reached}");
}

#[tokio::test]
async fn a_limit_for_many_paths_holds_in_every_spelling() {
    for known in
        ENDPOINTS.iter().filter(|known| known.path.starts_with("/sign-in") || known.path.starts_with("/sign-up"))
    {
        let rate_limit = RateLimitOptions { enabled: Some(true), ..RateLimitOptions::default() };
        let stage = stage_with(|builder| builder.rate_limit(rate_limit));
        let mut through = 0;
        for spelling in spellings(known.path) {
            through += usize::from(!matches!(status(&stage, known.method(), &spelling).await, 404 | 429));
        }
        assert!(through <= 3, "{}: {through} of the built-in three", known.path);
    }
}
