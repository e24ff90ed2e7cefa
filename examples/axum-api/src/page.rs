//! The page at `/app`: one file, which asks the API as any other client would.

use std::sync::LazyLock;

use axum::response::{Html, IntoResponse};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, header};
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("page.html");

/// The page holds tokens, so nothing may run or be loaded but what stands in it: browsers compare script and style with
/// these hashes.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash_of("script"),
        hash_of("style"),
    )
});

/// Serves the page.
pub(crate) async fn page() -> impl IntoResponse {
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_SECURITY_POLICY, &POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Links from mails lead here with a token in the address, which is nobody else's business.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(PAGE))
}

/// What `<script>` or `<style>` holds, as a policy names it. Without such an element nothing of the kind is allowed.
fn hash_of(element: &str) -> String {
    let after = PAGE.split_once(&format!("<{element}>")).map_or("", |(_, after)| after);
    let inside = after.split_once(&format!("</{element}>")).map_or("", |(inside, _)| inside);
    format!("sha256-{}", STANDARD.encode(Sha256::digest(inside)))
}
