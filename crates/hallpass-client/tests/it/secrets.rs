//! No token is printed.

use std::{
    error::Error,
    fmt::{Debug, Display},
    sync::{Arc, Mutex},
};

use hallpass_client::{
    AuthClient, Redirect, Token,
    model::{CurrentSession, IdToken, SignedIn},
    store::{FileTokenStore, MemoryTokenStore, Slot, TokenStore},
};
use tower::Layer;

use crate::wire::{Reply, Wire, reply};

const TOKEN: &str = "q7Wv0secret.c2lnbmF0dXJl";

fn clean(shown: impl Debug) {
    let text = format!("{shown:?} {shown:#?}");
    assert!(!text.contains("q7Wv0secret") && !text.contains("hunter2"), "{text}");
}

fn clean_error<E: Error + Display>(error: &E) {
    clean(error);
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        let text = error.to_string();
        assert!(!text.contains("q7Wv0secret") && !text.contains("hunter2") && !text.contains("127.0.0.1"), "{text}");
        cause = error.source();
    }
}

/// Repeats the token wherever it can.
fn parrots() -> Vec<Reply> {
    let token = format!("set-auth-token: {TOKEN}");
    let location = format!("location: https://elsewhere.example/?token={TOKEN}");
    let refusal = format!(r#"{{"code":"{TOKEN}","message":"what is {TOKEN}?","token":"{TOKEN}"}}"#);
    let strange = format!(r#"{{"ok":"{TOKEN}"}}"#);
    vec![
        reply("401 Unauthorized", &[&token], &refusal),
        reply("400 Bad Request", &[&token], TOKEN),
        reply("302 Found", &[&token, &location], TOKEN),
        reply("200 OK", &[&token], &strange),
        reply("200 OK", &[&token], TOKEN),
        Reply::Nothing,
        Reply::Bytes(format!("{TOKEN}\r\n\r\n")),
    ]
}

#[tokio::test]
async fn no_error_shows_a_token() {
    for parrot in parrots() {
        let wire = Wire::new([parrot]).await;
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (noted, noted_too) = (Arc::clone(&seen), Arc::clone(&seen));
        let client = AuthClient::builder(wire.url())
            .retries(0)
            .on_success(move |seen| noted.lock().unwrap().push(format!("{seen:?} {:?}", seen.headers())))
            .on_error(move |seen| noted_too.lock().unwrap().push(format!("{seen:?} {:?}", seen.headers())))
            .build()
            .unwrap();
        client.set_token(TOKEN).await.unwrap();
        let error = client.ok().await.unwrap_err();
        clean_error(&error);
        clean(error.body());
        clean_error(&client.ok().bearer(TOKEN).await.unwrap_err());
        for shown in seen.lock().unwrap().iter() {
            // The address of a redirect is the server's own word, and hooks are there to see it.
            assert!(!shown.replace(&format!("token={TOKEN}"), "").contains("q7Wv0secret"), "{shown}");
        }
    }
}

#[tokio::test]
async fn nothing_shows_a_token() {
    let client = AuthClient::builder("https://a.example").build().unwrap();
    client.set_token(TOKEN).await.unwrap();
    clean(&client);
    clean(AuthClient::builder("https://u:hunter2@a.example"));
    clean_error(&AuthClient::builder("https://u:hunter2@a.example").build().unwrap_err());
    clean(client.token().await.unwrap());
    clean(client.sign_in().email("ada@example.com", "hunter2"));
    clean(client.sign_up().email("Ada", "ada@example.com", "hunter2"));
    clean(client.reset_password("hunter2", TOKEN));
    clean(client.reset_password_callback(TOKEN, "/"));
    clean(client.verify_email(TOKEN));
    clean(client.revoke_session(&Token::from(TOKEN)).bearer(TOKEN));
    clean(client.call(http::Method::GET, format!("/x/{TOKEN}?token={TOKEN}")));
    clean(IdToken::new(TOKEN).nonce("hunter2"));
    let bearer = client.bearer_for(["https://a.example"]).unwrap();
    clean(&bearer);
    clean(bearer.layer(()));
    clean(bearer.authorization("https://a.example").await.unwrap().unwrap());

    let slot = Slot::new("https://a.example/api/auth", "default");
    let memory = MemoryTokenStore::new();
    let expect = hallpass_client::store::Expect::Anything;
    memory.replace(&slot, expect, Some(&Token::from(TOKEN))).await.unwrap();
    clean(&memory);
    clean(hallpass_client::store::Expect::Token(&Token::from(TOKEN)));

    let date = "2026-01-01T00:00:00.000Z";
    let user = format!(
        r#"{{"id":"u","name":"A","email":"a@b.co","emailVerified":true,"createdAt":"{date}","updatedAt":"{date}"}}"#
    );
    let session = format!(
        r#"{{"id":"s","token":"{TOKEN}","userId":"u","expiresAt":"{date}","createdAt":"{date}","updatedAt":"{date}"}}"#
    );
    let current: CurrentSession = serde_json::from_str(&format!(r#"{{"session":{session},"user":{user}}}"#)).unwrap();
    clean(&current);
    let signed_in: SignedIn = serde_json::from_str(&format!(r#"{{"token":"{TOKEN}","user":{user}}}"#)).unwrap();
    clean(signed_in);
}

#[tokio::test]
async fn no_answer_and_no_redirect_shows_a_token() {
    let location = format!("location: /reset?token={TOKEN}#token={TOKEN}");
    let wire = Wire::new([reply("302 Found", &[&format!("set-auth-token: {TOKEN}"), &location], TOKEN)]).await;
    let client = AuthClient::builder(wire.url()).build().unwrap();
    let answer = client.call(http::Method::GET, "/x").await.unwrap();
    clean(&answer);
    let redirect: Redirect = answer.redirect().unwrap();
    clean(&redirect);
    assert_eq!(redirect.query("token").as_deref(), Some(TOKEN));
}

#[tokio::test]
async fn a_broken_file_is_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    for broken in [TOKEN.to_owned(), format!(r#"{{"version":1,"servers":{{"x":{{"default":"{TOKEN}"}}}}}}"#)] {
        std::fs::write(&path, broken).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let client = AuthClient::builder("https://a.example").token_store(FileTokenStore::new(&path)).build().unwrap();
        let error = client.get_session().await.unwrap_err();
        assert!(error.is_store() && !error.is_unauthorized());
        clean_error(&error);
    }
}
