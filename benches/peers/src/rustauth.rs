//! rustauth has the route itself, its own tables, and a plugin for bearer tokens.

use axum::Router;
use rustauth::{
    RustAuth,
    options::RateLimitOptions,
    plugins::bearer::{BearerOptions, bearer},
    session::CreateSessionInput,
    sqlx::{PostgresAdapter, SqliteAdapter},
    user::CreateUserInput,
};
use rustauth_axum::{RustAuthAxumExt, RustAuthAxumOptions};
use time::{Duration, OffsetDateTime};

use crate::{ADDRESS, AGENT, EACH, Result, SECRET, Seeded, database::Database, email, signed};

async fn auth(database: Database) -> Result<RustAuth> {
    let builder = RustAuth::builder()
        .secret(SECRET)
        .base_url("http://127.0.0.1:3000/api/auth")
        .rate_limit(RateLimitOptions::new().enabled(false))
        .plugin(bearer(BearerOptions::default()));
    let builder = match database {
        Database::Sqlite(pool) => builder.adapter(SqliteAdapter::new(pool)),
        Database::Postgres(pool) => builder.adapter(PostgresAdapter::new(pool)),
    };
    Ok(builder.build().await?)
}

pub(crate) async fn seed(database: Database, sessions: usize) -> Result<Vec<Seeded>> {
    let auth = auth(database).await?;
    auth.create_schema(None).await?;
    // None is due for a refresh.
    let ends = OffsetDateTime::now_utc() + Duration::hours(167);
    let mut seeded = Vec::new();
    for number in 0..sessions {
        let (user, email) = (format!("user-{}", number / EACH), email(number / EACH));
        if number % EACH == 0 {
            let new = CreateUserInput::new("Ann Example", &email).id(&user).email_verified(true);
            auth.context().users()?.create_user(new).await?;
        }
        let new = CreateSessionInput::new(user, ends).ip_address(ADDRESS).user_agent(AGENT);
        let token = auth.context().sessions()?.create_session(new).await?.token;
        seeded.push(Seeded { header: signed(&token)?, token, email });
    }
    Ok(seeded)
}

pub(crate) async fn router(database: Database) -> Result<Router> {
    Ok(auth(database).await?.mount_at_base_path(RustAuthAxumOptions::default())?)
}

pub(crate) async fn end(database: Database, token: &str) -> Result<()> {
    Ok(auth(database).await?.context().sessions()?.delete_session(token).await?)
}
