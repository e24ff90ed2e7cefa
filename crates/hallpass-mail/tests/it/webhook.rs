use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
    routing::any,
};
use hallpass::{
    Clock, SystemClock,
    mail::{Mail, MailError, Mailer},
    store::Timestamp,
};
use hallpass_mail::WebhookMailer;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::mail_to;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

type Seen = Arc<Mutex<Vec<(Uri, HeaderMap, Bytes)>>>;

/// A web server that notes what it is sent. `/<status>` is answered with that status, and asks for a minute's patience.
async fn web_server() -> (String, Seen) {
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let app = Router::new().fallback(any(async move |uri: Uri, headers: HeaderMap, body: Bytes| {
        let status: StatusCode = uri.path().trim_start_matches('/').parse().unwrap_or(StatusCode::NO_CONTENT);
        noted.lock().unwrap().push((uri, headers, body));
        let answer = Response::builder().status(status).header("retry-after", "60").header("location", "/elsewhere");
        answer.body(axum::body::Body::empty()).unwrap()
    }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, seen)
}

async fn send(url: &str, mail: Mail) -> Result<(), MailError> {
    WebhookMailer::new(url, SECRET, SystemClock).unwrap().send(mail).await
}

#[tokio::test]
async fn a_mail_is_posted_as_json_with_a_signature_that_others_can_check() {
    let (url, seen) = web_server().await;
    let mail = mail_to("ada@example.com");
    for _ in 0..2 {
        send(&format!("{url}/mail?for=hallpass"), mail.clone()).await.unwrap();
    }
    let seen = seen.lock().unwrap();
    for (uri, headers, body) in &*seen {
        assert_eq!(uri, "/mail?for=hallpass");
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["webhook-id"], *mail.id);
        let sent: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(sent, serde_json::to_value(&mail).unwrap());
        assert_eq!(sent["token"], json!("s3cret"));
        Webhook::new(SECRET).unwrap().verify(body, headers).unwrap();
        let another = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        assert!(Webhook::new(another).unwrap().verify(body, headers).is_err());
    }
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn the_signature_is_the_one_of_the_scheme() {
    struct Then;
    impl Clock for Then {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_614_265_330_999)
        }
    }
    let (url, seen) = web_server().await;
    let mail = mail_to("ada@example.com");
    WebhookMailer::new(&url, SECRET, Then).unwrap().send(mail.clone()).await.unwrap();
    let (_, headers, body) = seen.lock().unwrap().pop().unwrap();
    assert_eq!(headers["webhook-timestamp"], "1614265330");
    let expected = Webhook::new(SECRET).unwrap().sign(&mail.id, 1_614_265_330, &body).unwrap();
    assert_eq!(headers["webhook-signature"], *expected);
}

#[tokio::test]
async fn answers_are_final_or_not_and_redirects_are_not_followed() {
    let (url, seen) = web_server().await;
    for (status, is_final) in [
        (200, None),
        (204, None),
        (301, Some(true)),
        (307, Some(true)),
        (400, Some(true)),
        (404, Some(true)),
        (410, Some(true)),
        (408, Some(false)),
        (429, Some(false)),
        (500, Some(false)),
        (503, Some(false)),
    ] {
        let answer = send(&format!("{url}/{status}"), mail_to("ada@example.com")).await;
        assert_eq!(answer.as_ref().err().map(MailError::is_permanent), is_final, "{status}: {answer:?}");
    }
    assert_eq!(seen.lock().unwrap().len(), 11);
}

#[tokio::test]
async fn a_server_that_is_away_or_silent_is_tried_again_and_passwords_in_urls_are_not_told() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://u:hunter2@{}/hunter2", silent.local_addr().unwrap());
    let mailer = WebhookMailer::new(&silent, SECRET, SystemClock).unwrap().timeout(Duration::from_millis(200));
    assert!(!format!("{mailer:?}").contains("hunter2") && !format!("{mailer:?}").contains("MfKQ"));
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = send(&format!("http://u:hunter2@{away}/hunter2"), mail_to("ada@example.com")).await;
    for error in [away.unwrap_err(), mailer.send(mail_to("ada@example.com")).await.unwrap_err()] {
        assert!(!error.is_permanent() && !format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_without_being_shown() {
    for (url, secret) in [
        ("ftp://hunter2", SECRET),
        ("hunter2", SECRET),
        ("https://h", "hunter2"),
        ("https://h", "whsec_hunter2!"),
        ("https://h", "whsec_c2hvcnQ="),
        ("https://h", ""),
    ] {
        let error = WebhookMailer::new(url, secret, SystemClock).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}
