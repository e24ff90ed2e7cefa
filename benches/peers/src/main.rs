//! Session checks of other crates, each as a server of its own, for the http benchmark to drive.
//!
//! ```text
//! hallpass-bench-peers list sqlite|postgres
//! hallpass-bench-peers seed <peer> <database> <sessions> <file>
//! hallpass-bench-peers serve <peer> <database> <address>
//! hallpass-bench-peers end <peer> <database> <token>
//! ```
//!
//! `seed` makes the peer's own tables and fills them through the peer, and writes a line for each session: a header to send, the token, and
//! the address of the user that the answer has to name. `end` ends one session, in a process that shares nothing with the server but the
//! store: a server that goes on answering did not look there.

mod axum_login;
mod better_auth;
mod database;
mod rustauth;
mod torii;

use std::{fs::File, io::BufWriter, io::Write, net::SocketAddr};

use axum::{Router, serve::ListenerExt};

use database::Database;

/// Whatever goes wrong ends this program.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The secret of those that sign tokens.
const SECRET: &str = "only for benchmarks, and long enough to warn nobody";

/// What sessions say of the browser.
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const ADDRESS: &str = "203.0.113.9";

/// How many sessions a user has.
const EACH: usize = 10;

/// A session to ask for.
struct Seeded {
    /// The header that carries the token.
    header: String,
    token: String,
    /// Whose session it is.
    email: String,
}

fn email(user: usize) -> String {
    format!("user-{user}@example.com")
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["list", "sqlite"] => list(&["axum-login", "better-auth", "rustauth", "torii"]),
        ["list", "postgres"] => list(&["axum-login", "better-auth", "rustauth"]),
        ["list", _] => Ok(()),
        ["seed", peer, database, sessions, file] => write(&seed(peer, database, sessions.parse()?).await?, file),
        ["serve", peer, database, address] => serve(router(peer, database).await?, address.parse()?).await,
        ["end", peer, database, token] => end(peer, database, token).await,
        _ => Err("list, seed, serve or end; see the top of main.rs".into()),
    }
}

/// Names, with the versions that this program was built with.
fn list(peers: &[&str]) -> Result<()> {
    for peer in peers {
        let entry = format!("name = \"{peer}\"\nversion = \"");
        let (_, rest) = include_str!("../Cargo.lock").split_once(&entry).ok_or("not in the lock file")?;
        let version = rest.split('"').next().ok_or("no version")?;
        println!("{peer} {version}");
    }
    Ok(())
}

async fn seed(peer: &str, database: &str, sessions: usize) -> Result<Vec<Seeded>> {
    match peer {
        "axum-login" => axum_login::seed(&Database::open(database).await?, sessions).await,
        "better-auth" => better_auth::seed(database, sessions).await,
        "rustauth" => rustauth::seed(Database::open(database).await?, sessions).await,
        "torii" => torii::seed(Database::open(database).await?, sessions).await,
        _ => Err("no such peer".into()),
    }
}

async fn router(peer: &str, database: &str) -> Result<Router> {
    match peer {
        "axum-login" => Ok(axum_login::router(Database::open(database).await?)),
        "better-auth" => better_auth::router(database).await,
        "rustauth" => rustauth::router(Database::open(database).await?).await,
        "torii" => torii::router(Database::open(database).await?),
        _ => Err("no such peer".into()),
    }
}

async fn end(peer: &str, database: &str, token: &str) -> Result<()> {
    match peer {
        "axum-login" => axum_login::end(&Database::open(database).await?, token).await,
        "better-auth" => better_auth::end(database, token).await,
        "rustauth" => rustauth::end(Database::open(database).await?, token).await,
        "torii" => torii::end(Database::open(database).await?, token).await,
        _ => Err("no such peer".into()),
    }
}

fn write(seeded: &[Seeded], file: &str) -> Result<()> {
    let mut file = BufWriter::new(File::create(file)?);
    for Seeded { header, token, email } in seeded {
        writeln!(file, "{header}\t{token}\t{email}")?;
    }
    Ok(file.flush()?)
}

async fn serve(router: Router, address: SocketAddr) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    let listener = listener.tap_io(|stream| {
        // Without it small answers wait, and nothing but that would be measured.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, router).await?)
}

/// A bearer token as the npm package signs it, which two of the crates read too.
fn signed(token: &str) -> Result<String> {
    let signed = ::rustauth::cookies::sign_cookie_value(token, SECRET)?;
    Ok(format!("authorization: Bearer {signed}"))
}
