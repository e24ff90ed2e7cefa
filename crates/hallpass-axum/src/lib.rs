//! hallpass-axum
