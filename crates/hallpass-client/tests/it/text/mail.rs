//! What links in mails do.

use hallpass_client::{LinkOutcome, StatusCode};

use super::{PASSWORD, ada, is_signed_in, token};
use crate::server::Server;

pub(crate) async fn a_forgotten_password_is_replaced(server: &Server) {
    ada(server).await;
    let client = server.client();
    let asked = client.request_password_reset("ada@example.com").redirect_to("/reset").await.unwrap();
    assert!(asked.status && !asked.message.is_empty());
    let mail = server.mail(1).await;
    let given = mail["token"].as_str().unwrap();

    let redirect = client.reset_password_callback(given, "/reset").await.unwrap();
    assert_eq!((redirect.query("token").as_deref(), redirect.error()), (Some(given), None));
    assert!(!format!("{redirect:?}").contains(given));
    let redirect = client.reset_password_callback("no such token", "/reset").await.unwrap();
    assert_eq!(redirect.error().as_deref(), Some("INVALID_TOKEN"));

    assert!(client.reset_password("a new horse", given).await.unwrap().status);
    assert_eq!(client.reset_password("a newer horse", given).await.unwrap_err().code(), Some("INVALID_TOKEN"));
    assert!(client.sign_in().email("ada@example.com", "a new horse").await.is_ok());
}

pub(crate) async fn an_address_is_proven(server: &Server) {
    ada(server).await;
    let client = server.client();
    assert!(client.send_verification_email("ada@example.com").callback_url("/in").await.unwrap().status);
    let mail = server.mail(1).await;
    let given = mail["token"].as_str().unwrap();

    let error = client.verify_email("nonsense").await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(StatusCode::UNAUTHORIZED), Some("INVALID_TOKEN")));
    let LinkOutcome::Redirect(redirect) = client.verify_email("nonsense").callback_url("/in").await.unwrap() else {
        panic!("a callback URL is gone to")
    };
    assert_eq!(redirect.error().as_deref(), Some("INVALID_TOKEN"));

    let LinkOutcome::Redirect(redirect) = client.verify_email(given).callback_url("/in").await.unwrap() else {
        panic!("a callback URL is gone to")
    };
    assert_eq!((redirect.location(), redirect.error()), ("/in", None));
    let user = client.get_session().await.unwrap().expect("the redirect's token is kept").user;
    assert!(user.email_verified);
    let LinkOutcome::Done(again) = client.verify_email(given).await.unwrap() else { panic!("there is nowhere to go") };
    assert!(again.status && again.user.is_none());
}

pub(crate) async fn an_address_is_changed(server: &Server) {
    let client = ada(server).await;
    assert!(client.change_email("new@example.com").callback_url("/in").await.unwrap().status);
    let mail = server.mail(1).await;
    let LinkOutcome::Done(changed) = client.verify_email(mail["token"].as_str().unwrap()).await.unwrap() else {
        panic!("there is nowhere to go")
    };
    assert_eq!(changed.user.unwrap().email, "new@example.com");
    assert_eq!(client.get_session().await.unwrap().unwrap().user.email, "new@example.com");
}

pub(crate) async fn an_account_is_deleted(server: &Server) {
    let client = ada(server).await;
    assert!(!client.delete_user().callback_url("/bye").await.unwrap().is_done());
    let mail = server.mail(1).await;
    let given = mail["token"].as_str().unwrap();
    assert!(is_signed_in(&client).await, "a mail is not the deed");
    let stranger = server.client().delete_user_callback(given).await.unwrap_err();
    assert_eq!(stranger.status(), Some(StatusCode::NOT_FOUND));
    assert_eq!(client.delete_user().token("wrong").await.unwrap_err().code(), Some("INVALID_TOKEN"));
    assert!(client.delete_user().token(given).await.unwrap().is_done());
    assert_eq!(token(&client).await, None);

    let client = ada(server).await;
    assert!(!client.delete_user().password(PASSWORD).await.unwrap().is_done());
    let mail = server.mail(2).await;
    let followed = client.delete_user_callback(mail["token"].as_str().unwrap()).callback_url("/bye").await.unwrap();
    let LinkOutcome::Redirect(redirect) = followed else { panic!("a callback URL is gone to") };
    assert_eq!((redirect.location(), token(&client).await), ("/bye", None));
    assert!(client.sign_in().email("ada@example.com", PASSWORD).await.unwrap_err().is_unauthorized());
}
