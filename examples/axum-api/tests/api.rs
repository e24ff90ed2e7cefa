//! The application as its callers see it, without a socket.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use axum::{Router, body::Body};
use example_axum_api::{app, cors_for};
use hallpass::{Bearer, EmailAndPassword, Environment, Hallpass, store::MemoryStore};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use tower::ServiceExt;
use tower_http::cors::CorsLayer;

const PAGE: &str = "http://localhost:5173";

fn api(cors: CorsLayer) -> Router {
    let auth = Hallpass::builder()
        .environment(Environment::Development)
        .secret("a secret of at least thirty-two characters")
        .base_url("http://localhost:4000")
        .trusted_origins([PAGE])
        .store(MemoryStore::new())
        .email_and_password(EmailAndPassword::default())
        .plugin(Bearer::new())
        .build()
        .unwrap();
    app(&auth, cors)
}

async fn get(api: &Router, path: &str, token: Option<&str>) -> Response<Body> {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    api.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn sign_up(api: &Router) -> Response<Body> {
    let body = r#"{"name":"Ada","email":"ada@example.com","password":"correct horse"}"#;
    let request = Request::post("/api/auth/sign-up/email")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ORIGIN, PAGE)
        .body(Body::from(body))
        .unwrap();
    api.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn a_protected_route_lets_in_whoever_has_a_token() {
    let api = api(CorsLayer::new());
    let stranger = get(&api, "/me", None).await;
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(text(stranger).await, r#"{"error":"Unauthorized"}"#);
    assert_eq!(text(get(&api, "/", None).await).await, "Hello, stranger.\n");

    let signed_up = sign_up(&api).await;
    let token = signed_up.headers()["set-auth-token"].to_str().unwrap();
    let me = get(&api, "/me", Some(token)).await;
    assert_eq!(me.status(), StatusCode::OK);
    assert!(me.headers().get(header::SET_COOKIE).is_none());
    assert!(text(me).await.contains("ada@example.com"));
    assert_eq!(text(get(&api, "/", Some(token)).await).await, "Hello, Ada.\n");
    assert_eq!(get(&api, "/me", Some("forged.signature")).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_page_of_another_origin_can_read_the_token() {
    let answer = sign_up(&api(cors_for(HeaderValue::from_static(PAGE)))).await;
    assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
    assert_eq!(answer.headers()[header::ACCESS_CONTROL_EXPOSE_HEADERS], "set-auth-token");
    assert!(answer.headers().contains_key("set-auth-token"));
}

/// What happens without the entry: the layer's list takes the place of the answer's, and a browser hides the token.
#[tokio::test]
async fn a_cors_layer_with_a_list_of_its_own_hides_the_token() {
    let other = CorsLayer::new()
        .allow_origin([HeaderValue::from_static(PAGE)])
        .expose_headers([header::HeaderName::from_static("x-request-id")]);
    let answer = sign_up(&api(other)).await;
    assert!(answer.headers().contains_key("set-auth-token"));
    let exposed: Vec<_> = answer.headers().get_all(header::ACCESS_CONTROL_EXPOSE_HEADERS).iter().collect();
    assert_eq!(exposed, ["x-request-id"]);
}

#[tokio::test]
async fn a_preflight_allows_the_authorization_header() {
    let api = api(cors_for(HeaderValue::from_static(PAGE)));
    let request = Request::options("/api/auth/get-session")
        .header(header::ORIGIN, PAGE)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization")
        .body(Body::empty())
        .unwrap();
    let answer = api.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS], "authorization,content-type");
}
