//! Answers that come late. The server has done its work; its answer stands at a door until it is let out.

use std::time::Duration;

use hallpass_client::{AuthClient, HeaderName, HeaderValue, Token};

use crate::server::{Given, Server};

const PASSWORD: &str = "correct horse battery";
const DOOR: HeaderName = HeaderName::from_static("x-door");

fn late() -> HeaderValue {
    HeaderValue::from_static("late")
}

fn later() -> HeaderValue {
    HeaderValue::from_static("later")
}

async fn world(given: Given) -> (Server, AuthClient) {
    let server = Server::hallpass(given).await;
    let client = server.client();
    client.sign_up().email("Ada", "ada@example.com", PASSWORD).await.unwrap();
    (server, client)
}

async fn token(client: &AuthClient) -> Option<Token> {
    client.token().await.unwrap()
}

/// Time for others to do what they must not do.
async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

#[tokio::test]
async fn a_late_401_leaves_the_new_token_alone() {
    let (server, client) = world(Given::Plain).await;
    let old = token(&client).await.unwrap();
    server.client().sign_out().bearer(old.clone()).await.unwrap();
    let listing = tokio::spawn({
        let client = client.clone();
        async move { client.list_sessions().header(DOOR, late()).await }
    });
    server.doors.arrival("late").await;
    client.sign_in().email("ada@example.com", PASSWORD).await.unwrap();
    server.doors.open("late");
    assert!(listing.await.unwrap().unwrap_err().is_unauthorized());
    let now = token(&client).await.unwrap();
    assert!(!now.same_session(&old));
    assert!(client.get_session().await.unwrap().is_some());
}

#[tokio::test]
async fn a_late_null_leaves_the_new_token_alone() {
    let (server, client) = world(Given::Plain).await;
    let old = token(&client).await.unwrap();
    server.client().sign_out().bearer(old).await.unwrap();
    let looking = tokio::spawn({
        let client = client.clone();
        async move { client.get_session().header(DOOR, late()).await }
    });
    server.doors.arrival("late").await;
    client.sign_in().email("ada@example.com", PASSWORD).await.unwrap();
    server.doors.open("late");
    assert!(looking.await.unwrap().unwrap().is_none());
    assert!(client.get_session().await.unwrap().is_some());
}

#[tokio::test]
async fn a_late_refresh_does_not_bring_back_what_was_signed_out() {
    for what_was_kept in ["the signed token", "the raw one"] {
        let (server, client) = world(Given::Refreshing).await;
        if what_was_kept == "the raw one" {
            // Then what comes is news.
            let signed = token(&client).await.unwrap();
            client.set_token(signed.expose().split('.').next().unwrap()).await.unwrap();
        }
        let looking = tokio::spawn({
            let client = client.clone();
            let look = client.get_session().header(DOOR, late()).on_success(|seen| assert!(seen.new_token().is_some()));
            async move { look.await }
        });
        server.doors.arrival("late").await;
        client.sign_out().await.unwrap();
        server.doors.open("late");
        assert!(looking.await.unwrap().unwrap().is_some(), "it was alive then");
        assert_eq!(token(&client).await, None, "{what_was_kept}");
    }
}

/// A client that has kept the raw token, and a look on its way that brings the signed one.
async fn with_a_signed_token_on_its_way() -> (Server, AuthClient, Token, tokio::task::JoinHandle<()>) {
    let (server, client) = world(Given::Refreshing).await;
    let signed = token(&client).await.unwrap();
    client.set_token(signed.expose().split('.').next().unwrap()).await.unwrap();
    let looking = tokio::spawn({
        let client = client.clone();
        async move { drop(client.get_session().header(DOOR, late()).await.unwrap()) }
    });
    server.doors.arrival("late").await;
    (server, client, signed, looking)
}

