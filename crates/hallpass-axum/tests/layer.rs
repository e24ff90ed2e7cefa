//! Router, layer and extractors, without a socket.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use axum::{Router, body::Body, routing::get};
use hallpass::{Bearer, EmailAndPassword, Environment, Hallpass, options::SessionOptions, options::Span};
use hallpass_axum::{OptionalSession, Session};
use hallpass_store::{
    Batch, Fut, MemoryStore, Mode, Outcome, Plan, Query, Row, Schema, SessionToken, Store, StoreError,
};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

/// Counts look-ups, and can be cut off.
#[derive(Clone, Default)]
struct Watched {
    store: MemoryStore,
    look_ups: Arc<AtomicU32>,
    away: Arc<AtomicBool>,
}

impl Store for Watched {
    fn migrate<'a>(&'a self, schema: &'a Schema, mode: Mode) -> Fut<'a, Plan> {
        self.store.migrate(schema, mode)
    }
    fn session_with_user<'a>(
        &'a self,
        schema: &'a Schema,
        token: &'a SessionToken,
    ) -> Fut<'a, Option<hallpass_store::SessionAndUser>> {
        self.look_ups.fetch_add(1, Ordering::Relaxed);
        if self.away.load(Ordering::Relaxed) {
            return Box::pin(async { Err(StoreError::unavailable("cut off")) });
        }
        self.store.session_with_user(schema, token)
    }
    fn find<'a>(&'a self, schema: &'a Schema, query: Query) -> Fut<'a, Vec<Row>> {
        self.store.find(schema, query)
    }
    fn write<'a>(&'a self, schema: &'a Schema, batch: Batch) -> Fut<'a, Vec<Outcome>> {
        self.store.write(schema, batch)
    }
    fn ping(&self) -> Fut<'_, ()> {
        self.store.ping()
    }
}

struct Stage {
    app: Router,
    store: Watched,
    token: String,
}

/// An application, and somebody who is signed in.
async fn stage(update_age: u64) -> Stage {
    let store = Watched::default();
    let auth = Hallpass::builder()
        .environment(Environment::Development)
        .secret("a secret of at least thirty-two characters")
        .store(store.clone())
        .session(SessionOptions { update_age: Some(Span::from_secs(update_age)), ..SessionOptions::default() })
        .email_and_password(EmailAndPassword::default())
        .plugin(Bearer::new().verify_endpoint(true))
        .build()
        .unwrap();
    let app = Router::new()
        .route("/me", get(async |session: Session| session.user.name))
        .route("/both", get(async |one: Session, two: OptionalSession| format!("{}", Some(one) == two.0)))
        .route("/maybe", get(async |session: Option<Session>| session.map_or("nobody".into(), |it| it.user.name)))
        .route("/open", get(async || "open"))
        .layer(hallpass_axum::layer(&auth))
        .route("/bare", get(async |session: Session| session.user.name))
        .merge(hallpass_axum::router(&auth));
    let body = r#"{"name":"Ann","email":"ann@example.com","password":"correct horse"}"#;
    let request = Request::post("/api/auth/sign-up/email").header(header::CONTENT_TYPE, "application/json");
    let signed_up = app.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let token = signed_up.headers()["set-auth-token"].to_str().unwrap().to_owned();
    Stage { app, store, token }
}

impl Stage {
    async fn get(&self, path: &str, token: Option<&str>) -> Response<Body> {
        let mut request = Request::get(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    async fn mine(&self, path: &str) -> Response<Body> {
        self.get(path, Some(&self.token)).await
    }
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn the_session_is_looked_up_when_asked_for_and_once() {
    let stage = stage(86_400).await;
    assert_eq!(text(stage.mine("/open").await).await, "open");
    assert_eq!(stage.store.look_ups.load(Ordering::Relaxed), 0);
    assert_eq!(text(stage.mine("/both").await).await, "true");
    assert_eq!(stage.store.look_ups.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_forged_token_is_refused_without_the_store() {
    let stage = stage(86_400).await;
    assert_eq!(stage.get("/me", Some("forged.signature")).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(stage.store.look_ups.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_a_refresh_set_is_passed_on_and_kept_out_of_caches() {
    let answer = stage(0).await.mine("/me").await;
    let headers = answer.headers();
    assert!(headers["set-auth-token"].to_str().unwrap().contains('.'));
    assert!(headers[header::SET_COOKIE].to_str().unwrap().starts_with("better-auth.session_token="));
    assert_eq!(headers[header::ACCESS_CONTROL_EXPOSE_HEADERS], "set-auth-token");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    let calm = stage(86_400).await.mine("/me").await;
    assert!(!calm.headers().contains_key("set-auth-token") && !calm.headers().contains_key(header::CACHE_CONTROL));
}

#[tokio::test]
async fn strangers_are_refused_or_let_in_as_the_handler_says() {
    let stage = stage(86_400).await;
    let refused = stage.get("/me", None).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(text(refused).await, r#"{"error":"Unauthorized"}"#);
    assert_eq!(text(stage.get("/maybe", None).await).await, "nobody");
    assert_eq!(text(stage.mine("/maybe").await).await, "Ann");
}

#[tokio::test]
async fn a_store_that_is_away_is_never_nobody() {
    let stage = stage(86_400).await;
    stage.store.away.store(true, Ordering::Relaxed);
    for path in ["/me", "/maybe", "/both"] {
        let answer = stage.mine(path).await;
        assert_eq!(
            (answer.status(), &answer.headers()[header::RETRY_AFTER]),
            (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
        );
    }
    stage.store.away.store(false, Ordering::Relaxed);
    assert_eq!(stage.mine("/me").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_route_without_the_layer_says_so_to_the_operator_alone() {
    let answer = stage(86_400).await.mine("/bare").await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(text(answer).await, r#"{"error":"Internal Server Error"}"#);
}

#[tokio::test]
async fn gateways_are_answered_at_every_path_below_their_endpoint() {
    let stage = stage(86_400).await;
    for below in
        ["", "/", "/orders?x=1", "//a//", "/../../get-session", "/%2e%2e/ok", "/../../../../me", "/../../../../open"]
    {
        let path = format!("/api/auth/bearer/verify{below}");
        let mine = stage.mine(&path).await;
        assert_eq!(
            (mine.status(), mine.headers()["x-auth-email"].as_bytes()),
            (StatusCode::OK, &b"ann@example.com"[..]),
            "{path}"
        );
        assert_eq!(stage.get(&path, None).await.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
}
