//! Any text as a redirect target: only this site and the trusted one are let through.
#![no_main]

use std::sync::LazyLock;

use hallpass::{Environment, Hallpass, store::MemoryStore};
use http::{Request, StatusCode};
use libfuzzer_sys::fuzz_target;

static AUTH: LazyLock<Hallpass> = LazyLock::new(|| {
    Hallpass::builder()
        .environment(Environment::Development)
        .secret("better-auth-contract-secret-00000000")
        .base_url("https://auth.example.com")
        .trusted_origins(["https://app.example.com", "https://*.wild.example"])
        .store(MemoryStore::new())
        .build()
        .expect("it is configured well")
});

fuzz_target!(|target: &str| {
    let mut json = String::from("{\"callbackURL\":\"");
    for character in target.chars() {
        let mut units = [0; 2];
        for unit in character.encode_utf16(&mut units) {
            json.push_str(&format!("\\u{unit:04x}"));
        }
    }
    json.push_str("\"}");
    let request = Request::post("/api/auth/sign-out")
        .header("content-type", "application/json")
        .body(http_body_util::Full::<bytes::Bytes>::from(json.into_bytes()))
        .expect("it is a request");
    let status = futures_executor::block_on(AUTH.handle(request)).status();
    if status == StatusCode::OK && !target.is_empty() {
        let own = target.starts_with('/') && !target.starts_with("//") && !target.contains('\\');
        let named = ["auth.example.com", "app.example.com", ".wild.example"].iter().any(|host| {
            target.to_lowercase().replace(['\t', '\n', '\r'], "").contains(host) || !target.is_ascii() || target.contains('%')
        });
        assert!(own || named, "{target:?} was let through");
    }
});
