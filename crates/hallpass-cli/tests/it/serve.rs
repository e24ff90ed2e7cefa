//! A server's life, from nothing configured to the end.

use std::{
    fs,
    io::{Read, Write},
};

use crate::support::{Answer, Server, err, post, run};

#[test]
fn with_nothing_configured_a_token_is_got_used_and_ended() {
    let server = Server::start("");
    let token = server.sign_up("ada");
    let session = server.get("/api/auth/get-session", Some(&token)).json();
    assert_eq!(session["user"]["email"], "ada@example.com");
    let sessions = server.get("/api/auth/list-sessions", Some(&token)).json();
    assert_eq!(sessions.as_array().unwrap().len(), 1);
    assert_eq!(server.post("/api/auth/sign-out", Some(&token), "{}").body, r#"{"success":true}"#);
    assert_eq!(server.get("/api/auth/get-session", Some(&token)).body, "null");
}

#[cfg(unix)]
#[test]
fn what_it_writes_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start("");
    server.sign_up("ada");
    for name in ["hallpass.secret", "hallpass.db", "hallpass.db-wal"] {
        let mode = fs::metadata(server.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_restart_keeps_users_sessions_and_secret() {
    let mut server = Server::start("");
    let token = server.sign_up("ada");
    assert!(server.terminate());
    let folder = std::mem::replace(&mut server.folder, tempfile::tempdir().unwrap());
    let again = Server::start_in(folder, "");
    assert_eq!(again.get("/api/auth/get-session", Some(&token)).json()["user"]["name"], "ada");
}

#[test]
fn asked_to_stop_it_finishes_what_is_under_way_and_empties_the_log_of_the_database() {
    let mut server = Server::start("");
    let mut stream = server.connect();
    let body = r#"{"name":"Ada","email":"ada@example.com","password":"correct horse"}"#;
    let request = String::from_utf8(post("/api/auth/sign-up/email", None, body)).unwrap();
    let (head, _) = request.split_once("\r\n\r\n").unwrap();
    stream.write_all(format!("{head}\r\nexpect: 100-continue\r\n\r\n").as_bytes()).unwrap();
    let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut told = [0; 25];
    // The server asks for the body, so the request is under way.
    stream.read_exact(&mut told).unwrap();
    assert_eq!(told, *go_on);
    server.ask_to_stop();
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(Answer::read(&mut stream).status, 200);
    assert!(server.wait());
    let wal = fs::metadata(server.folder.path().join("hallpass.db-wal")).map_or(0, |wal| wal.len());
    assert_eq!(wal, 0);
    assert!(server.log().contains("stopped"));
}

#[test]
fn it_says_whether_it_is_there_and_ready() {
    let server = Server::start("");
    assert_eq!(server.get("/healthz", None).body, "ok");
    assert_eq!(server.get("/readyz", None).body, "ready");
}

#[test]
fn the_playground_is_there_in_development_only() {
    let page = Server::start("").get("/", None);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("data-base-path=\"/api/auth\""));
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    let production =
        Server::start("environment = \"production\"\nsecret = \"a secret of at least thirty-two characters\"");
    assert_eq!(production.get("/", None).status, 404);
}

#[test]
fn metrics_have_a_listener_of_their_own_and_name_no_secret() {
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start(&format!("[server]\nmetrics_listen = \"{metrics}\""));
    let token = server.sign_up("ada");
    server.get("/api/auth/get-session", Some(&token));
    server.get("/api/auth/some-secret-in-a-path", None);
    assert_eq!(server.get("/metrics", None).status, 404);
    let mut stream = std::net::TcpStream::connect(metrics).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
    let shown = Answer::read(&mut stream).body;
    assert!(shown.contains(r#"route="/get-session",status="200"#), "{shown}");
    assert!(shown.contains(r#"route="other""#) && !shown.contains("some-secret-in-a-path"));
}

#[test]
fn log_lines_are_json_when_asked_for_and_hold_no_token() {
    let server = Server::start("[log]\nformat = \"json\"\nfilter = \"trace\"");
    let token = server.sign_up("ada");
    server.get("/api/auth/get-session", Some(&token));
    server.post("/api/auth/revoke-session", Some(&token), &format!(r#"{{"token":"{token}"}}"#));
    let log = server.log();
    assert!(log.lines().count() > 3);
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    let (raw, signature) = token.split_once('.').unwrap();
    assert!(!log.contains(raw) && !log.contains(signature) && !log.contains("correct horse"));
}

#[test]
fn a_start_that_makes_no_sense_is_refused_with_what_to_do() {
    let refused = |config: &str, arguments: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hallpass.toml"), config).unwrap();
        let output = run(folder.path(), arguments);
        assert!(!output.status.success());
        assert!(!folder.path().join("hallpass.db").exists(), "{config}");
        err(&output)
    };
    for (config, arguments, hint) in [
        ("", &["serve", "--listen", "0.0.0.0:0"][..], "environment = \"production\""),
        ("[server]\nlisten = \"0.0.0.0:0\"", &["serve"], "environment = \"production\""),
        ("environment = \"production\"", &["serve"], "hallpass secret"),
        ("[sesion]\nexpires_in = 1", &["serve"], "did you mean `session.expires_in`?"),
        ("[session]\nexpires_in = \"500d\"", &["config", "check"], "400 days"),
        ("base_url = \"ftp://x\"", &["config", "check"], "http://"),
        ("[database]\nurl = \"oracle://u:hunter2@h/d\"", &["config", "check"], "database.url"),
        ("[database]\nurl = \"postgres://u:hunter2@127.0.0.1:1/d\"", &["serve"], "127.0.0.1"),
        ("[database]\nurl = \"postgres://u:hunter2@h:port/d\"", &["config", "check"], "database.url"),
        ("[database]\nurl = \"mysql://u:hunter2@h:port/d\"", &["config", "check"], "database.url"),
        (
            "[database]\nurl = \"postgres://u@h/d\"\nlisten_url = \"http://u:hunter2@h\"",
            &["config", "check"],
            "database.listen_url",
        ),
        ("[secondary_storage]\nurl = \"http://u:hunter2@h\"", &["config", "check"], "secondary_storage.url"),
        ("[log]\nfilter = \"===\"", &["config", "check"], "log.filter"),
    ] {
        let said = refused(config, arguments);
        assert!(said.contains(hint) && !said.contains("hunter2"), "{config}: {said}");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(tempfile::tempdir().unwrap().path(), &["serve", "--listen", &address]);
    assert!(err(&output).contains(&address), "{}", err(&output));
}
