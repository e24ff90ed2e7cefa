//! `/error` (CONTRACT §11.1).

use hallpass::Environment;

use crate::support::{Stage, stage, stage_with};

fn production() -> Stage {
    stage_with(|builder| builder.environment(Environment::Production))
}

#[tokio::test]
async fn in_development_it_is_a_page_that_shows_the_code() {
    let answer = stage().get("/error?error=state_mismatch&error_description=It+went+%3Cwrong%3E").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html")));
    assert!(answer.text().contains("<code>state_mismatch</code>"), "{}", answer.text());
    assert!(answer.text().contains("It went &lt;wrong&gt;"), "{}", answer.text());
}

#[tokio::test]
async fn what_is_no_code_is_unknown() {
    let stage = stage();
    for query in ["", "?error=", "?error=%3Cscript%3E", "?error=a%20b", "?error=%C3%BC", "?error=a/b"] {
        let answer = stage.get(&format!("/error{query}")).await;
        assert!(answer.text().contains("<code>UNKNOWN</code>"), "{query}");
        assert!(!answer.text().contains("<script>"), "{query}");
    }
    assert!(stage.get("/error?error=it%27s_A-1").await.text().contains("it&#39;s_A-1"), "an apostrophe may be in one");
}

#[tokio::test]
async fn in_production_it_redirects_to_the_root_without_a_content_type() {
    let stage = production();
    for (query, location) in [
        ("", "/?error=UNKNOWN"),
        ("?error=a_b", "/?error=a_b"),
        ("?error=a&error_description=b%26c+d", "/?error=a&error_description=b%26c+d"),
        ("?error=a&error_description=", "/?error=a"),
        ("?error=%0d%0aset-cookie:a=b", "/?error=UNKNOWN"),
    ] {
        let answer = stage.get(&format!("/error{query}")).await;
        assert_eq!((answer.status, answer.text(), answer.header("content-type")), (302, "", None));
        assert_eq!(answer.header("location"), Some(location), "{query}");
    }
}

#[tokio::test]
async fn it_redirects_to_the_configured_url_in_either_environment() {
    for environment in [Environment::Development, Environment::Production] {
        for (url, location) in [
            ("https://app.example.com/oops", "https://app.example.com/oops?error=a&error_description=b"),
            (
                "https://app.example.com/oops?x=1#top",
                "https://app.example.com/oops?x=1&error=a&error_description=b#top",
            ),
            ("/oops", "/oops?error=a&error_description=b"),
        ] {
            let stage = stage_with(|builder| builder.environment(environment).error_url(url));
            let answer = stage.get("/error?error=a&error_description=b").await;
            assert_eq!((answer.status, answer.header("location")), (302, Some(location)), "{url}");
        }
    }
}
