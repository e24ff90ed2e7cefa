//! Sessions: listing, ending, extending, and what becomes of dead tokens.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use hallpass_client::{DropPolicy, Method, Seen, StatusCode, Token};
use serde_json::{Value, json};

use super::{PASSWORD, ada, again, is_signed_in, token};
use crate::server::Server;

pub(crate) async fn sessions_are_listed_and_revoked(server: &Server) {
    let (here, phone, tablet) = (ada(server).await, again(server).await, again(server).await);
    assert_eq!(here.list_sessions().await.unwrap().len(), 3);
    let phones = token(&phone).await.unwrap();
    assert!(here.revoke_session(&phones).await.unwrap().status);
    assert!(!is_signed_in(&phone).await);
    assert_eq!(token(&phone).await, None, "what `null` was said to is dropped");
    assert!(is_signed_in(&here).await);

    let own = here.get_session().await.unwrap().unwrap().session.token;
    let laptop = again(server).await;
    assert!(here.revoke_other_sessions().await.unwrap().status);
    assert!(is_signed_in(&here).await);
    assert!(tablet.list_sessions().await.unwrap_err().is_unauthorized());
    assert_eq!((token(&tablet).await, is_signed_in(&laptop).await), (None, false));

    assert!(here.revoke_session(&own).await.unwrap().status);
    assert_eq!(token(&here).await, None, "its own");

    let (one, other) = (again(server).await, again(server).await);
    assert!(one.revoke_sessions().await.unwrap().status);
    assert_eq!((token(&one).await, is_signed_in(&other).await), (None, false));
}

pub(crate) async fn signing_out_drops_the_token(server: &Server) {
    let client = ada(server).await;
    let dead = token(&client).await.unwrap();
    assert!(client.sign_out().await.unwrap().success);
    assert_eq!(token(&client).await, None);
    assert_eq!(client.get_session().bearer(dead).await.unwrap(), None);
    client.sign_in().email("ada@example.com", PASSWORD).remember_me(false).await.unwrap();
    assert!(is_signed_in(&client).await);
    client.forget_token().await.unwrap();
    assert!(!is_signed_in(&client).await);
}

pub(crate) async fn dead_tokens_are_dropped_and_no_others(server: &Server) {
    let (client, phone) = (ada(server).await, again(server).await);
    let phones = token(&phone).await.unwrap();
    client.revoke_session(&phones).await.unwrap();
    assert!(phone.list_sessions().await.unwrap_err().is_unauthorized());
    assert_eq!(token(&phone).await, None);

    phone.set_token(phones.clone()).await.unwrap();
    assert!(phone.sign_in().email("ada@example.com", "wrong horse battery").await.unwrap_err().is_unauthorized());
    assert_eq!(token(&phone).await, Some(phones.clone()), "a wrong password says nothing about it");
    for forged in ["0123456789abcdefghijklmnopqrstuv", "abc.def", "nonsense"] {
        phone.set_token(forged).await.unwrap();
        assert!(!is_signed_in(&phone).await);
        assert_eq!(token(&phone).await, None);
    }

    let never = server.builder().drop_policy(DropPolicy::never()).build().unwrap();
    never.set_token(phones.clone()).await.unwrap();
    assert!(never.list_sessions().await.unwrap_err().is_unauthorized());
    assert!(never.get_session().await.unwrap().is_none());
    assert!(never.sign_out().await.unwrap().success);
    assert_eq!(token(&never).await, Some(phones.clone()));

    let policy = DropPolicy::never().on_code("INVALID_EMAIL_OR_PASSWORD");
    let own = server.builder().drop_policy(policy).build().unwrap();
    own.set_token(phones).await.unwrap();
    own.list_sessions().await.unwrap_err();
    assert!(token(&own).await.is_some());
    own.sign_in().email("ada@example.com", "wrong horse battery").await.unwrap_err();
    assert!(token(&own).await.is_none());
}

pub(crate) async fn any_endpoint_can_be_called(server: &Server) {
    let client = ada(server).await;
    let answer = client.call(Method::GET, "/ok").public().await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap(), json!({ "ok": true }));
    client.call(Method::POST, "/update-user").json(json!({ "name": "Countess" })).await.unwrap();
    let answer = client.call(Method::GET, "/get-session").json(json!({ "disableRefresh": true })).await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap()["user"]["name"], "Countess");
    let error = client.call(Method::POST, "/no/such").await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
    let sign_in = json!({ "email": "ada@example.com", "password": PASSWORD });
    let before = token(&client).await.unwrap();
    client.call(Method::POST, "/sign-in/email").json(sign_in).begins_session().await.unwrap();
    assert!(!token(&client).await.unwrap().same_session(&before));
    client.sign_out().await.unwrap();
    client.set_token(before).await.unwrap();
    client.revoke_sessions().await.unwrap();
    client.set_token("dead").await.unwrap();
    assert!(client.call(Method::GET, "/list-accounts").await.unwrap_err().is_unauthorized());
    assert_eq!(token(&client).await, None);
}

pub(crate) async fn a_session_is_extended_at_every_look(server: &Server) {
    let client = ada(server).await;
    let kept = token(&client).await;
    let seen: Arc<Mutex<Vec<Option<Token>>>> = Arc::default();
    for _ in 0..2 {
        let noted = Arc::clone(&seen);
        client
            .get_session()
            .on_success(move |seen| noted.lock().unwrap().push(seen.new_token()))
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(*seen.lock().unwrap(), [kept.clone(), kept.clone()]);
    assert_eq!(token(&client).await, kept);
    // A raw token is good as well, and is replaced by the signed one when that comes.
    let raw = kept.as_ref().unwrap().expose().split('.').next().unwrap();
    client.set_token(raw).await.unwrap();
    assert!(is_signed_in(&client).await);
    assert_eq!(token(&client).await, kept);
}

pub(crate) async fn a_session_is_extended_when_asked_to(server: &Server) {
    let client = ada(server).await;
    let looked = client.get_session().on_success(|seen| assert_eq!(seen.new_token(), None)).await.unwrap().unwrap();
    assert!(looked.needs_refresh);
    let brought = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&brought);
    let count = move |seen: &Seen<'_>| {
        counted.fetch_add(usize::from(seen.new_token().is_some()), Ordering::SeqCst);
    };
    let extended = client.extend_session().on_success(count).await.unwrap().unwrap();
    assert_eq!(brought.load(Ordering::SeqCst), 1);
    assert!(extended.session.expires_at >= looked.session.expires_at);
    client.sign_out().await.unwrap();
    assert_eq!(client.extend_session().await.unwrap(), None);
}
