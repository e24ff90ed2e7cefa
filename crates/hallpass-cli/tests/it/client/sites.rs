//! Sites that are no auth servers, or stand in the way to one.

use std::{
    io::Read,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Weak},
    thread,
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use rustls::{
    ServerConfig, ServerConnection, Stream,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::support::Server;

/// A site on a thread of its own.
pub(super) fn site(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), app).await.unwrap();
        });
    });
    format!("http://{address}")
}

/// Speaks TLS with a certificate of its own making.
pub(super) fn tls_site() -> SocketAddr {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = stream.unwrap();
            let _ = Stream::new(&mut connection, &mut stream).read(&mut [0; 1024]);
        }
    });
    address
}

/// Hands a request on, and says that it comes from somebody's page.
pub(super) async fn add_origin(State(server): State<Weak<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 10_000).await.unwrap();
    let head = format!(
        "{} {} HTTP/1.1\r\nhost: {}\r\norigin: https://evil.example\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        parts.method,
        parts.uri,
        parts.headers.get("host").unwrap().to_str().unwrap(),
        body.len()
    );
    let bytes = [head.as_bytes(), &body].concat();
    let answer = tokio::task::spawn_blocking(move || server.upgrade().unwrap().send(&bytes)).await.unwrap();
    (StatusCode::from_u16(answer.status).unwrap(), answer.body).into_response()
}
