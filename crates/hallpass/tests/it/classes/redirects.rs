//! Open redirects: whatever stands in a parameter that sends browsers somewhere, it is to a place that is trusted.

use std::sync::LazyLock;

use hallpass::Environment;
use hallpass_verify::component;
use proptest::prelude::*;
use serde_json::json;
use tokio::runtime::Runtime;
use url::Url;

use super::{stage_with, table::ENDPOINTS};
use crate::support::{Answer, ORIGIN, PASSWORD, Stage};

/// What leads, or might lead, elsewhere.
const ELSEWHERE: &[&str] = &[
    // Without a scheme.
    "//evil.example",
    "///evil.example",
    "////evil.example/",
    "//evil.example@localhost:3000",
    "//localhost:3000@evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "/x\\..\\..\\evil.example",
    // Encoded once, which a router or browser may undo.
    "/%2fevil.example",
    "/%2Fevil.example",
    "/%5cevil.example",
    "/%5Cevil.example",
    "%2f%2fevil.example",
    "/x/..%2f%2fevil.example",
    // What becomes two slashes once dot segments are resolved.
    "/..//evil.example",
    "/.//evil.example",
    "/x/..//evil.example",
    "/%2e//evil.example",
    "/%2e%2e//evil.example/x?y#z",
    // Control characters and blanks, which parsers drop.
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    "\0//evil.example",
    " //evil.example",
    "/x\r\nlocation: https://evil.example",
    "/x\u{7f}",
    "/\u{85}/evil.example",
    "\u{a0}https://evil.example",
    "ht\ntps://evil.example",
    // Other hosts, ports and schemes.
    "https://evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https:\\\\evil.example",
    "http://localhost:3001",
    "https://localhost:3000",
    "http://127.0.0.1:3000",
    "http://localhost:3000.evil.example",
    "http://localhost.evil.example:3000",
    "http://evil.example/localhost:3000",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.",
    "https://app.example.com.evil.example",
    "https://xapp.example.com",
    // Userinfo, query and fragment that look like a host.
    "https://app.example.com@evil.example",
    "https://app.example.com:x@evil.example",
    "https://app.example.com%40evil.example",
    "https://evil.example#https://app.example.com",
    "https://evil.example?https://app.example.com",
    "https://evil.example#@app.example.com",
    "https://evil.example\\@app.example.com",
    "https://evil.example;app.example.com",
    // What runs, or embeds.
    "javascript:alert(1)",
    "JavaScript:alert(1)//http://localhost:3000",
    "java\nscript:alert(1)",
    "javascript://localhost:3000/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "blob:http://localhost:3000/x",
    "filesystem:http://localhost:3000/x",
    "view-source:http://localhost:3000",
    "file:///etc/passwd",
    "ftp://localhost:3000",
    "ws://localhost:3000",
    "about:blank",
    "mailto:x@evil.example",
    // Names that are neither path nor URL.
    "evil.example",
    "dash",
    ".",
    "?x",
    "#x",
    ":",
    "://",
    "http://",
];

/// What is ours, as the texts that make it hard to see.
const OURS: &[&str] = &[
    "/",
    "/next",
    "/next?x=//evil.example#//evil.example",
    "/next?x=https://evil.example",
    "/next?u=%2F%2Fevil.example",
    "/a//evil.example",
    "/@evil.example",
    "/:80",
    "/next#/\u{e4}",
    "http://localhost:3000",
    "http://localhost:3000/next?x#y",
    "HTTP://LOCALHOST:3000/next",
    "http://user:pw@localhost:3000/next",
    "http://localhost:3000#@evil.example",
    "https://app.example.com/next",
    "https://app.example.com:443/next",
    "myapp://next",
];

fn trusting() -> Stage {
    stage_with(|builder| builder.trusted_origins(["https://app.example.com", "myapp://"]))
}

/// Fails unless a browser that follows this answer, from a page of ours, stays where it is trusted.
fn stays(answer: &Answer, of: &str) {
    let Some(location) = answer.headers.get("location") else { return };
    let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
    let target = Url::parse(ORIGIN).unwrap().join("/api/auth/x").unwrap().join(&location).unwrap();
    // The provider is where a sign-in begins, and as trusted as whoever configured it.
    let trusted = [ORIGIN, "https://app.example.com", "https://idp.example"];
    let trusted = trusted.contains(&target.origin().ascii_serialization().as_str());
    assert!(trusted && target.scheme() != "blob" || target.scheme() == "myapp", "{of}: to {location}");
}

/// The fields that are checked in every body, and what is said of them.
const FIELDS: [(&str, &str); 4] = [
    ("callbackURL", "INVALID_CALLBACK_URL"),
    ("redirectTo", "INVALID_REDIRECT_URL"),
    ("errorCallbackURL", "INVALID_ERROR_CALLBACK_URL"),
    ("newUserCallbackURL", "INVALID_NEW_USER_CALLBACK_URL"),
];

#[tokio::test]
async fn no_post_takes_a_url_that_leads_elsewhere_whether_it_knows_the_field_or_not() {
    let stage = trusting();
    let ann = stage.caller("ann").await;
    let before = stage.snapshot().await;
    for known in ENDPOINTS.iter().filter(|known| known.is_post()) {
        for url in ELSEWHERE {
            // This one never looks at a body, and answers nothing but sessions.
            for (field, code) in FIELDS.iter().filter(|_| known.path != "/get-session") {
                let answer = known.call_with(&stage, &[], &json!({*field: url})).by(&ann).await;
                assert_eq!(answer.code(), (403, (*code).into()), "{} {field} {url:?}", known.path);
                assert!(!answer.headers.contains_key("location"));
            }
            let query = format!("{}?callbackURL={}", known.path, component::encode(url));
            let answer = stage.post(&query).by(&ann).await;
            assert_eq!(answer.code(), (403, "INVALID_CALLBACK_URL".into()), "{query}");
        }
    }
    assert_eq!(stage.snapshot().await, before);
    assert!(stage.mail().await.is_empty(), "no mail leads elsewhere");
}

