//! Signing in, at whichever server, and hallpass as one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::Request, middleware};
use hallpass::{Bearer, EmailAndPassword, Environment, Hallpass};
use hallpass_sql::SqlStore;
use hallpass_verify::{
    SigningKey,
    store::{Mode, Schema, Store},
};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::table::Tokens;

pub(crate) const SECRET: &str = "better-auth-contract-secret-00000000";

/// hallpass on loopback, which counts how often `/get-session` is asked.
pub(crate) struct Server {
    pub(crate) base: String,
    pub(crate) database: String,
    asked: Arc<AtomicUsize>,
    /// Milliseconds that a question takes longer than it would.
    pub(crate) distance: Arc<AtomicUsize>,
    _folder: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let database = folder.path().join("hallpass.db").display().to_string();
        let store = SqlStore::connect(&format!("sqlite://{database}")).await.unwrap();
        store.migrate(&Schema::core(), Mode::Apply).await.unwrap();
        let auth = Hallpass::builder()
            .secret(SECRET)
            .environment(Environment::Development)
            .store(store)
            .email_and_password(EmailAndPassword::default())
            .plugin(Bearer::new())
            .build()
            .unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let distance = Arc::new(AtomicUsize::new(0));
        let (counter, away) = (Arc::clone(&asked), Arc::clone(&distance));
        let count = middleware::from_fn(move |request: Request, next: middleware::Next| {
            if request.uri().path().ends_with("/get-session") {
                counter.fetch_add(1, Ordering::SeqCst);
            }
            let time = Duration::from_millis(away.load(Ordering::SeqCst) as u64);
            async move {
                tokio::time::sleep(time).await;
                next.run(request).await
            }
        });
        let base = format!("{}/api/auth", serve(hallpass_axum::router(&auth).layer(count)).await);
        Self { base, database, asked, distance, _folder: folder }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Serves an application on loopback and returns its address.
pub(crate) async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// Signs somebody up and returns the signed token.
pub(crate) async fn sign_up(base: &str, name: &str) -> String {
    let person = json!({"name": name, "email": format!("{name}@example.com"), "password": "correct horse battery"});
    let request = Client::new().post(format!("{base}/sign-up/email")).header("content-type", "application/json");
    let response = request.body(person.to_string()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.headers()["set-auth-token"].to_str().unwrap().to_owned()
}

/// Signs out, so that the token is worth nothing from now on.
pub(crate) async fn sign_out(base: &str, token: &str) {
    let request = Client::new().post(format!("{base}/sign-out")).bearer_auth(token);
    assert_eq!(request.header("content-type", "application/json").body("{}").send().await.unwrap().status(), 200);
}

/// JSON from an endpoint.
pub(crate) async fn get(base: &str, path: &str, token: &str) -> Value {
    let response = Client::new().get(format!("{base}{path}")).bearer_auth(token).send().await.unwrap();
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

/// Lets the time of a session pass, in the database.
pub(crate) fn expire(database: &str, token: &str) {
    change(database, "UPDATE session SET expiresAt = '2020-01-01T00:00:00.000Z' WHERE token = ?1", &[raw(token)]);
}

/// Writes to a server's database, behind its back.
pub(crate) fn change(database: &str, statement: &str, values: &[&str]) {
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(connection.execute(statement, rusqlite::params_from_iter(values)).unwrap(), 1);
}

pub(crate) fn raw(token: &str) -> &str {
    token.rsplit_once('.').unwrap().0
}

/// One token of each kind at a server that keeps its sessions in this database.
pub(crate) async fn tokens(base: &str, database: &str) -> Tokens {
    let valid = sign_up(base, "ann").await;
    let expired = sign_up(base, "ben").await;
    expire(database, &expired);
    let revoked = sign_up(base, "cid").await;
    sign_out(base, &revoked).await;
    let forged = format!("{}.{}", raw(&valid), SigningKey::new("another secret").sign("x").rsplit_once('.').unwrap().1);
    let unknown = SigningKey::new(SECRET).sign("abcdefghijklmnopqrstuvwxyzABCDEF");
    Tokens { valid, expired, revoked, forged, unknown }
}
