//! Any bytes as a body, of any type, at the endpoints anybody reaches: an answer, and none that says the server broke.
#![no_main]

use std::sync::LazyLock;

use hallpass::{Bearer, EmailAndPassword, Environment, Hallpass, store::MemoryStore};
use http::Request;
use libfuzzer_sys::fuzz_target;

static AUTH: LazyLock<Hallpass> = LazyLock::new(|| {
    Hallpass::builder()
        .environment(Environment::Development)
        .secret("better-auth-contract-secret-00000000")
        .store(MemoryStore::new())
        // Everything but the password, which takes too long to be tried at random.
        .email_and_password(EmailAndPassword { min_password_length: 5000, max_password_length: 1, ..EmailAndPassword::default() })
        .plugin(Bearer::new())
        .build()
        .expect("it is configured well")
});

const PATHS: [&str; 5] = ["/sign-up/email", "/sign-in/email", "/sign-out", "/revoke-session", "/update-user"];
const TYPES: [&str; 4] =
    ["application/json", "application/x-www-form-urlencoded", "application/json; charset=utf-8", "text/plain"];

fuzz_target!(|input: (u8, u8, Vec<u8>)| {
    let (path, kind, body) = input;
    let path = PATHS[usize::from(path) % PATHS.len()];
    let request = Request::post(format!("/api/auth{path}"))
        .header("content-type", TYPES[usize::from(kind) % TYPES.len()])
        .body(http_body_util::Full::<bytes::Bytes>::from(body))
        .expect("it is a request");
    let answer = futures_executor::block_on(AUTH.handle(request));
    assert!(answer.status().as_u16() < 500, "{}", answer.status());
});
