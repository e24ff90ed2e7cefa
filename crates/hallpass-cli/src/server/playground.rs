//! The page at `/` in development: sign up, see the token arrive, use it, end it.

use axum::{Router, response::IntoResponse, routing::get};
use http::{HeaderName, HeaderValue, header};

const PAGE: &str = include_str!("../../assets/playground.html");
const STYLE: &str = include_str!("../../assets/playground.css");
const SCRIPT: &str = include_str!("../../assets/playground.js");

/// Nothing from elsewhere, nothing inline: the page holds live tokens.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes(base_path: &str) -> Router {
    let page = PAGE.replace("{{base_path}}", base_path);
    Router::new()
        .route("/", get(move || std::future::ready(asset("text/html; charset=utf-8", page.clone()))))
        .route("/playground.css", get(|| std::future::ready(asset("text/css; charset=utf-8", STYLE.into()))))
        .route("/playground.js", get(|| std::future::ready(asset("text/javascript; charset=utf-8", SCRIPT.into()))))
}

fn asset(kind: &'static str, content: String) -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, content)
}
