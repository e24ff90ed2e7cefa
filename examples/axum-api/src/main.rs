//! Run it with `cargo run -p example-axum-api`, then:
//!
//! ```sh
//! curl -si localhost:4000/api/auth/sign-up/email -H 'content-type: application/json' \
//!   -d '{"name":"Ada","email":"ada@example.com","password":"correct horse"}'
//! curl -s localhost:4000/me -H 'authorization: Bearer <what set-auth-token said>'
//! ```

use example_axum_api::{app, cors_for};
use hallpass::{Bearer, EmailAndPassword, Environment, Hallpass, store::Mode};
use hallpass_sql::SqlStore;
use http::HeaderValue;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let auth = Hallpass::builder()
        .environment(Environment::Development)
        // From your configuration, in earnest; `hallpass secret` prints one.
        .secret("only for this example, which keeps nothing of worth")
        .base_url("http://localhost:4000")
        .trusted_origins(["http://localhost:5173"])
        .store(SqlStore::connect("sqlite://example.db").await?)
        .email_and_password(EmailAndPassword::default())
        .plugin(Bearer::new())
        .build()?;
    auth.migrate(Mode::Apply).await?;

    let app = app(&auth, cors_for(HeaderValue::from_static("http://localhost:5173")));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4000").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
