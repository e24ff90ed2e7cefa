//! `hallpass proxy` between real clients and a real upstream.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::ws::{WebSocket, WebSocketUpgrade},
    response::Response,
    routing::{any, get, post},
};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use crate::support::{Answer, Server, err, run};

/// Says what it was asked.
async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Json(json!({
        "method": method.as_str(), "uri": uri.to_string(), "headers": headers, "body": String::from_utf8_lossy(&body),
    }))
}

/// Sends back, in upper case, each piece of a body as soon as it is there.
async fn shout(body: Body) -> Body {
    let pieces = body.into_data_stream().map(|piece| piece.map(|bytes| bytes.to_ascii_uppercase()));
    Body::from_stream(pieces)
}

async fn chat(upgrade: WebSocketUpgrade, headers: HeaderMap) -> Response {
    let caller = headers.get("x-auth-email").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    upgrade.on_upgrade(async move |mut socket: WebSocket| {
        socket.send(format!("hello {caller}").into()).await.unwrap();
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                break;
            }
        }
    })
}

/// An upstream on a thread of its own.
fn upstream() -> SocketAddr {
    let app = Router::new()
        .route("/shout", post(shout))
        .route("/chat", get(chat))
        .fallback(any(echo))
        .layer(axum::extract::DefaultBodyLimit::disable());
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, app).await
        })
    });
    told.recv().unwrap()
}

/// A server, a proxy beside it in front of an upstream, and Ada's token.
fn world(arguments: &[&str]) -> (Server, Server, String) {
    let server = Server::start("");
    let token = server.sign_up("ada");
    let url = format!("http://{}", upstream());
    let proxy = server.proxy(&[&["--upstream", &url], arguments].concat());
    (server, proxy, token)
}

fn header<'a>(told: &'a Value, name: &str) -> Vec<&'a str> {
    let lines = told["headers"].as_array().unwrap().iter();
    lines.filter(|line| line[0] == name).map(|line| line[1].as_str().unwrap()).collect()
}

fn request(proxy: &Server, lines: &str) -> Answer {
    proxy.send(format!("{lines}\r\nhost: app.example.com\r\nconnection: close\r\n\r\n").as_bytes())
}

#[test]
fn the_upstream_learns_who_is_calling_and_nobody_can_tell_it_otherwise() {
    let (server, proxy, token) = world(&[]);
    let ada = server.get("/api/auth/get-session", Some(&token)).json();
    let told = request(
        &proxy,
        &format!(
            "GET /orders//7%2f8?q=%20+1 HTTP/1.1\r\nauthorization: Bearer {token}\r\nx-auth-user-id: admin\r\n\
             X_Auth_User_Id: admin\r\nx-auth-email: root@example.com\r\nX-AUTH-SESSION-ID: s\r\n\
             X.Auth.User.Id: admin\r\nx-forwarded-for: 203.0.113.9"
        ),
    )
    .json();
    assert_eq!(told["uri"], "/orders//7%2f8?q=%20+1", "byte for byte");
    assert_eq!(header(&told, "x-auth-user-id"), [ada["user"]["id"].as_str().unwrap()]);
    assert_eq!(header(&told, "x-auth-session-id"), [ada["session"]["id"].as_str().unwrap()]);
    assert_eq!(header(&told, "x-auth-email"), ["ada@example.com"]);
    assert!(header(&told, "x_auth_user_id").is_empty() && header(&told, "x.auth.user.id").is_empty());
    assert!(header(&told, "authorization").is_empty(), "who does not see the token cannot lose it");
    assert_eq!(header(&told, "host"), ["app.example.com"]);
    assert_eq!(header(&told, "x-forwarded-for"), ["127.0.0.1"], "strangers can say what they like");
}