#[tokio::test]
async fn signing_out_drops_whichever_token_of_the_session_is_kept_by_then() {
    let (server, client, signed, looking) = with_a_signed_token_on_its_way().await;
    let leaving = tokio::spawn({
        let client = client.clone();
        async move { client.sign_out().header(DOOR, later()).await }
    });
    server.doors.arrival("later").await;
    server.doors.open("late");
    looking.await.unwrap();
    assert_eq!(token(&client).await, Some(signed));
    server.doors.open("later");
    leaving.await.unwrap().unwrap();
    assert_eq!(token(&client).await, None);
}

#[tokio::test]
async fn a_new_session_takes_the_place_of_whichever_token_of_the_old_is_kept_by_then() {
    let (server, client, signed, looking) = with_a_signed_token_on_its_way().await;
    let changing = tokio::spawn({
        let change = client.change_password(PASSWORD, "another horse").revoke_other_sessions(true);
        async move { change.header(DOOR, later()).await }
    });
    server.doors.arrival("later").await;
    server.doors.open("late");
    looking.await.unwrap();
    assert_eq!(token(&client).await, Some(signed));
    server.doors.open("later");
    let changed = changing.await.unwrap().unwrap().token.unwrap();
    assert!(token(&client).await.unwrap().same_session(&changed));
    assert!(client.get_session().await.unwrap().is_some());
}

#[tokio::test]
async fn a_401_about_the_token_of_before_waits_for_the_change_of_the_password() {
    let (server, client) = world(Given::Plain).await;
    let old = token(&client).await.unwrap();
    let changing = tokio::spawn({
        let client = client.clone();
        let change = client.change_password(PASSWORD, "another horse").revoke_other_sessions(true);
        async move { change.header(DOOR, late()).await }
    });
    server.doors.arrival("late").await;
    let listing = tokio::spawn({
        let client = client.clone();
        async move { client.list_sessions().await }
    });
    a_moment().await;
    assert_eq!(token(&client).await, Some(old.clone()), "it is dead, but the change is not over");
    server.doors.open("late");
    let changed = changing.await.unwrap().unwrap().token.unwrap();
    assert!(listing.await.unwrap().unwrap_err().is_unauthorized());
    assert!(token(&client).await.unwrap().same_session(&changed));
    assert!(client.get_session().await.unwrap().is_some());
}

#[tokio::test]
async fn signing_out_waits_for_what_was_begun_before_it() {
    let (server, client) = world(Given::Plain).await;
    let change = client.change_password(PASSWORD, PASSWORD).revoke_other_sessions(true).header(DOOR, late());
    let changing = tokio::spawn(async move { change.await });
    server.doors.arrival("late").await;
    let leaving = tokio::spawn({
        let client = client.clone();
        async move { client.sign_out().await }
    });
    a_moment().await;
    assert!(!leaving.is_finished());
    server.doors.open("late");
    let changed = changing.await.unwrap().unwrap().token.unwrap();
    leaving.await.unwrap().unwrap();
    assert_eq!(token(&client).await, None);
    assert_eq!(client.get_session().bearer(changed).await.unwrap(), None, "the session of the change is ended, too");

    let signing_in = tokio::spawn({
        let client = client.clone();
        async move { client.sign_in().email("ada@example.com", PASSWORD).header(DOOR, late()).await }
    });
    server.doors.arrival("late").await;
    let leaving = tokio::spawn({
        let client = client.clone();
        async move { client.sign_out().await }
    });
    a_moment().await;
    server.doors.open("late");
    let begun = signing_in.await.unwrap().unwrap().token.unwrap();
    leaving.await.unwrap().unwrap();
    assert_eq!(token(&client).await, None);
    assert_eq!(client.get_session().bearer(begun).await.unwrap(), None);
}

#[tokio::test]
async fn a_sign_out_that_does_not_arrive_keeps_the_token() {
    let (server, client) = world(Given::Plain).await;
    let kept = token(&client).await;
    drop(server);
    let error = client.sign_out().timeout(Duration::from_millis(500)).await.unwrap_err();
    assert!(error.is_unavailable() && !error.is_unauthorized(), "{error}");
    assert_eq!(token(&client).await, kept, "it can be tried again");
    client.forget_token().await.unwrap();
    assert_eq!(token(&client).await, None);
}
