//! An API of one's own beside the endpoints of hallpass: `/` is for everybody, `/me` for those who are signed in.

use axum::{Json, Router, routing::get};
use hallpass::Hallpass;
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

/// The whole application.
pub fn app(auth: &Hallpass, cors: CorsLayer) -> Router {
    Router::new()
        .route("/", get(hello))
        .route("/me", get(me))
        .layer(hallpass_axum::layer(auth))
        .merge(hallpass_axum::router(auth))
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