#[test]
fn whoever_has_no_good_token_is_challenged_and_the_upstream_hears_nothing() {
    let (server, proxy, token) = world(&["--realm", "orders"]);
    let (raw, _) = token.split_once('.').unwrap();
    assert_eq!(request(&proxy, &format!("GET / HTTP/1.1\r\nauthorization: Bearer {raw}")).status, 200);
    let nobody = request(&proxy, "GET / HTTP/1.1\r\nx-auth-user-id: admin");
    assert_eq!((nobody.status, nobody.header("www-authenticate").unwrap()), (401, r#"Bearer realm="orders""#.into()));
    for credential in [format!("{raw}.forged"), "abcdefghijklmnopqrstuvwxyzABCDEF".into(), "a.b.c".into()] {
        let refused = request(&proxy, &format!("POST / HTTP/1.1\r\nauthorization: Bearer {credential}"));
        assert_eq!((refused.status, &refused.json()["error"]), (401, &"invalid_token".into()), "{credential}");
    }
    let two = request(&proxy, &format!("GET / HTTP/1.1\r\nauthorization: Bearer {token}\r\nauthorization: Bearer x"));
    assert_eq!((two.status, &two.json()["error"]), (400, &"invalid_request".into()));
    let in_query = request(&proxy, &format!("GET /?access_token={raw} HTTP/1.1"));
    assert_eq!(in_query.status, 400);
    assert_eq!(server.post("/api/auth/sign-out", Some(&token), "{}").status, 200);
    let ended = request(&proxy, &format!("GET / HTTP/1.1\r\nauthorization: Bearer {token}"));
    assert_eq!((ended.status, &ended.json()["error"]), (401, &"invalid_token".into()), "at once");
    assert!(!proxy.log().contains(raw));
}

#[test]
fn an_auth_server_can_be_asked_instead_of_its_database() {
    let mut server = Server::start("");
    let token = server.sign_up("ada");
    let url = format!("http://{}", upstream());
    // In a folder of its own, with nothing of the server's.
    let elsewhere = Server::start("");
    let auth = format!("http://{}", server.address);
    let proxy = elsewhere.proxy(&["--upstream", &url, "--auth-url", &auth]);
    let asked = format!("GET / HTTP/1.1\r\nauthorization: Bearer {token}");
    assert_eq!(header(&request(&proxy, &asked).json(), "x-auth-email"), ["ada@example.com"]);
    let forged = request(&proxy, "GET / HTTP/1.1\r\nauthorization: Bearer a.forged");
    assert_eq!((forged.status, &forged.json()["error"]), (401, &"invalid_token".into()));
    assert_eq!(server.post("/api/auth/sign-out", Some(&token), "{}").status, 200);
    assert_eq!(request(&proxy, &asked).status, 401);
    let token =
        server.post("/api/auth/sign-in/email", None, r#"{"email":"ada@example.com","password":"correct horse"}"#);
    let asked = format!("GET / HTTP/1.1\r\nauthorization: Bearer {}", token.header("set-auth-token").unwrap());
    assert_eq!(request(&proxy, &asked).status, 200);
    assert!(server.terminate());
    let away = request(&proxy, &asked);
    assert_eq!((away.status, away.header("retry-after").is_some()), (503, true), "{away:?}");
}

#[test]
fn strangers_may_come_without_a_name_where_they_are_let_in() {
    let (_server, proxy, token) = world(&["--optional", "--pass-authorization"]);
    let told = request(&proxy, "GET / HTTP/1.1\r\nx-auth-user-id: admin").json();
    assert!(header(&told, "x-auth-user-id").is_empty());
    let told = request(&proxy, &format!("GET / HTTP/1.1\r\nauthorization: Bearer {token}")).json();
    assert_eq!(header(&told, "x-auth-email"), ["ada@example.com"]);
    assert_eq!(header(&told, "authorization"), [format!("Bearer {token}")], "asked for, it is passed on");
    assert_eq!(request(&proxy, "GET / HTTP/1.1\r\nauthorization: Bearer a.forged").status, 401);
}

#[test]
fn bodies_stream_both_ways() {
    let (_server, proxy, token) = world(&[]);
    let mut stream = proxy.connect();
    let head = format!(
        "POST /shout HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = BufReader::new(stream.try_clone().unwrap());
    for (number, piece) in ["first", "second", "third"].into_iter().enumerate() {
        // The next piece is sent only when the answer to this one has come back.
        stream.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).unwrap();
        if number == 0 {
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                answer.read_line(&mut line).unwrap();
            }
        }
        let mut size = String::new();
        answer.read_line(&mut size).unwrap();
        let mut shouted = vec![0; piece.len() + 2];
        answer.read_exact(&mut shouted).unwrap();
        assert_eq!(String::from_utf8(shouted).unwrap(), format!("{}\r\n", piece.to_uppercase()));
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut end = String::new();
    answer.read_line(&mut end).unwrap();
    assert_eq!(end, "0\r\n");
}

#[test]
fn a_large_body_arrives_whole() {
    let (_server, proxy, token) = world(&[]);
    let body = "0123456789abcdef".repeat(256 * 1024);
    let head = format!(
        "POST /upload HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\nexpect: 100-continue\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = proxy.connect();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let told: Value = serde_json::from_str(text.split("\r\n\r\n").last().unwrap()).unwrap();
    assert_eq!(told["body"].as_str().unwrap().len(), body.len());
}

#[tokio::test]
async fn a_websocket_goes_through_for_callers_and_for_nobody_else() {
    let (_server, proxy, token) = world(&[]);
    let asked = |token: &str| {
        let mut request = format!("ws://{}/chat", proxy.address).into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        request
    };
    let Err(Error::Http(refused)) = connect_async(asked("a.forged")).await else { panic!("it was let through") };
    assert_eq!(refused.status(), 401);
    let (mut socket, answer) = connect_async(asked(&token)).await.unwrap();
    assert_eq!(answer.status(), 101);
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello ada@example.com"));
    for message in [Message::text("one"), Message::binary(vec![7; 100_000]), Message::text("")] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    while let Some(Ok(message)) = socket.next().await {
        assert!(message.is_close());
    }
}

#[tokio::test]
async fn a_websocket_ends_with_the_session_behind_it() {
    let (server, proxy, token) = world(&["--recheck", "1"]);
    let mut request = format!("ws://{}/chat", proxy.address).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    assert!(socket.next().await.unwrap().is_ok());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    socket.send(Message::text("still here")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("still here"), "a good token is good again");
    assert_eq!(server.post("/api/auth/sign-out", Some(&token), "{}").status, 200);
    let ended = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.unwrap();
    assert!(ended.is_none_or(|message| message.is_err()));
}

#[test]
fn no_other_protocol_gets_past_and_no_tunnel_leads_anywhere() {
    let (_server, proxy, token) = world(&[]);
    let asked = |line: &str, more: &str| {
        proxy.send(format!("{line} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\n{more}\r\n").as_bytes())
    };
    let upgrade = "connection: close, upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n";
    let told = asked("GET /", upgrade);
    assert_eq!(told.status, 200);
    for name in ["upgrade", "http2-settings"] {
        assert!(header(&told.json(), name).is_empty(), "{name}");
    }
    assert_eq!(asked("CONNECT evil.example:443", "connection: close\r\n").status, 405);
    assert_eq!(asked("TRACE /", "connection: close\r\n").status, 405);
    assert_eq!(asked("GET /", "host: other\r\nconnection: close\r\n").status, 400);
    let trailers = "connection: close\r\ntransfer-encoding: chunked\r\ntrailer: x-auth-user-id\r\n\r\n\
                    2\r\nok\r\n0\r\nx-auth-user-id: admin\r\n";
    let told = asked("GET /", trailers);
    assert_eq!(
        (told.status, &told.json()["body"]),
        (200, &"ok".into()),
        "a body of a GET arrives, its trailers do not"
    );
    assert_eq!(header(&told.json(), "x-auth-user-id").len(), 1);
    assert!(header(&told.json(), "trailer").is_empty());
}

#[test]
fn an_upstream_that_is_away_is_502_and_comes_back() {
    let server = Server::start("");
    let token = server.sign_up("ada");
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = server.proxy(&["--upstream", &format!("http://{away}")]);
    let asked = format!("GET / HTTP/1.1\r\nauthorization: Bearer {token}");
    let answer = request(&proxy, &asked);
    assert_eq!((answer.status, &answer.json()["error"]), (502, &"bad_gateway".into()));
    assert_eq!(request(&proxy, "GET / HTTP/1.1").status, 401, "and strangers learn nothing of it");
}

#[test]
fn what_makes_no_sense_is_refused_at_the_start_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, hint) in [
        (&["--upstream", "127.0.0.1:8080"][..], "such as http://127.0.0.1:8080"),
        (&["--upstream", "http://u:hunter2@h"], "a scheme and a host"),
        (&["--upstream", "http://h/path"], "a scheme and a host"),
        (&["--upstream", "ftp://h"], "a scheme and a host"),
        (&["--upstream", "http://127.0.0.1:8080"], "HALLPASS__SECRET"),
    ] {
        let said = err(&run(folder.path(), &[&["proxy"], arguments].concat()));
        assert!(said.contains(hint) && !said.contains("hunter2"), "{arguments:?}: {said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn asked_to_stop_it_finishes_what_is_under_way() {
    let (_server, mut proxy, token) = world(&[]);
    let mut stream = proxy.connect();
    let head = format!(
        "POST /echo HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut told = [0; 25];
    stream.read_exact(&mut told).unwrap();
    proxy.ask_to_stop();
    std::thread::sleep(Duration::from_millis(50));
    stream.write_all(b"ok").unwrap();
    assert_eq!(Answer::read(&mut stream).status, 200);
    assert!(proxy.wait());
}
