//! An API on actix-web, beside an auth server that is somewhere else. With one at its place (`hallpass serve`):
//!
//! ```sh
//! cargo run -p example-actix-api
//! curl -i http://127.0.0.1:4001/me -H "authorization: Bearer $TOKEN"   # whose token it is
//! curl -i http://127.0.0.1:4001/me                                     # 401, with a challenge
//! curl -i http://127.0.0.1:4001/hello                                  # for everybody
//! ```
//!
//! `AUTH_URL` names another auth server than `http://127.0.0.1:3000`, `PORT` another port than 4001. The auth server may be a Node server with
//! the npm package as well.

use std::{env, error::Error, time::Duration};

use actix_web::{App, HttpServer, web};
use hallpass_actix::{Caller, OptionalCaller, VerifyBearer};
use hallpass_verify::{Guard, RemoteSource};
use serde::Serialize;

/// What `/me` tells.
#[derive(Serialize)]
struct Me {
    id: String,
    email: Option<String>,
}

async fn me(caller: Caller) -> web::Json<Me> {
    web::Json(Me { id: caller.user_id().to_string(), email: caller.email().map(str::to_owned) })
}

async fn hello(OptionalCaller(caller): OptionalCaller) -> String {
    let name = caller.as_ref().and_then(|caller| caller.user()).map_or("stranger", |user| &user.name);
    format!("Hello, {name}.\n")
}

#[actix_web::main]
#[expect(clippy::print_stdout, reason = "whoever starts it wants to know where it is")]
async fn main() -> Result<(), Box<dyn Error>> {
    let auth = env::var("AUTH_URL").unwrap_or_else(|_| "http://127.0.0.1:3000".into());
    let port: u16 = env::var("PORT").unwrap_or_else(|_| "4001".into()).parse()?;
    // A token that is asked for again within two seconds is not asked for: for so long a revoked one may still be good.
    let source = RemoteSource::builder(&format!("{}/api/auth", auth.trim_end_matches('/')))
        .positive_cache(Duration::from_secs(2), 10_000)
        .build()?;
    let guard = Guard::new(source).realm("example");
    let server = HttpServer::new(move || {
        App::new()
            .service(web::resource("/me").wrap(VerifyBearer::new(guard.clone())).to(me))
            .service(web::resource("/hello").wrap(VerifyBearer::new(guard.clone().optional())).to(hello))
    });
    let server = server.bind(("127.0.0.1", port))?;
    println!("Listening on http://127.0.0.1:{port}. Tokens are looked up at {auth}.");
    Ok(server.run().await?)
}
