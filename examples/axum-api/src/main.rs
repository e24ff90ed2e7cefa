//! Run it with `cargo run -p example-axum-api`, then open <http://localhost:4000/app>.
//!
//! It keeps its database in the working folder (`example.db`) and puts mails there as well: each is a line of JSON in
//! `outbox.jsonl`, and its `url` is the link to follow. The variable `PORT` asks for another port, and `PAGE_ORIGIN` says
//! which other origin's pages may use it: `http://localhost:5173` if nothing is said, where `examples/web` is developed.
//!
//! The same without the page:
//!
//! ```sh
//! post() { curl -si "localhost:4000/api/auth/$1" -H 'content-type: application/json' -d "$2"; }
//! post sign-up/email '{"name":"Ada","email":"ada@example.com","password":"correct horse"}'
//! curl -s "$(tail -1 outbox.jsonl | jq -r .url)"
//! post sign-in/email '{"email":"ada@example.com","password":"correct horse"}'
//! curl -s localhost:4000/me -H 'authorization: Bearer <what set-auth-token said>'
//! ```

use example_axum_api::{app, auth, cors_for};
use hallpass::store::Mode;
use hallpass_mail::FileMailer;
use hallpass_sql::SqlStore;
use http::HeaderValue;

const OUTBOX: &str = "outbox.jsonl";

#[tokio::main]
#[expect(clippy::print_stdout, reason = "whoever starts it wants to know where to look")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "4000".into());
    let port: u16 = port.parse().map_err(|_| "PORT has to be a number up to 65535")?;
    let origin = format!("http://localhost:{port}");
    let page_origin = std::env::var("PAGE_ORIGIN").unwrap_or_else(|_| "http://localhost:5173".into());
    let cors = cors_for(HeaderValue::from_str(&page_origin).map_err(|_| "PAGE_ORIGIN has to be an origin")?);
    let auth = auth(&origin, &page_origin, SqlStore::connect("sqlite://example.db").await?, FileMailer::new(OUTBOX))?;
    auth.migrate(Mode::Apply).await?;

    let app = app(&auth, cors);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("Open {origin}/app. Mails go to {}.", std::env::current_dir()?.join(OUTBOX).display());
    axum::serve(listener, app).await?;
    Ok(())
}
