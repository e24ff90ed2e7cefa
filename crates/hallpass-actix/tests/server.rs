//! A real actix server, asked over HTTP.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use actix_web::{App, HttpServer, web};
use hallpass_actix::{Caller, OptionalCaller, VerifyBearer};
use hallpass_verify::{
    BearerToken, Guard, SessionSource, SigningKey, SourceFuture, StoreSource, Unavailable,
    store::{Batch, MemoryStore, Record, Schema, Session, SessionId, SessionToken, Store, Timestamp, User, UserId},
};
use reqwest::{Client, Response, header::AUTHORIZATION};

const SECRET: &str = "better-auth-contract-secret-00000000";
const TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEF";

/// A database that is away.
struct Away;

impl SessionSource for Away {
    fn verify<'a>(&'a self, _: &'a BearerToken) -> SourceFuture<'a> {
        let error = Unavailable::new("the database is away").retry_after(Duration::from_secs(7));
        Box::pin(std::future::ready(Err(error)))
    }
}

async fn store() -> MemoryStore {
    let store = MemoryStore::new();
    let [begin, end]: [Timestamp; 2] =
        ["2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z"].map(|moment| moment.parse().unwrap());
    let ann = User::new(UserId::new("u1"), "Ann", "ann@example.com", begin);
    let session = Session::new(SessionId::new("s1"), SessionToken::new(TOKEN), ann.id.clone(), begin, end);
    let rows = Batch::new().insert("user", ann.into_row()).insert("session", session.into_row());
    store.write(&Schema::core(), rows).await.unwrap();
    store
}

/// Serves four routes on loopback and returns their address.
async fn serve() -> String {
    let source = StoreSource::new(store().await, SECRET);
    let server = HttpServer::new(move || {
        let guard = || Guard::new(source.clone());
        let me = async |caller: Caller| caller.email().unwrap_or_default().to_owned();
        let perhaps =
            async |caller: OptionalCaller| caller.0.map_or("nobody".to_owned(), |it| it.user_id().to_string());
        App::new()
            .service(web::resource("/me").wrap(VerifyBearer::new(guard())).to(me))
            .service(web::resource("/perhaps").wrap(VerifyBearer::new(guard().optional())).to(perhaps))
            .service(web::resource("/strict").wrap(VerifyBearer::new(guard().optional())).to(me))
            .service(
                web::resource("/admin").wrap(VerifyBearer::new(guard().authorize(|_| false).scope("admin"))).to(me),
            )
            .service(web::resource("/query").wrap(VerifyBearer::new(guard().danger_accept_token_in_query())).to(me))
            .service(web::resource("/away").wrap(VerifyBearer::new(Away)).to(me))
            .service(web::resource("/bare").to(me))
    });
    let server = server.workers(1).bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    address
}

async fn get(url: &str, authorization: &[&str]) -> Response {
    let request =
        authorization.iter().fold(Client::new().get(url), |request, value| request.header(AUTHORIZATION, *value));
    request.send().await.unwrap()
}

/// Status, challenge and body of an answer.
async fn told(response: Response) -> (u16, String, String) {
    let challenge = response.headers().get("www-authenticate").map_or("", |value| value.to_str().unwrap()).to_owned();
    (response.status().as_u16(), challenge, response.text().await.unwrap())
}

#[actix_web::test]
async fn callers_are_known_and_everybody_else_is_answered_as_the_rfc_says() {
    let at = serve().await;
    let signed = format!("Bearer {}", SigningKey::new(SECRET).sign(TOKEN));
    let good = format!("Bearer {TOKEN}");
    for (path, headers, status, challenge, body) in [
        ("/me", &[&*signed][..], 200, "", "ann@example.com"),
        ("/me", &[&*good], 200, "", "ann@example.com"),
        ("/me", &[], 401, "Bearer realm=\"api\"", "unauthorized"),
        ("/me", &["Basic dXNlcg=="], 401, "Bearer realm=\"api\"", "unauthorized"),
        ("/me", &["Bearer unknown"], 401, "error=\"invalid_token\"", "invalid_token"),
        ("/me", &["Bearer a.forged"], 401, "error=\"invalid_token\"", "invalid_token"),
        ("/me", &["Bearer two words"], 400, "error=\"invalid_request\"", "invalid_request"),
        ("/me", &[&*good, &*good], 400, "error=\"invalid_request\"", "invalid_request"),
        ("/me?access_token=a", &[], 400, "error=\"invalid_request\"", "invalid_request"),
        ("/admin", &[&*good], 403, "error=\"insufficient_scope\"", "insufficient_scope"),
        ("/away", &[&*good], 503, "", "temporarily_unavailable"),
        ("/perhaps", &[], 200, "", "nobody"),
        ("/perhaps", &[&*good], 200, "", "u1"),
        ("/perhaps", &["Bearer unknown"], 401, "error=\"invalid_token\"", "invalid_token"),
        ("/strict", &[], 401, "Bearer realm=\"api\"", "unauthorized"),
        ("/bare", &[&*good], 500, "", "server_error"),
    ] {
        let (had, header, text) = told(get(&format!("{at}{path}"), headers).await).await;
        assert_eq!(had, status, "{path} {headers:?}");
        assert!(header.contains(challenge) && header.is_empty() == challenge.is_empty(), "{path} {header}");
        assert!(text.contains(body), "{path} {text}");
    }
}

#[actix_web::test]
async fn what_is_away_says_when_to_come_back_and_a_token_in_the_address_is_not_stored() {
    let at = serve().await;
    let away = get(&format!("{at}/away"), &["Bearer a"]).await;
    assert_eq!(away.headers()["retry-after"], "7");
    let by_query = get(&format!("{at}/query?access_token={TOKEN}"), &[]).await;
    assert_eq!(
        (by_query.status().as_u16(), &by_query.headers()["cache-control"]),
        (200, &"private, no-store".parse().unwrap())
    );
}
