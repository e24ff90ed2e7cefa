//! Clients that mean no good, and everybody else meanwhile.

use std::{
    io::{Read, Write},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::support::{Answer, Server};

#[test]
fn silent_and_slow_connections_are_closed_and_others_are_answered() {
    let server = Server::start("[server]\nheader_timeout = 1");
    let token = server.sign_up("ada");
    let mut stalled: Vec<_> = [&b""[..], b"G", b"PRI * HTTP/2", b"GET / HTTP/1.1\r\nx: "]
        .into_iter()
        .map(|first| {
            let mut stream = server.connect();
            stream.write_all(first).unwrap();
            stream
        })
        .collect();
    for _ in 0..5 {
        assert_eq!(server.get("/api/auth/get-session", Some(&token)).status, 200);
        sleep(Duration::from_millis(100));
    }
    let begun = Instant::now();
    for stream in &mut stalled {
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn what_is_too_long_is_refused_and_the_server_goes_on() {
    let server = Server::start("");
    let long_header = format!("Bearer {}", "a".repeat(64 * 1024));
    let request = format!("GET /api/auth/get-session HTTP/1.1\r\nhost: test\r\nauthorization: {long_header}\r\n\r\n");
    assert_eq!(server.send(request.as_bytes()).status, 431);
    let long_body = format!(r#"{{"email":"{}"}}"#, "a".repeat(2 * 1024 * 1024));
    let refused = server.post("/api/auth/sign-in/email", None, &long_body);
    assert!(matches!(refused.status, 413 | 0), "{refused:?}");
    assert_eq!(server.get("/api/auth/ok", None).status, 200);
}

#[test]
fn a_body_just_over_the_limit_is_told_so() {
    let server = Server::start("[server]\nbody_limit = 1000");
    let refused = server.post("/api/auth/sign-in/email", None, &format!(r#"{{"email":"{}"}}"#, "a".repeat(1000)));
    assert_eq!((refused.status, &refused.json()["code"]), (413, &"PAYLOAD_TOO_LARGE".into()));
}

#[test]
fn bytes_that_are_no_http_get_an_answer_or_none_and_the_server_goes_on() {
    let server = Server::start("");
    for bytes in [
        &b"\0\0\0\0"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /api/auth/ok HTTP/1.1\r\nhost: test\r\ncookie: a=\x01\r\n\r\n",
        b"GET /api/auth/o\tk HTTP/1.1\r\nhost: test\r\n\r\n",
        b"POST /api/auth/sign-out HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/auth/sign-out HTTP/1.1\r\nhost: test\r\ncontent-length: -1\r\n\r\n",
        "A".repeat(20_000).as_bytes(),
    ] {
        let answer = server.send(bytes);
        assert!(answer.status < 500, "{answer:?}");
        assert_eq!(server.get("/api/auth/ok", None).status, 200);
    }
}

#[test]
fn bytes_past_ascii_in_headers_are_just_a_wrong_token() {
    let server = Server::start("");
    let mut stream = server.connect();
    let request = b"GET /api/auth/get-session HTTP/1.1\r\nhost: test\r\nauthorization: Bearer \xff\xfe\xe9\r\nconnection: close\r\n\r\n";
    stream.write_all(request).unwrap();
    let answer = Answer::read(&mut stream);
    assert_eq!((answer.status, &*answer.body), (200, "null"));
}

#[test]
fn a_client_that_goes_away_in_the_middle_of_a_body_leaves_nothing_behind() {
    let server = Server::start("");
    for _ in 0..20 {
        let mut stream = server.connect();
        let head = "POST /api/auth/sign-up/email HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(br#"{"name":"Ada","email":"ada@example.com","pass"#).unwrap();
    }
    let token = server.sign_up("ada");
    assert_eq!(server.get("/api/auth/get-session", Some(&token)).status, 200);
}
