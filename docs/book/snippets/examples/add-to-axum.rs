//! The program of the chapter "Add it to axum".
#![expect(clippy::print_stdout, reason = "its place is a terminal")]

use axum::{Json, Router, routing::get};
use hallpass::{
    Bearer, EmailAndPassword, Environment, Hallpass,
    store::{Mode, User},
};
use hallpass_axum::Session;
use hallpass_sql::SqlStore;

// Whoever takes a `Session` is reached by signed-in callers only. Everybody else gets a 401.
async fn me(session: Session) -> Json<User> {
    Json(session.user)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let auth = Hallpass::builder()
        .environment(Environment::Development) // leave this line out in production
        .secret(std::env::var("BETTER_AUTH_SECRET")?) // 32 random characters or more
        .store(SqlStore::connect("sqlite://app.db").await?)
        .email_and_password(EmailAndPassword::default())
        .plugin(Bearer::new())
        .build()?;
    auth.migrate(Mode::Apply).await?;

    let app: Router = Router::new()
        .route("/me", get(me))
        .layer(hallpass_axum::layer(&auth)) // tells the routes above who is calling
        .merge(hallpass_axum::router(&auth)); // the endpoints, at /api/auth
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    println!("http://{listen}");
    axum::serve(listener, app).await?;
    Ok(())
}
