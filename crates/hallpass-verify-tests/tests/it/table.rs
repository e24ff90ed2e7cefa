//! One table of requests and answers, for every source.

use std::{convert::Infallible, time::Instant};

use hallpass_verify::{Caller, Guard, SessionSource, VerifyLayer};
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt, service_fn};

/// One token of each kind. The valid one is of `ann@example.com`.
pub(crate) struct Tokens {
    pub(crate) valid: String,
    pub(crate) expired: String,
    pub(crate) revoked: String,
    pub(crate) forged: String,
    pub(crate) unknown: String,
}

/// Status, challenge and body of an answer, and how long a 503 asks to wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) challenge: Option<String>,
    pub(crate) body: String,
    pub(crate) retry_after: Option<String>,
}

fn told(status: u16, challenge: Option<&str>, body: &str) -> Told {
    let retry_after = (status == 503).then(|| "1".to_owned());
    Told { status, challenge: challenge.map(str::to_owned), body: body.to_owned(), retry_after }
}

/// Asks a service that answers with its caller's address.
pub(crate) async fn ask(guard: impl Into<Guard>, authorization: &[&str], query: &str) -> Told {
    let inner = service_fn(async |request: Request<()>| {
        let caller = request.extensions().get::<Caller>();
        let text = caller.map_or("nobody", |caller| caller.email().unwrap()).to_owned();
        Ok::<_, Infallible>(Response::new(Full::<axum::body::Bytes>::from(text)))
    });
    let mut request = Request::builder().uri(format!("/orders{query}"));
    for value in authorization {
        request = request.header(header::AUTHORIZATION, *value);
    }
    let response = VerifyLayer::new(guard).layer(inner).oneshot(request.body(()).unwrap()).await.unwrap();
    let text = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, challenge, retry_after) =
        (response.status().as_u16(), text(header::WWW_AUTHENTICATE), text(header::RETRY_AFTER));
    if status != 200 {
        assert_eq!(text(header::CACHE_CONTROL).unwrap(), "no-store");
        assert_eq!(text(header::CONTENT_TYPE).unwrap(), "application/json");
    }
    if status == 200 && !query.is_empty() {
        assert_eq!(text(header::CACHE_CONTROL).unwrap(), "private, no-store");
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Told { status, challenge, retry_after, body: String::from_utf8(body.to_vec()).unwrap() }
}

pub(crate) fn invalid() -> Told {
    told(
        401,
        Some(
            "Bearer realm=\"api\", error=\"invalid_token\", error_description=\"The token is expired, revoked or not known\"",
        ),
        r#"{"error":"invalid_token","error_description":"The token is expired, revoked or not known"}"#,
    )
}

fn malformed(description: &str) -> Told {
    let challenge = format!("Bearer realm=\"api\", error=\"invalid_request\", error_description=\"{description}\"");
    let body = format!(r#"{{"error":"invalid_request","error_description":"{description}"}}"#);
    told(400, Some(&challenge), &body)
}

/// Everything but what happens when nobody can tell.
pub(crate) async fn run<S: SessionSource + Clone>(source: &S, tokens: &Tokens) {
    let bearer = |token: &str| format!("Bearer {token}");
    let live = || told(200, None, "ann@example.com");
    assert_eq!(ask(source.clone(), &[&bearer(&tokens.valid)], "").await, live(), "valid");
    for (case, token) in [
        ("expired", &tokens.expired),
        ("revoked", &tokens.revoked),
        ("forged", &tokens.forged),
        ("unknown", &tokens.unknown),
    ] {
        assert_eq!(ask(source.clone(), &[&bearer(token)], "").await, invalid(), "{case}");
        assert_eq!(
            ask(Guard::new(source.clone()).optional(), &[&bearer(token)], "").await,
            invalid(),
            "{case}, optional"
        );
    }
    let stranger = told(
        401,
        Some("Bearer realm=\"api\""),
        r#"{"error":"unauthorized","error_description":"A bearer token is needed here"}"#,
    );
    assert_eq!(ask(source.clone(), &[], "").await, stranger, "missing");
    assert_eq!(ask(source.clone(), &["Basic dXNlcg=="], "").await, stranger, "another scheme");
    assert_eq!(ask(Guard::new(source.clone()).optional(), &[], "").await, told(200, None, "nobody"), "optional");
    let no_token = malformed("The Authorization header holds no bearer token");
    for header in ["Bearer", "Bearer two words", "Bearer a\u{e9}", "Bearer ="] {
        assert_eq!(ask(source.clone(), &[header], "").await, no_token, "malformed: {header}");
    }
    let twice = [&*bearer(&tokens.valid), &bearer(&tokens.valid)];
    assert_eq!(ask(source.clone(), &twice, "").await, malformed("There is more than one Authorization header"));
    let query = format!("?access_token={}", tokens.valid.replace('+', "%2B"));
    let address = malformed("The token belongs into the Authorization header, not into the address");
    assert_eq!(ask(source.clone(), &[], &query).await, address, "query");
    assert_eq!(
        ask(Guard::new(source.clone()).danger_accept_token_in_query(), &[], &query).await,
        live(),
        "query, allowed"
    );
    let both = ask(Guard::new(source.clone()).danger_accept_token_in_query(), &[&bearer(&tokens.valid)], &query).await;
    assert_eq!(both, malformed("There is more than one token"));
    let only_admins = Guard::new(source.clone()).authorize(|caller| caller.has_role("admin")).scope("admin");
    let forbidden = ask(only_admins, &[&bearer(&tokens.valid)], "").await;
    assert_eq!(forbidden.status, 403);
    assert!(forbidden.challenge.unwrap().contains("error=\"insufficient_scope\""));
}

/// Nobody can tell: 503, soon enough, whether a caller is optional or not. Never 401, and never let through.
pub(crate) async fn is_unavailable<S: SessionSource + Clone>(source: &S, token: &str, case: &str) {
    let body = r#"{"error":"temporarily_unavailable","error_description":"Whether the token is good cannot be told right now. Try again"}"#;
    let begun = Instant::now();
    for guard in [Guard::new(source.clone()), Guard::new(source.clone()).optional()] {
        assert_eq!(ask(guard, &[&format!("Bearer {token}")], "").await, told(503, None, body), "{case}");
    }
    assert!(begun.elapsed().as_secs() < 15, "{case}");
}

/// The address of a server that accepts connections and says nothing.
pub(crate) async fn silent() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            held.push(connection);
        }
    });
    address
}

/// An address where nobody listens.
pub(crate) async fn closed() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
