//! The commands against a real server, which notes what it is sent.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{Arc, Mutex};

use axum::{Router, extract::Request, middleware};
use example_native_client::{Backend, Invoke};
use hallpass::{EmailAndPassword, Environment, Hallpass, store::MemoryStore};
use hallpass_client::store::FileTokenStore;
use http::{HeaderMap, header};
use tokio::net::TcpListener;

type Seen = Arc<Mutex<Vec<HeaderMap>>>;

async fn server() -> (String, Seen) {
    let auth = Hallpass::builder()
        .environment(Environment::Development)
        .secret("only for this example, which keeps nothing of worth")
        .store(MemoryStore::new())
        .email_and_password(EmailAndPassword::default())
        .plugin(hallpass::Bearer::new())
        .build()
        .unwrap();
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let note = move |request: Request, next: middleware::Next| {
        noted.lock().unwrap().push(request.headers().clone());
        next.run(request)
    };
    let app: Router = hallpass_axum::router(&auth);
    let app = app.layer(middleware::from_fn(note));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, seen)
}

#[tokio::test]
async fn a_window_signs_up_comes_back_and_signs_out_without_cookies_or_origin() {
    let (url, seen) = server().await;
    let folder = tempfile::tempdir().unwrap();
    let start = || Backend::new(&url, FileTokenStore::new(folder.path().join("tokens.json"))).unwrap();
    let window = start();
    let (name, email, password) = ("Ada".to_owned(), "ada@example.com".to_owned(), "correct horse".to_owned());
    window.invoke(Invoke::SignUp { name, email: email.clone(), password: password.clone() }).await.unwrap();
    // Closed and opened again.
    let window = start();
    let me = window.invoke(Invoke::Me).await.unwrap().unwrap();
    assert_eq!(me.email, email);
    assert_eq!(window.invoke(Invoke::SignOut).await.unwrap(), None);
    assert_eq!(window.invoke(Invoke::Me).await.unwrap(), None);
    let wrong = Invoke::SignIn { email: email.clone(), password: "wrong horse".into() };
    assert_eq!(window.invoke(wrong).await.unwrap_err().code, "INVALID_EMAIL_OR_PASSWORD");
    assert_eq!(window.invoke(Invoke::SignIn { email, password }).await.unwrap().unwrap().id, me.id);
    let seen = seen.lock().unwrap();
    assert!(seen.len() >= 6);
    for headers in &*seen {
        for absent in [header::COOKIE, header::ORIGIN, header::REFERER] {
            assert!(!headers.contains_key(&absent), "{absent} was sent");
        }
    }
}

#[tokio::test]
async fn a_window_without_a_server_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = FileTokenStore::new(folder.path().join("tokens.json"));
    let window = Backend::new(&format!("http://{away}"), store).unwrap();
    assert_eq!(window.invoke(Invoke::Me).await.unwrap_err().code, "OFFLINE");
}
