//! The crate `better-auth` has the route itself and bearer tokens; its tables are entities of SeaORM that an application declares.
//!
//! These are the ones of its example for axum, with a unique index on tokens and on addresses.

use std::sync::Arc;

use axum::Router;
use better_auth::{
    AuthConfig, AuthSchema, BetterAuth,
    config::BearerConfig,
    integrations::axum::AxumIntegration,
    middleware::RateLimitConfig,
    plugins::SessionManagementPlugin,
    prelude::CreateUser,
    seaorm::{
        DatabaseConnection, SeaOrmStore,
        sea_orm::{ConnectOptions, ConnectionTrait, Database, Schema},
    },
};

use crate::{ADDRESS, AGENT, EACH, Result, SECRET, Seeded, database::is_postgres, email, signed};

mod user {
    use better_auth::seaorm::{AuthEntity, sea_orm, sea_orm::entity::prelude::*};

    #[derive(Clone, Debug, serde::Serialize, DeriveEntityModel, AuthEntity)]
    #[auth(role = "user")]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub name: Option<String>,
        #[sea_orm(unique)]
        pub email: Option<String>,
        pub email_verified: bool,
        pub image: Option<String>,
        pub created_at: DateTimeUtc,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod session {
    use better_auth::seaorm::{AuthEntity, sea_orm, sea_orm::entity::prelude::*};

    #[derive(Clone, Debug, serde::Serialize, DeriveEntityModel, AuthEntity)]
    #[auth(role = "session", row_presence)]
    #[sea_orm(table_name = "sessions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub expires_at: DateTimeUtc,
        #[sea_orm(unique)]
        pub token: String,
        pub created_at: DateTimeUtc,
        pub updated_at: DateTimeUtc,
        pub ip_address: Option<String>,
        pub user_agent: Option<String>,
        pub user_id: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod account {
    use better_auth::seaorm::{AuthEntity, sea_orm, sea_orm::entity::prelude::*};

    #[derive(Clone, Debug, serde::Serialize, DeriveEntityModel, AuthEntity)]
    #[auth(role = "account")]
    #[sea_orm(table_name = "accounts")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub account_id: String,
        pub provider_id: String,
        pub user_id: String,
        pub access_token: Option<String>,
        pub refresh_token: Option<String>,
        pub id_token: Option<String>,
        pub access_token_expires_at: Option<DateTimeUtc>,
        pub refresh_token_expires_at: Option<DateTimeUtc>,
        pub scope: Option<String>,
        pub password: Option<String>,
        pub created_at: DateTimeUtc,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod verification {
    use better_auth::seaorm::{AuthEntity, sea_orm, sea_orm::entity::prelude::*};

    #[derive(Clone, Debug, serde::Serialize, DeriveEntityModel, AuthEntity)]
    #[auth(role = "verification")]
    #[sea_orm(table_name = "verifications")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub identifier: String,
        pub value: String,
        pub expires_at: DateTimeUtc,
        pub created_at: DateTimeUtc,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

struct Tables;

impl AuthSchema for Tables {
    type User = user::Model;
    type Session = session::Model;
    type Account = account::Model;
    type Verification = verification::Model;
}

async fn connect(place: &str, connections: Option<u32>) -> Result<DatabaseConnection> {
    let url = if is_postgres(place) { place.to_owned() } else { format!("sqlite://{place}?mode=rwc") };
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false);
    if let Some(connections) = connections {
        options.max_connections(connections);
    }
    Ok(Database::connect(options).await?)
}

async fn auth(connection: DatabaseConnection) -> Result<BetterAuth<Tables>> {
    let mut config = AuthConfig::new(SECRET).base_url("http://127.0.0.1:3000");
    config.session.bearer = Some(BearerConfig::default());
    // One query for session and user, where it makes two by default: what makes it fastest, as for the npm package.
    config.advanced.database.joins = Some(true);
    let store = SeaOrmStore::<Tables>::new(config.clone(), connection);
    let builder = BetterAuth::<Tables>::new(config).store(store).rate_limit(RateLimitConfig::new().enabled(false));
    Ok(builder.plugin(SessionManagementPlugin::new()).build().await?)
}

pub(crate) async fn seed(place: &str, sessions: usize) -> Result<Vec<Seeded>> {
    // One connection, since what is said to SQLite here holds for a connection.
    let connection = connect(place, Some(1)).await?;
    if !is_postgres(place) {
        connection.execute_unprepared("PRAGMA journal_mode = WAL").await?;
        connection.execute_unprepared("PRAGMA synchronous = OFF").await?;
    }
    let schema = Schema::new(connection.get_database_backend());
    connection.execute(&schema.create_table_from_entity(user::Entity)).await?;
    connection.execute(&schema.create_table_from_entity(session::Entity)).await?;
    connection.execute(&schema.create_table_from_entity(account::Entity)).await?;
    connection.execute(&schema.create_table_from_entity(verification::Entity)).await?;
    let auth = auth(connection).await?;
    let mut seeded = Vec::new();
    for user in 0..sessions.div_ceil(EACH) {
        let email = email(user);
        let new = CreateUser::new().with_email(&email).with_name("Ann Example").with_email_verified(true);
        let owner = auth.store().create_user(new).await?;
        for _ in user * EACH..sessions.min((user + 1) * EACH) {
            let made = auth.session_manager().create_session(&owner, Some(ADDRESS.to_owned()), Some(AGENT.to_owned()));
            let token = made.await?.token.typed()?.clone();
            seeded.push(Seeded { header: signed(&token)?, token, email: email.clone() });
        }
    }
    Ok(seeded)
}

pub(crate) async fn router(place: &str) -> Result<Router> {
    let auth = Arc::new(auth(connect(place, None).await?).await?);
    Ok(Router::new().nest("/api/auth", Arc::clone(&auth).axum_router()).with_state(auth))
}

pub(crate) async fn end(place: &str, token: &str) -> Result<()> {
    Ok(auth(connect(place, None).await?).await?.session_manager().delete_session(token).await?)
}
