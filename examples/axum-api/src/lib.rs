//! An API of one's own beside the endpoints of hallpass: `/` is for everybody, `/me` for those who are signed in, and
//! `/app` is a page that signs people up and in. Whoever signs up proves their address first, and a forgotten password
//! is replaced by mail.

mod page;

use axum::{Json, Router, routing::get};
use hallpass::{
    Bearer, BuildError, EmailAndPassword, Environment, Hallpass, mail::Mailer, options::EmailVerification, store::Store,
};
use hallpass_axum::{OptionalSession, Session};
use http::{HeaderName, HeaderValue, Method, header};
use serde::{Deserialize, Serialize};
use tower_http::cors::CorsLayer;

/// What `/me` tells.
#[derive(Debug, Serialize, Deserialize)]
pub struct Me {
    /// Who is asking.
    pub email: String,
    /// How the session's device introduced itself.
    pub device: Option<String>,
}

/// Who may come in, and how. `origin` is where people reach the application: the links in mails begin with it. Pages of
/// `page_origin` may sign people in as well, and be where those links lead.
pub fn auth(origin: &str, page_origin: &str, store: impl Store, mailer: impl Mailer) -> Result<Hallpass, BuildError> {
    Hallpass::builder()
        .environment(Environment::Development)
        // From your configuration, in earnest; `hallpass secret` prints one.
        .secret("only for this example, which keeps nothing of worth")
        .base_url(origin)
        .trusted_origins([page_origin])
        .store(store)
        .mailer(mailer)
        .email_and_password(EmailAndPassword {
            require_email_verification: true,
            // Whoever had the old password may have sessions, too.
            revoke_sessions_on_password_reset: true,
            ..EmailAndPassword::default()
        })
        // Who comes back without having followed the link gets another one.
        .email_verification(EmailVerification { send_on_sign_in: true, ..EmailVerification::default() })
        .plugin(Bearer::new())
        .build()
}

/// The whole application.
pub fn app(auth: &Hallpass, cors: CorsLayer) -> Router {
    Router::new()
        .route("/", get(hello))
        .route("/me", get(me))
        .layer(hallpass_axum::layer(auth))
        .merge(hallpass_axum::router(auth))
        .route("/app", get(page::page))
        .layer(cors)
}

/// Lets pages of `origin` use the application with a bearer token. The layer replaces what answers expose with its own list, so
/// `set-auth-token` has to be on it.
pub fn cors_for(origin: HeaderValue) -> CorsLayer {
    CorsLayer::new()
        .allow_origin([origin])
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([HeaderName::from_static("set-auth-token")])
}

async fn hello(OptionalSession(session): OptionalSession) -> String {
    session.map_or_else(|| "Hello, stranger.\n".into(), |session| format!("Hello, {}.\n", session.user.name))
}

async fn me(session: Session) -> Json<Me> {
    Json(Me { email: session.user.email, device: session.session.user_agent })
}
