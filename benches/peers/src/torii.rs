//! torii is a library without routes for a session and its user: the route here asks it for both.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use torii::{SessionToken, Torii, sqlite::SqliteRepositoryProvider};
use torii_core::{NewUser, RepositoryProvider, UserId, repositories::UserRepository};

use crate::{ADDRESS, AGENT, EACH, Result, Seeded, database::Database, email};

type Sqlite = Torii<SqliteRepositoryProvider>;

fn torii(database: Database) -> Result<(Arc<SqliteRepositoryProvider>, Sqlite)> {
    let Database::Sqlite(pool) = database else {
        return Err("torii's own storage for Postgres has no provider".into());
    };
    let provider = Arc::new(SqliteRepositoryProvider::new(pool));
    Ok((Arc::clone(&provider), Torii::new(provider)))
}

pub(crate) async fn seed(database: Database, sessions: usize) -> Result<Vec<Seeded>> {
    let (provider, torii) = torii(database.clone())?;
    torii.migrate().await?;
    // Its migrations leave sessions without an index on what they are looked up by, and each check would read all of them.
    database.execute("CREATE INDEX sessions_by_token ON sessions (token)").await?;
    let mut seeded = Vec::new();
    for number in 0..sessions {
        let (user, email) = (UserId::new(&format!("usr_{}", number / EACH)), email(number / EACH));
        if number % EACH == 0 {
            let new =
                NewUser::builder().id(user.clone()).email(email.clone()).name("Ann Example".to_owned()).build()?;
            provider.user().create(new).await?;
        }
        let session = torii.create_session(&user, Some(AGENT.to_owned()), Some(ADDRESS.to_owned())).await?;
        let token = session.token.to_string();
        seeded.push(Seeded { header: format!("authorization: Bearer {token}"), token, email });
    }
    Ok(seeded)
}

pub(crate) fn router(database: Database) -> Result<Router> {
    let (_, torii) = torii(database)?;
    Ok(Router::new().route("/api/auth/get-session", get(get_session)).with_state(Arc::new(torii)))
}

async fn get_session(State(torii): State<Arc<Sqlite>>, headers: HeaderMap) -> Response {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = header.and_then(|value| value.strip_prefix("Bearer ")) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let Ok(session) = torii.get_session(&SessionToken::new(token)).await else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    match torii.get_user(&session.user_id).await {
        Ok(Some(user)) => Json(json!({"session": session, "user": user})).into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

pub(crate) async fn end(database: Database, token: &str) -> Result<()> {
    let (_, torii) = torii(database)?;
    Ok(torii.delete_session(&SessionToken::new(token)).await?)
}
