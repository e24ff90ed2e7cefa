//! Obtaining, keeping, sending; and what refusals look like.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use hallpass_client::{StatusCode, Token};

use super::{PASSWORD, ada, is_signed_in, token};
use crate::server::Server;

pub(crate) async fn a_token_is_obtained_kept_and_sent(server: &Server) {
    assert!(server.client().ok().await.unwrap().ok);
    let client = server.client();
    let signed_up =
        client.sign_up().email("Ada", "ada@example.com", PASSWORD).image("https://a.example/a.png").await.unwrap();
    assert_eq!((signed_up.user.name.as_str(), signed_up.user.email_verified), ("Ada", false));
    assert_eq!(signed_up.user.image.as_deref(), Some("https://a.example/a.png"));

    let kept = token(&client).await.unwrap();
    assert!(kept.same_session(&signed_up.token.unwrap()));
    assert!(kept.expose().contains('.'), "the signed one is kept");

    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    let look = client.get_session().on_success(move |seen| {
        assert_eq!((seen.path(), seen.status(), seen.new_token()), ("/get-session", StatusCode::OK, None));
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let current = look.await.unwrap().unwrap();
    assert_eq!(looks.load(Ordering::SeqCst), 1);
    assert_eq!((current.user, current.session.token.same_session(&kept)), (signed_up.user, true));
    assert!(current.session.expires_at > current.session.created_at);
    assert!(current.session.user_agent.unwrap().starts_with("hallpass-client/"));

    let signed_in = client.sign_in().email("ada@example.com", PASSWORD).callback_url("/app").await.unwrap();
    assert_eq!((signed_in.redirect, signed_in.url.as_deref()), (true, Some("/app")));
    let now = token(&client).await.unwrap();
    assert!(now.same_session(&signed_in.token.unwrap()) && !now.same_session(&kept));
    assert_eq!(client.clone().list_sessions().await.unwrap().len(), 2, "a clone is the same client");
}

pub(crate) async fn nobody_is_not_signed_in(server: &Server) {
    let client = server.client();
    assert_eq!(client.get_session().await.unwrap(), None);
    let error = client.list_sessions().await.unwrap_err();
    assert!(error.is_unauthorized() && !error.is_unavailable());
    assert_eq!((error.code(), error.message()), (Some("UNAUTHORIZED"), Some("Unauthorized")));
    assert!(client.sign_out().await.unwrap().success);
    client.set_token("").await.unwrap();
    assert!(!is_signed_in(&client).await, "an empty token is none");
}

pub(crate) async fn a_call_can_be_made_with_another_token_or_none(server: &Server) {
    let client = ada(server).await;
    let kept = token(&client).await.unwrap();
    let bob = server.client();
    bob.sign_up().email("Bob", "bob@example.com", PASSWORD).await.unwrap();
    let bobs = token(&bob).await.unwrap();
    let raw = bobs.expose().split('.').next().unwrap();

    for other in [bobs.expose(), raw] {
        let seen = client.get_session().bearer(other).await.unwrap().unwrap();
        assert_eq!(seen.user.name, "Bob");
    }
    assert_eq!(client.get_session().bearer("").await.unwrap(), None);
    assert_eq!(client.get_session().anonymous().await.unwrap(), None);
    assert_eq!(client.get_session().bearer("unknown").await.unwrap(), None);
    assert!(client.list_sessions().bearer("unknown").await.unwrap_err().is_unauthorized());
    let forged = format!("{}.forged", kept.expose().split('.').next().unwrap());
    assert!(client.sign_out().bearer(forged).await.unwrap().success, "the server says so to everybody");
    assert!(is_signed_in(&client).await);
    // The answer brings Bob's signed token, which is another one than was sent.
    let brings = client.update_user().name("Robert").bearer(raw).on_success(|seen| assert!(seen.new_token().is_some()));
    brings.await.unwrap();
    client.sign_in().email("bob@example.com", PASSWORD).bearer(bobs.clone()).await.unwrap();
    assert!(client.sign_out().bearer(bobs.clone()).await.unwrap().success);
    assert_eq!(token(&client).await, Some(kept.clone()), "none of it is about the client's own");
    assert!(!is_signed_in(&bob).await);

    let other = client.sign_in().email("bob@example.com", PASSWORD).bearer(kept.clone()).await.unwrap();
    assert_eq!(other.user.unwrap().name, "Robert");
    assert!(!token(&client).await.unwrap().same_session(&kept), "but this one was the client's own");
    client.sign_in().email("ada@example.com", PASSWORD).anonymous().await.unwrap();
    assert_eq!(client.get_session().await.unwrap().unwrap().user.name, "Ada", "and a sign-in is kept");
}

pub(crate) async fn a_function_can_give_the_token(server: &Server) {
    let device: Arc<Mutex<Option<Token>>> = Arc::default();
    let (asked, kept, cleared) = (Arc::clone(&device), Arc::clone(&device), Arc::clone(&device));
    let client = server
        .builder()
        .token(move || asked.lock().unwrap().clone())
        .on_success(move |seen| {
            if let Some(token) = seen.new_token() {
                *kept.lock().unwrap() = Some(token);
            }
        })
        .on_error(move |seen| {
            if seen.status() == StatusCode::UNAUTHORIZED {
                *cleared.lock().unwrap() = None;
            }
        })
        .build()
        .unwrap();
    client.sign_up().email("Ada", "ada@example.com", PASSWORD).await.unwrap();
    assert!(device.lock().unwrap().is_some());
    let known = device.lock().unwrap().clone();
    let waiting = server.builder().token_async(move || {
        let known = known.clone();
        async move {
            tokio::task::yield_now().await;
            Ok::<_, std::io::Error>(known)
        }
    });
    assert_eq!(waiting.build().unwrap().get_session().await.unwrap().unwrap().user.name, "Ada");
    client.forget_token().await.unwrap_err();
    client.set_token("abc").await.unwrap_err();
    client.sign_out().await.unwrap();
    assert!(device.lock().unwrap().is_some(), "it is the program's business");
    assert!(client.list_sessions().await.unwrap_err().is_unauthorized());
    assert!(device.lock().unwrap().is_none());

    let failing = server.builder().token_async(async || Err("the safe is locked")).build().unwrap();
    let error = failing.get_session().await.unwrap_err();
    assert!(error.is_store() && error.status().is_none());
}

pub(crate) async fn refusals_have_status_and_code(server: &Server) {
    let client = ada(server).await;
    let kept = token(&client).await;
    let error = client.sign_in().email("ada@example.com", "wrong horse battery").await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(StatusCode::UNAUTHORIZED), Some("INVALID_EMAIL_OR_PASSWORD")));
    assert_eq!(error.to_string(), "the server refused: Invalid email or password (401 INVALID_EMAIL_OR_PASSWORD)");
    let error = client.sign_in().email("not an address", PASSWORD).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(StatusCode::BAD_REQUEST), Some("INVALID_EMAIL")));
    let error = client.sign_up().email("Ada", "ada@example.com", PASSWORD).await.unwrap_err();
    let taken = (Some(StatusCode::UNPROCESSABLE_ENTITY), Some("USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"));
    assert_eq!((error.status(), error.code()), taken);
    let error = client.sign_up().email("Bob", "bob@example.com", "short").await.unwrap_err();
    assert_eq!(error.code(), Some("PASSWORD_TOO_SHORT"));
    let error = client.sign_in().social("nowhere").await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(StatusCode::NOT_FOUND), Some("PROVIDER_NOT_FOUND")));
    let error = client.extend_session().await.unwrap_err();
    assert_eq!(error.code(), Some("METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED"));
    let error = client.update_session().await.unwrap_err();
    assert_eq!((error.code(), error.message()), (None, Some("No fields to update")));
    let error = client.delete_user().await.unwrap_err();
    assert_eq!((error.status(), error.code(), error.message()), (Some(StatusCode::NOT_FOUND), None, None));
    let error = client.request_password_reset("ada@example.com").await.unwrap_err();
    assert_eq!(error.code(), Some("RESET_PASSWORD_DISABLED"));
    assert_eq!(token(&client).await, kept, "none of it was about the session");
}
