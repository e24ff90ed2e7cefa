//! What a request says of the server's own host configures nothing.

use hallpass::options::{AdvancedOptions, CrossSubDomainCookies};
use serde_json::json;

use super::{
    stage_with,
    table::{ENDPOINTS, Known},
    tickets::Ticket,
};
use crate::support::{Answer, Caller, ORIGIN, Stage};

/// What a stranger may write, all at once.
const LINES: [(&str, &str); 7] = [
    ("host", "evil.example"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-port", "8443"),
    ("x-original-host", "evil.example"),
    ("forwarded", "host=evil.example;proto=https"),
    ("x-forwarded-server", "evil.example"),
];

/// Calls an endpoint as Ann, as if it were reached somewhere else.
async fn from_elsewhere(stage: &Stage, known: &Known, ann: &Caller) -> Answer {
    LINES.iter().fold(known.call(stage).by(ann), |call, (name, value)| call.header(name, value)).await
}

fn trusting_proxies() -> AdvancedOptions {
    AdvancedOptions { trusted_proxy_headers: true, ..AdvancedOptions::default() }
}

#[tokio::test(start_paused = true)]
async fn with_a_base_url_no_answer_and_no_mail_names_another_host() {
    let shared = AdvancedOptions {
        cross_sub_domain_cookies: CrossSubDomainCookies { enabled: true, domain: None },
        ..trusting_proxies()
    };
    for advanced in [AdvancedOptions::default(), trusting_proxies(), shared] {
        let mut mails = 0;
        for known in ENDPOINTS {
            let stage = stage_with(|builder| builder.advanced(advanced.clone()));
            let ann = stage.caller("ann").await;
            let answer = from_elsewhere(&stage, known, &ann).await;
            let everything = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
            assert!(
                !everything.contains("evil.example") && !everything.contains("8443"),
                "{}: {everything}",
                known.path
            );
            assert!(answer.cookies().iter().all(|cookie| !cookie.contains("; Secure")), "{}: {everything}", known.path);
            for mail in stage.mail().await {
                assert!(mail.url.starts_with(ORIGIN), "{}: {}", known.path, mail.url);
                mails += 1;
            }
        }
        assert_eq!(mails, 5, "sign-up, change-email, delete-user, send-verification-email, request-password-reset");
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_base_url_links_go_on_where_it_says() {
    let stage = stage_with(|builder| builder.advanced(trusting_proxies()));
    let ann = stage.caller("ann").await;
    let token = Ticket::ResetPassword.of(&stage, &ann).await;
    for (path, location) in [
        (format!("/reset-password/{token}?callbackURL=/new"), format!("{ORIGIN}/new?token={token}")),
        ("/reset-password/x?callbackURL=/new".into(), format!("{ORIGIN}/new?error=INVALID_TOKEN")),
        ("/reset-password/x?callbackURL=".into(), format!("{ORIGIN}/api/auth/error?error=INVALID_TOKEN")),
    ] {
        let answer = LINES.iter().fold(stage.get(&path), |call, (name, value)| call.header(name, value)).await;
        assert_eq!(answer.header("location"), Some(&*location));
    }
}

#[tokio::test]
async fn with_a_base_url_the_requests_own_host_is_no_trusted_origin() {
    let stage = stage_with(|builder| builder.advanced(trusting_proxies()));
    for known in ENDPOINTS.iter().filter(|known| known.is_post()) {
        for origin in ["http://evil.example", "https://evil.example"] {
            let call = stage.post(known.path).header("cookie", "a=1").header("origin", origin);
            let answer = LINES.iter().fold(call, |call, (name, value)| call.header(name, value)).await;
            assert_eq!(answer.code(), (403, "INVALID_ORIGIN".into()), "{}", known.path);
        }
        // A page of ours in a sandbox is vouched for by the browser; its origin is the base URL's all the same.
        let call = stage.post(known.path).header("cookie", "a=1").header("origin", "null");
        let answer = LINES
            .iter()
            .fold(call.header("sec-fetch-site", "same-origin"), |call, (name, value)| call.header(name, value))
            .await;
        assert_eq!(answer.code().0, 403, "{}", known.path);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_base_url_each_request_stands_for_itself() {
    let stage = stage_with(|builder| builder.base_url("").advanced(trusting_proxies()));
    let ann = stage.caller("ann").await;
    let ask = async |host: &str, origin: &str| {
        let call = stage.post("/send-verification-email").by(&ann).json(json!({"email": ann.email}));
        call.header("host", host).header("cookie", "a=1").header("origin", origin).await.status
    };
    // The first host that was seen, and the last one, are nothing to the next request.
    for host in ["evil.example", "api.example.com", "evil.example"] {
        assert_eq!(ask(host, &format!("http://{host}")).await, 200);
        let mail = stage.mail().await.pop().unwrap();
        assert!(mail.url.starts_with(&format!("http://{host}/api/auth/")), "{}", mail.url);
        for other in ["evil.example", "api.example.com"].iter().filter(|other| **other != host) {
            assert_eq!(ask(host, &format!("http://{other}")).await, 403, "{host} {other}");
        }
    }
}
