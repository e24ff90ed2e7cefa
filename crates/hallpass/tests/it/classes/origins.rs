//! Trusted origins with wildcards match what they say and no more, wherever an origin or a URL is looked at (CONTRACT §9.4).

use hallpass_verify::component;
use serde_json::json;

use super::{stage_with, table::ENDPOINTS};

/// A pattern, what it trusts, and what it does not.
const PATTERNS: &[(&str, &[&str], &[&str])] = &[
    (
        "https://*.example.com",
        &["https://a.example.com", "https://a.b.example.com", "https://A.EXAMPLE.com:443"],
        &[
            "https://example.com",
            "http://a.example.com",
            "https://a.example.com:8443",
            "https://a.example.com.evil.test",
            "https://evil-example.com",
            "https://a.exampleXcom",
            "https://a.example.com@evil.test",
            "https://evil.test/.example.com",
            "https://evil.test?.example.com",
            "https://evil.test#.example.com",
            "https://evil.test\\.example.com",
            "https://evil.test:443#.example.com",
            "null",
        ],
    ),
    (
        "*.example.com",
        &["https://a.example.com", "http://a.example.com"],
        &[
            "https://example.com",
            "https://a.example.com:8443",
            "https://evil.test/a.example.com",
            "a.example.com",
            "null",
        ],
    ),
    (
        "https://app-?.example.com",
        &["https://app-1.example.com"],
        &[
            "https://app-.example.com",
            "https://app-12.example.com",
            "https://app-1.example.com.evil.test",
            "https://app-1xexample.com",
        ],
    ),
    (
        "http://localhost:*",
        &["http://localhost:1", "http://localhost:5173"],
        &["http://localhost", "http://localhost.evil.test:80", "https://localhost:1", "http://evil.test/localhost:1"],
    ),
    (
        "192.168.*.*",
        &["http://192.168.0.9", "https://192.168.1.1:8080"],
        &[
            "http://192.168.evil.test",
            "http://192.168.1.evil.test",
            "http://192.168.1.1.evil.test",
            "http://1.192.168.1.1.test",
        ],
    ),
    (
        "https://10.0.0.?",
        &["https://10.0.0.1"],
        &["https://10.0.0.12", "https://10.0.0.x", "https://10.0.0.1.evil.test", "http://10.0.0.1"],
    ),
    (
        "https://app.example.com",
        &["https://app.example.com"],
        &["https://appXexample.com", "https://a.app.example.com", "http://app.example.com"],
    ),
    ("myapp://", &["myapp://x"], &["myapps://x", "xmyapp://x", "https://myapp"]),
    (
        "exp://192.168.*.*:*",
        &["exp://192.168.1.1:8081"],
        &["exp://192.168.evil.test:8081", "exp://x@192.168.1.1:8081", "http://192.168.1.1:8081"],
    ),
];

#[tokio::test]
async fn every_post_with_a_cookie_comes_from_a_trusted_origin() {
    for (pattern, trusted, others) in PATTERNS {
        let stage = stage_with(|builder| builder.trusted_origins([*pattern]));
        for known in ENDPOINTS.iter().filter(|known| known.is_post()) {
            for (origins, is_trusted) in [(trusted, true), (others, false)] {
                for origin in *origins {
                    // Without a body validation refuses at the latest, so nothing happens.
                    let answer = stage.post(known.path).header("cookie", "a=1").header("origin", origin).await;
                    assert_eq!(answer.status == 403, !is_trusted, "{} {pattern} {origin}", known.path);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_url_leads_to_a_trusted_origin() {
    for (pattern, trusted, others) in PATTERNS {
        let stage = stage_with(|builder| builder.trusted_origins([*pattern]));
        for known in ENDPOINTS.iter().filter(|known| !known.path.starts_with("/sign-")) {
            for parameter in known.urls() {
                for (origins, is_trusted) in [(trusted, true), (others, false)] {
                    for origin in *origins {
                        let answer = known.call_with(&stage, &[(parameter, origin)], &json!({})).await;
                        assert_eq!(answer.status == 403, !is_trusted, "{} {pattern} {origin}", known.path);
                        let below = format!("{origin}/below?x#y");
                        let answer = known.call_with(&stage, &[(parameter, &below)], &json!({})).await;
                        assert!(!is_trusted || answer.status != 403, "{} {pattern} {below}", known.path);
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn no_wildcard_makes_a_null_or_missing_origin_a_trusted_one() {
    for pattern in ["*", "*://*", "null", "null*", "http*", "?ull"] {
        let stage = stage_with(|builder| builder.trusted_origins([pattern]));
        for known in ENDPOINTS.iter().filter(|known| known.is_post()) {
            for call in [
                stage.post(known.path),
                stage.post(known.path).header("origin", "null"),
                stage.post(known.path).header("origin", ""),
            ] {
                let answer = call.header("cookie", "a=1").await;
                assert_eq!(answer.code(), (403, "MISSING_OR_NULL_ORIGIN".into()), "{} {pattern}", known.path);
            }
        }
    }
}

#[tokio::test]
async fn a_pattern_for_every_host_still_trusts_no_scheme_that_runs() {
    let stage = stage_with(|builder| builder.trusted_origins(["*"]));
    for url in ["javascript:alert(1)", "data:text/html,x", "//evil.example", "/\\evil.example", "/%2fevil.example"] {
        let answer = stage.get(&format!("/verify-email?token=x&callbackURL={}", component::encode(url))).await;
        assert_eq!(answer.code(), (403, "INVALID_CALLBACK_URL".into()), "{url}");
    }
}
