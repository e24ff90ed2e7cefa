//! What mails are for: proving an address, and choosing a new password.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use axum::{Router, body::Body};
use example_axum_api::{app, auth};
use hallpass::{
    mail::{Mail, MailError},
    store::MemoryStore,
};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};
use tower::ServiceExt;
use tower_http::cors::CorsLayer;

const ORIGIN: &str = "http://localhost:4000";
const PAGE: &str = "http://localhost:5173";
const SIGN_UP: &str =
    r#"{"name":"Ada","email":"ada@example.com","password":"correct horse","callbackURL":"/app?verified=1"}"#;
const SIGN_IN: &str = r#"{"email":"ada@example.com","password":"correct horse","callbackURL":"/app?verified=1"}"#;
const FORGOT: &str = r#"{"email":"ada@example.com","redirectTo":"/app"}"#;

/// The application, and the mails it sends.
struct World {
    api: Router,
    mails: UnboundedReceiver<Mail>,
}

impl World {
    fn new() -> Self {
        let (post, mails) = unbounded_channel();
        let mailer = move |mail: Mail| {
            let posted = post.send(mail).map_err(MailError::permanent);
            async move { posted }
        };
        let auth = auth(ORIGIN, PAGE, MemoryStore::new(), mailer).unwrap();
        Self { api: app(&auth, CorsLayer::new()), mails }
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.api.clone().oneshot(request).await.unwrap()
    }

    async fn post(&self, path: &str, json: &str) -> Response<Body> {
        let request = Request::post(format!("/api/auth{path}")).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(json.to_owned())).unwrap()).await
    }

    async fn get(&self, url: &str) -> Response<Body> {
        self.send(Request::get(url).body(Body::empty()).unwrap()).await
    }

    async fn mail(&mut self) -> Mail {
        timeout(Duration::from_secs(10), self.mails.recv()).await.unwrap().unwrap()
    }

    /// Follows the link of the next mail, and says of which kind it was and where the link led.
    async fn follow(&mut self) -> (Mail, String) {
        let mail = self.mail().await;
        let answer = self.get(&mail.url).await;
        assert_eq!(answer.status(), StatusCode::FOUND);
        (mail, answer.headers()[header::LOCATION].to_str().unwrap().to_owned())
    }

    /// Whoever `/me` takes the answer's token for.
    async fn me(&self, signed_in: &Response<Body>) -> StatusCode {
        let token = signed_in.headers()["set-auth-token"].to_str().unwrap();
        let request = Request::get("/me").header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await.status()
    }
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn nobody_comes_in_before_the_address_is_proven() {
    let mut world = World::new();
    let signed_up = world.post("/sign-up/email", SIGN_UP).await;
    assert_eq!(signed_up.status(), StatusCode::OK);
    assert!(!signed_up.headers().contains_key("set-auth-token"));
    let first = world.mail().await;
    assert_eq!((first.kind.as_str(), &*first.to), ("verify-email", "ada@example.com"));

    let refused = world.post("/sign-in/email", SIGN_IN).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(text(refused).await.contains("EMAIL_NOT_VERIFIED"));

    // The refusal sent another link.
    let (mail, led_to) = world.follow().await;
    assert_eq!((mail.kind.as_str(), &*led_to), ("verify-email", "/app?verified=1"));
    let signed_in = world.post("/sign-in/email", SIGN_IN).await;
    assert_eq!(world.me(&signed_in).await, StatusCode::OK);
}

#[tokio::test]
async fn the_link_leads_back_to_a_page_of_the_other_origin_and_of_no_third() {
    let mut world = World::new();
    let sign_up = |page: &str| SIGN_UP.replace("/app", page);
    assert_eq!(world.post("/sign-up/email", &sign_up("http://localhost:6666/")).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(world.post("/sign-up/email", &sign_up(&format!("{PAGE}/"))).await.status(), StatusCode::OK);
    assert_eq!(world.follow().await.1, format!("{PAGE}/?verified=1"));
}

#[tokio::test]
async fn a_broken_link_leads_to_the_page_and_says_why() {
    let world = World::new();
    let broken = world.get("/api/auth/verify-email?token=x&callbackURL=%2Fapp%3Fverified%3D1").await;
    assert_eq!(broken.headers()[header::LOCATION], "/app?verified=1&error=INVALID_TOKEN");
    let broken = world.get("/api/auth/reset-password/x?callbackURL=%2Fapp").await;
    assert_eq!(broken.headers()[header::LOCATION], format!("{ORIGIN}/app?error=INVALID_TOKEN"));
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_once_and_ends_all_sessions() {
    let mut world = World::new();
    world.post("/sign-up/email", SIGN_UP).await;
    world.follow().await;
    let before = world.post("/sign-in/email", SIGN_IN).await;
    assert_eq!(world.me(&before).await, StatusCode::OK);

    world.post("/request-password-reset", FORGOT).await;
    let (mail, led_to) = world.follow().await;
    assert_eq!((mail.kind.as_str(), led_to), ("reset-password", format!("{ORIGIN}/app?token={}", mail.token)));
    let choice = format!(r#"{{"newPassword":"a new password","token":"{}"}}"#, mail.token);
    assert_eq!(world.post("/reset-password", &choice).await.status(), StatusCode::OK);
    assert_eq!(world.post("/reset-password", &choice).await.status(), StatusCode::BAD_REQUEST);

    assert_eq!(world.me(&before).await, StatusCode::UNAUTHORIZED);
    assert_eq!(world.post("/sign-in/email", SIGN_IN).await.status(), StatusCode::UNAUTHORIZED);
    let now = world.post("/sign-in/email", r#"{"email":"ada@example.com","password":"a new password"}"#).await;
    assert_eq!(world.me(&now).await, StatusCode::OK);
}

#[tokio::test]
async fn the_page_lets_browsers_run_its_own_script_alone() {
    let page = World::new().get("/app").await;
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(page.headers()[header::REFERRER_POLICY], "no-referrer");
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("47DEQpj8HBSa"), "nothing was hashed: {policy}");
    assert!(text(page).await.contains("<h1 id=\"sign-in-title\""));
}
