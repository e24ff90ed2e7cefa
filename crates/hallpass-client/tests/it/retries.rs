//! What is tried again, counted by whoever is asked.

use std::time::{Duration, Instant};

use hallpass_client::{AuthClient, Method, StatusCode};
use tokio::net::TcpListener;

use crate::wire::{Reply, Wire, reply};

fn client(url: &str) -> AuthClient {
    AuthClient::builder(url).timeout(Duration::from_secs(2)).build().unwrap()
}

fn busy(headers: &[&str]) -> Reply {
    reply("503 Service Unavailable", headers, "")
}

fn ok() -> Reply {
    reply("200 OK", &[], r#"{"ok":true}"#)
}

#[tokio::test]
async fn what_changes_nothing_is_tried_again_when_the_server_is_busy() {
    let wire = Wire::new([busy(&[]), busy(&["retry-after: 0"]), ok()]).await;
    assert!(client(&wire.url()).ok().await.unwrap().ok);
    assert_eq!(wire.heard().len(), 3);

    let wire = Wire::new([busy(&[])]).await;
    let error = client(&wire.url()).list_sessions().await.unwrap_err();
    assert_eq!((error.status(), wire.heard().len()), (Some(StatusCode::SERVICE_UNAVAILABLE), 3));
    assert!(error.is_unavailable() && !error.is_unauthorized());

    let wire = Wire::new([busy(&[])]).await;
    AuthClient::builder(wire.url()).retries(0).build().unwrap().ok().await.unwrap_err();
    assert_eq!(wire.heard().len(), 1);
}

#[tokio::test]
async fn the_server_says_how_long_to_wait_within_reason() {
    let wire = Wire::new([busy(&["retry-after: 1"]), ok()]).await;
    let begun = Instant::now();
    client(&wire.url()).ok().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let wire = Wire::new([busy(&["retry-after: 3600"]), ok()]).await;
    let error = client(&wire.url()).ok().await.unwrap_err();
    assert_eq!((error.retry_after(), wire.heard().len()), (Some(Duration::from_hours(1)), 1));
}

#[tokio::test]
async fn what_does_something_is_not_tried_again() {
    for again in [busy(&["retry-after: 0"]), Reply::Nothing] {
        let wire = Wire::new([again.clone()]).await;
        let client = client(&wire.url());
        client.sign_in().email("ada@example.com", "pass").await.unwrap_err();
        client.sign_out().await.unwrap_err();
        client.verify_email("token").await.unwrap_err();
        client.delete_user_callback("token").await.unwrap_err();
        client.call(Method::DELETE, "/notes").await.unwrap_err();
        client.update_user().name("Ada").await.unwrap_err();
        assert_eq!(wire.heard().len(), 6, "{again:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again_for_what_changes_nothing() {
    let wire =
        Wire::new([Reply::Nothing, Reply::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".into()), ok()]).await;
    assert!(client(&wire.url()).ok().await.unwrap().ok);
    assert_eq!(wire.heard().len(), 3);
}

#[tokio::test]
async fn what_was_never_sent_is_tried_again_whatever_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = AuthClient::builder(format!("http://{address}")).retries(6).build().unwrap();
    let signing_out = tokio::spawn(async move { client.sign_out().await });
    tokio::time::sleep(Duration::from_millis(250)).await;
    let wire = Wire::on(TcpListener::bind(address).await.unwrap(), [reply("200 OK", &[], r#"{"success":true}"#)]);
    assert!(signing_out.await.unwrap().unwrap().success);
    assert_eq!(wire.heard().len(), 1);

    drop(wire);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let error = AuthClient::builder(format!("http://{address}")).build().unwrap().ok().await.unwrap_err();
    assert!(error.is_connect() && error.is_unavailable() && !error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn nobody_is_kept_waiting_twice() {
    let wire = Wire::new([Reply::Silence]).await;
    let error = client(&wire.url()).ok().timeout(Duration::from_millis(300)).await.unwrap_err();
    assert!(error.is_timeout() && error.is_unavailable() && !error.is_connect(), "{error:?}");
    assert_eq!(wire.heard().len(), 1);
}

#[tokio::test]
async fn what_is_no_auth_server_is_told_so() {
    for strange in [reply("200 OK", &[], "<html>"), reply("200 OK", &[], r#"{"hello":"there"}"#)] {
        let wire = Wire::new([strange]).await;
        let error = client(&wire.url()).ok().await.unwrap_err();
        assert!(error.to_string().ends_with("is the base URL right?"), "{error}");
        assert!(!error.is_unavailable() && error.status() == Some(StatusCode::OK));
    }
    let wire = Wire::new([reply("429 Too Many Requests", &["x-retry-after: 7"], r#"{"message":"slow down"}"#)]).await;
    let error = client(&wire.url()).ok().await.unwrap_err();
    assert!(error.is_rate_limited() && error.retry_after() == Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn only_the_auth_server_can_say_that_a_session_is_over() {
    let ours = r#"{"code":"UNAUTHORIZED","message":"Unauthorized"}"#;
    for (body, dropped) in [(ours, true), ("{}", true), ("", true), ("<h1>Proxy password needed</h1>", false)] {
        let wire = Wire::new([reply("401 Unauthorized", &[], body)]).await;
        let client = client(&wire.url());
        client.set_token("abc.c2lnbmF0dXJl").await.unwrap();
        client.list_sessions().await.unwrap_err();
        assert_eq!(client.token().await.unwrap().is_none(), dropped, "{body}");
    }
    for (status, body, dropped) in [("200 OK", "null", true), ("200 OK", "", false), ("204 No Content", "", false)] {
        let wire = Wire::new([reply(status, &[], body)]).await;
        let client = client(&wire.url());
        client.set_token("abc.c2lnbmF0dXJl").await.unwrap();
        let _ = client.get_session().await;
        assert_eq!(client.token().await.unwrap().is_none(), dropped, "{status} {body}");
    }
}
