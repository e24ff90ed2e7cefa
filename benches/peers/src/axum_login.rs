//! axum-login finds out who asks, from a session that tower-sessions keeps; the table of users and the route are an application's.
//!
//! Sessions are known by a cookie: there are no bearer tokens. They hold what axum-login keeps in them, and no address or browser.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use axum_login::{
    AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend,
    tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore, session::Id},
};
use serde::Serialize;
use serde_json::json;
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

use crate::{EACH, Result, Seeded, database::Database, email};

#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    name: String,
    email: String,
    email_verified: bool,
    image: Option<String>,
    created_at: String,
    updated_at: String,
    /// The session is void once it changes.
    #[serde(skip)]
    password_hash: String,
}

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password_hash.as_bytes()
    }
}

#[derive(Debug, Clone)]
struct Users(Database);

impl AuthnBackend for Users {
    type User = User;
    /// Nobody signs in here.
    type Credentials = Infallible;
    type Error = sqlx::Error;

    async fn authenticate(&self, credentials: Infallible) -> std::result::Result<Option<User>, sqlx::Error> {
        match credentials {}
    }

    async fn get_user(&self, id: &String) -> std::result::Result<Option<User>, sqlx::Error> {
        const STATEMENT: &str = "SELECT * FROM users WHERE id = $1";
        match &self.0 {
            Database::Sqlite(pool) => sqlx::query_as(STATEMENT).bind(id).fetch_optional(pool).await,
            Database::Postgres(pool) => sqlx::query_as(STATEMENT).bind(id).fetch_optional(pool).await,
        }
    }
}

const USERS: &str = "CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, \
     email_verified BOOLEAN NOT NULL, image TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, password_hash TEXT NOT NULL)";

const EXPIRY: Expiry = Expiry::OnInactivity(time::Duration::hours(167));

pub(crate) async fn seed(database: &Database, sessions: usize) -> Result<Vec<Seeded>> {
    database.execute(USERS).await?;
    for user in 0..sessions.div_ceil(EACH) {
        let email = email(user);
        let row = format!(
            "INSERT INTO users VALUES ('user-{user}', 'Ann Example', '{email}', true, NULL, '2026-01-01T00:00:00.000Z', \
             '2026-01-01T00:00:00.000Z', 'hash-{user}')"
        );
        database.execute(&row).await?;
    }
    match database {
        Database::Sqlite(pool) => {
            let store = SqliteStore::new(pool.clone());
            store.migrate().await?;
            seed_sessions(store, sessions).await
        }
        Database::Postgres(pool) => {
            let store = PostgresStore::new(pool.clone());
            store.migrate().await?;
            seed_sessions(store, sessions).await
        }
    }
}

async fn seed_sessions(store: impl SessionStore, sessions: usize) -> Result<Vec<Seeded>> {
    let store = Arc::new(store);
    let mut seeded = Vec::new();
    for number in 0..sessions {
        let user = number / EACH;
        let session = Session::new(None, Arc::clone(&store), Some(EXPIRY));
        // What `AuthSession::login` writes.
        let hash = format!("hash-{user}");
        session
            .insert("axum-login.data", json!({"user_id": format!("user-{user}"), "auth_hash": hash.as_bytes()}))
            .await?;
        session.save().await?;
        let token = session.id().ok_or("a session without id")?.to_string();
        seeded.push(Seeded { header: format!("cookie: id={token}"), token, email: email(user) });
    }
    Ok(seeded)
}

pub(crate) fn router(database: Database) -> Router {
    match &database {
        Database::Sqlite(pool) => with(SqliteStore::new(pool.clone()), database.clone()),
        Database::Postgres(pool) => with(PostgresStore::new(pool.clone()), database.clone()),
    }
}

fn with(store: impl SessionStore + Clone, database: Database) -> Router {
    let sessions = SessionManagerLayer::new(store).with_expiry(EXPIRY);
    let layer = AuthManagerLayerBuilder::new(Users(database), sessions).build();
    Router::new().route("/api/auth/get-session", get(get_session)).layer(layer)
}

async fn get_session(auth: AuthSession<Users>) -> Response {
    let Some(user) = auth.user else { return StatusCode::UNAUTHORIZED.into_response() };
    let session = json!({
        "id": auth.session.id().map(|id| id.to_string()),
        "userId": user.id,
        "expiresAt": auth.session.expiry_date().unix_timestamp(),
    });
    Json(json!({"session": session, "user": user})).into_response()
}

pub(crate) async fn end(database: &Database, token: &str) -> Result<()> {
    let id: Id = token.parse()?;
    match database {
        Database::Sqlite(pool) => SqliteStore::new(pool.clone()).delete(&id).await?,
        Database::Postgres(pool) => PostgresStore::new(pool.clone()).delete(&id).await?,
    }
    Ok(())
}
