//! A command-line program whose users sign in once. With a server at its place (`hallpass serve`):
//!
//! ```sh
//! echo 'correct horse' | cargo run -q -p example-cli-login -- sign-up ada@example.com
//! cargo run -q -p example-cli-login -- who
//! cargo run -q -p example-cli-login -- get http://127.0.0.1:4001/me   # an API that API_URL lists
//! cargo run -q -p example-cli-login -- sign-out
//! ```
//!
//! The four moves: signing in *obtains* the token, the store *keeps* it in a file for its owner alone, each call *sends* it, and it is
//! *dropped* when the server ends the session or no longer knows it. The program itself touches it nowhere.

use std::{env, error::Error, io, process::ExitCode};

use hallpass_client::{AuthClient, store::FileTokenStore};

const USAGE: &str = "usage: example-cli-login sign-up EMAIL | sign-in EMAIL | who | get URL | sign-out
The password is read from standard input. AUTH_URL names another server than http://127.0.0.1:3000.
API_URL lists the APIs that may see the token, with commas between them: http://127.0.0.1:4001 if nothing is said.";

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
#[expect(clippy::print_stderr, clippy::print_stdout, reason = "it talks to whoever runs it")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words).await {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(words: &[&str]) -> Result<String, Failure> {
    let url = env::var("AUTH_URL").unwrap_or_else(|_| "http://127.0.0.1:3000".into());
    let client = AuthClient::builder(url)
        // A profile of its own, so that it does not share the token of `hallpass login`.
        .profile("example-cli-login")
        .token_store(FileTokenStore::new(FileTokenStore::default_path()?))
        .build()?;
    match words {
        ["sign-up", email] => {
            let signed_up = client.sign_up().email(*email, *email, password()?).await?;
            Ok(format!("Welcome, {}.", signed_up.user.email))
        }
        ["sign-in", email] => {
            client.sign_in().email(*email, password()?).await?;
            Ok("Signed in.".into())
        }
        ["who"] => match client.get_session().await? {
            Some(found) => Ok(format!("{}, until {}", found.user.email, found.session.expires_at)),
            None => Err("Nobody: sign in first.".into()),
        },
        ["get", url] => get(&client, url).await,
        ["sign-out"] => {
            client.sign_out().await?;
            Ok("Signed out.".into())
        }
        _ => Err(USAGE.into()),
    }
}

/// Calls an API with the token. Only the origin that is listed in `API_URL` is shown it, whatever URL is typed and wherever that redirects to.
async fn get(client: &AuthClient, url: &str) -> Result<String, Failure> {
    let listed = env::var("API_URL").unwrap_or_else(|_| "http://127.0.0.1:4001".into());
    let listed: Vec<&str> = listed.split(',').map(str::trim).filter(|origin| !origin.is_empty()).collect();
    let bearer = client.bearer_for(&listed)?;
    let origin = reqwest::Url::parse(url)?.origin();
    if !listed.iter().any(|api| reqwest::Url::parse(api).is_ok_and(|api| api.origin() == origin)) {
        return Err(format!("{url} is not shown the token: API_URL does not list its origin.").into());
    }
    let token = bearer.authorization(url).await?.ok_or("Nobody: sign in first.")?;
    let answer = reqwest::Client::new().get(url).header("authorization", token).send().await?;
    let (status, text) = (answer.status(), answer.text().await?);
    if status.is_success() { Ok(text) } else { Err(format!("{status}: {text}").into()) }
}

fn password() -> Result<String, io::Error> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
