//! Reflected HTML: nothing that came in is answered as markup.

use hallpass::Environment;
use hallpass_verify::component;
use serde_json::json;

use super::{stage, stage_with, table::ENDPOINTS};

const MARKUP: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "<!--<script>-->",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "javascript:alert(1)",
    "<\0script>",
    "<scr\nipt>",
    "\u{feff}<script>",
    "+ADw-script+AD4-",
    "${alert(1)}{{7*7}}",
];

/// The parts of the page that do not come from the request.
fn is_clean(html: &str) -> bool {
    let page =
        html.replace("<meta charset", "").replace("<meta name", "").replace("<style>", "").replace("</style>", "");
    !["<script", "<img", "<svg", "<!--", "onerror=alert(1)>", "onload=alert(1)>", "<\0", "<scr\n"]
        .iter()
        .any(|it| page.contains(it))
        && html.matches('<').count() == html.matches('>').count()
}

#[tokio::test]
async fn the_error_page_shows_text_as_text() {
    let stage = stage();
    let plain = stage.get("/error?error=a&error_description=b").await;
    let tags = plain.text().matches('<').count();
    for text in MARKUP {
        let encoded = component::encode(text);
        for query in [
            format!("error={encoded}"),
            format!("error_description={encoded}"),
            format!("error={encoded}&error_description={encoded}"),
            format!("error=a&error_description={encoded}&{encoded}={encoded}"),
            format!("error=%3Cb%3E&error=x&error_description={encoded}&error_description=x"),
        ] {
            let answer = stage.get(&format!("/error?{query}")).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html")));
            assert_eq!(answer.text().matches('<').count(), tags, "{query}: {}", answer.text());
            assert!(is_clean(answer.text()), "{query}: {}", answer.text());
        }
    }
    assert!(plain.text().contains("<meta charset=\"utf-8\">"), "or UTF-7 might be sniffed");
}

#[tokio::test]
async fn the_error_redirect_carries_text_as_text() {
    let stage = stage_with(|builder| builder.environment(Environment::Production));
    for text in MARKUP {
        let encoded = component::encode(text);
        let answer = stage.get(&format!("/error?error={encoded}&error_description={encoded}")).await;
        let location = answer.header("location").unwrap();
        assert_eq!((answer.status, answer.text()), (302, ""));
        assert!(
            location.starts_with("/?error=UNKNOWN&error_description=")
                && !location.contains(['<', '>', '"', '\'', ' ']),
            "{location}"
        );
    }
}

/// The endpoints that answer with a page.
const PAGES: [&str; 2] = ["/error", "/reference"];

#[tokio::test]
async fn the_reference_is_the_same_page_whatever_it_was_sent() {
    let stage = stage();
    let plain = stage.get("/reference").await;
    for text in MARKUP {
        let encoded = component::encode(text);
        let call = stage.get(&format!("/reference?{encoded}={encoded}&error={encoded}")).header("host", "localhost");
        assert_eq!(call.header("referer", encoded).await.body, plain.body, "{text:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn everything_else_answers_json_or_nothing_whatever_it_was_sent() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for known in ENDPOINTS.iter().filter(|known| !PAGES.contains(&known.path)) {
        for text in MARKUP {
            let mut calls =
                vec![stage.call(known.method(), &format!("{}?{}=x", known.example_path(), component::encode(text)))];
            // A type of body that is not allowed is repeated in the answer.
            calls.extend(
                (known.is_post() && !text.contains(['\0', '\n'])).then(|| stage.post(known.path).body(text, "x")),
            );
            for parameter in known.parameters {
                calls.push(known.call_with(&stage, &[(parameter, text)], &json!({*text: text})));
            }
            for call in calls {
                let answer = call.by(&ann).await;
                let content_type = answer.header("content-type");
                assert!(matches!(content_type, None | Some("application/json")), "{} {text:?}: {answer:?}", known.path);
                assert!(content_type.is_some() || answer.body.is_empty(), "{} {text:?}: {answer:?}", known.path);
            }
        }
        // Ann may have signed out, or gone.
        stage
            .write(
                hallpass::store::Batch::new()
                    .delete("user", hallpass::store::Filter::All)
                    .delete("session", hallpass::store::Filter::All)
                    .delete("account", hallpass::store::Filter::All),
            )
            .await;
        stage.caller("ann").await;
    }
}