#[tokio::test]
async fn no_link_takes_a_url_that_leads_elsewhere() {
    let stage = trusting();
    let ann = stage.caller("ann").await;
    let mut links = 0;
    for known in ENDPOINTS.iter().filter(|known| !known.is_post()) {
        for parameter in known.urls() {
            links += 1;
            for url in ELSEWHERE {
                let answer = known.call_with(&stage, &[(parameter, url)], &json!({})).by(&ann).await;
                assert_eq!(answer.code(), (403, "INVALID_CALLBACK_URL".into()), "{} {url:?}", known.path);
                assert!(!answer.headers.contains_key("location"));
            }
        }
    }
    assert_eq!(links, 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_ours_is_taken_and_leads_there_after_an_error_too() {
    let stage = trusting();
    let ann = stage.caller("ann").await;
    for known in ENDPOINTS.iter().filter(|known| known.path != "/delete-user") {
        for parameter in known.urls() {
            for url in OURS {
                // Signing up and in hashes a password; their answers repeat the text as it came.
                if known.path.starts_with("/sign-") && *url != "/next?x=//evil.example#//evil.example" {
                    continue;
                }
                let answer = known.call_with(&stage, &[(parameter, url)], &json!({})).by(&ann).await;
                assert_ne!(answer.status, 403, "{} {url:?}", known.path);
                stays(&answer, known.path);
            }
        }
    }
    for mail in stage.mail().await {
        let next = mail.url.rsplit_once("callbackURL=").unwrap().1;
        assert!(next == "%2F" || OURS.iter().any(|url| component::encode(url) == next), "{}", mail.url);
    }
}

#[tokio::test(start_paused = true)]
async fn after_success_a_browser_goes_where_the_url_says_and_nowhere_else() {
    use super::tickets::Ticket;
    let stage = trusting();
    let ann = stage.caller("ann").await;
    let proof = Ticket::ProveEmail.of(&stage, &ann).await;
    let reset = Ticket::ResetPassword.of(&stage, &ann).await;
    for url in ELSEWHERE.iter().chain(OURS) {
        let encoded = component::encode(url);
        for path in [
            format!("/verify-email?token={proof}&callbackURL={encoded}"),
            format!("/reset-password/{reset}?callbackURL={encoded}"),
        ] {
            let answer = stage.get(&path).await;
            assert_eq!(answer.status == 302, OURS.contains(url), "{path}");
            stays(&answer, &path);
        }
    }
    let signed_in = stage
        .post("/sign-in/email")
        .json(json!({"email": ann.email, "password": PASSWORD, "callbackURL": OURS[2]}))
        .await;
    assert_eq!(signed_in.header("location"), Some(OURS[2]));
}

#[tokio::test]
async fn nothing_in_the_query_moves_the_error_page() {
    for (environment, url, place) in [
        (Environment::Production, None, "http://localhost:3000/?"),
        (Environment::Production, Some("/oops"), "http://localhost:3000/oops?"),
        (Environment::Development, Some("https://app.example.com/oops#x"), "https://app.example.com/oops?"),
    ] {
        let stage = stage_with(|builder| {
            let builder = builder.environment(environment);
            if let Some(url) = url { builder.error_url(url) } else { builder }
        });
        for evil in ELSEWHERE {
            let encoded = component::encode(evil);
            let query = format!("error={encoded}&error_description={encoded}&callbackURL={encoded}&errorURL={encoded}");
            let answer = stage.get(&format!("/error?{query}")).await;
            let target = Url::parse(ORIGIN).unwrap().join(answer.header("location").unwrap()).unwrap();
            assert!(answer.status == 302 && target.as_str().starts_with(place), "{evil:?}: {target}");
        }
    }
}

/// One stage for all generated requests, without a base URL, so that a host of the request's own is trusted too.
static SERVERS: LazyLock<(Runtime, [Stage; 2])> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    (runtime, [trusting(), stage_with(|builder| builder.base_url(""))])
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_leads_elsewhere(parts in prop::collection::vec(prop_oneof![
        8 => Just("/"), 4 => Just("//"), 2 => Just("\\"), 4 => Just("."), 4 => Just(".."), 2 => Just("%2f"), 1 => Just("%2e"), 1 => Just("%5c"), 1 => Just("%00"), 1 => Just("%"),
        1 => Just("@"), 1 => Just(":"), 1 => Just("?"), 1 => Just("#"), 1 => Just("\t"), 1 => Just("\n"), 1 => Just(" "), 1 => Just("\u{ff0f}"), 1 => Just("\u{3002}"), 1 => Just("\u{ad}"),
        1 => Just("http:"), 1 => Just("https:"), 1 => Just("javascript:"), 1 => Just("blob:"), 6 => Just("evil.example"), 1 => Just("localhost:3000"),
        1 => Just("app.example.com"), 1 => Just("x"),
    ], 0..8)) {
        let url = parts.concat();
        let encoded = component::encode(&url);
        let (runtime, stages) = &*SERVERS;
        for stage in stages {
            for path in ["/verify-email?token=x&callbackURL=", "/reset-password/x?callbackURL="] {
                let call = stage.get(&format!("{path}{encoded}")).header("host", "localhost:3000");
                stays(&runtime.block_on(call.into_future()), path);
            }
        }
    }
}
