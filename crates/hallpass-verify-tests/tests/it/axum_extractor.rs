//! The caller among the arguments of an axum handler.

use axum::{Router, routing::get};
use hallpass_verify::{Caller, Guard, RemoteSource, VerifyLayer};
use reqwest::Client;

use crate::{
    auth_server::{Server, serve, sign_up},
    table,
};

#[tokio::test(flavor = "multi_thread")]
async fn handlers_take_callers() {
    let server = Server::start().await;
    let token = sign_up(&server.base, "ann").await;
    let source = RemoteSource::new(&server.base).unwrap();
    let away = RemoteSource::new(&format!("http://{}", table::closed().await)).unwrap();
    let me = async |caller: Caller| caller.user().unwrap().name.clone();
    let perhaps =
        async |caller: Option<Caller>| caller.map_or("nobody".to_owned(), |caller| caller.email().unwrap().to_owned());
    let layered = |guard: Guard| VerifyLayer::new(guard);
    let app = Router::new()
        .route("/me", get(me).layer(layered(source.clone().into())))
        .route("/perhaps", get(perhaps).layer(layered(Guard::new(source.clone()).optional())))
        .route("/strict", get(me).layer(layered(Guard::new(source).optional().realm("shop"))))
        .route("/away", get(perhaps).layer(layered(Guard::new(away).optional())))
        .route("/bare", get(perhaps));
    let at = serve(app).await;
    for (path, token, status, body, challenge) in [
        ("/me", Some(&*token), 200, "ann", None),
        ("/me", None, 401, "unauthorized", Some("Bearer realm=\"api\"")),
        ("/perhaps", Some(&*token), 200, "ann@example.com", None),
        ("/perhaps", None, 200, "nobody", None),
        ("/perhaps", Some("unknown"), 401, "invalid_token", Some("error=\"invalid_token\"")),
        ("/strict", None, 401, "unauthorized", Some("Bearer realm=\"shop\"")),
        ("/away", Some(&*token), 503, "temporarily_unavailable", None),
        ("/bare", Some(&*token), 500, "server_error", None),
    ] {
        let request = Client::new().get(format!("{at}{path}"));
        let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        let response = request.send().await.unwrap();
        let had = response.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(had.is_some(), challenge.is_some(), "{path}");
        assert!(had.unwrap_or_default().contains(challenge.unwrap_or_default()), "{path}");
        assert!(response.text().await.unwrap().contains(body), "{path}");
    }
}
