//! Mail, from a request to whoever carries it.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    thread::{self, sleep},
    time::Duration,
};

use crate::support::{Server, err, run};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn ask_for_a_new_password(server: &Server, email: &str) -> u16 {
    server.post("/api/auth/request-password-reset", None, &format!(r#"{{"email":"{email}"}}"#)).status
}

/// The first mail in a file, once it is there.
fn first_mail(path: &Path) -> serde_json::Value {
    for _ in 0..200 {
        if let Some(line) = fs::read_to_string(path).ok().filter(|text| text.ends_with('\n')) {
            return serde_json::from_str(line.lines().next().unwrap()).unwrap();
        }
        sleep(Duration::from_millis(25));
    }
    unreachable!("no mail came");
}

#[test]
fn with_nothing_configured_mail_is_in_a_file_and_its_token_in_no_log() {
    let server = Server::start("[log]\nfilter = \"trace\"");
    server.sign_up("ada");
    assert_eq!(ask_for_a_new_password(&server, "ada@example.com"), 200);
    let path = server.folder.path().join("outbox.jsonl");
    let mail = first_mail(&path);
    assert_eq!((&mail["kind"], &mail["to"]), (&"reset-password".into(), &"ada@example.com".into()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let token = mail["token"].as_str().unwrap();
    assert!(mail["url"].as_str().unwrap().contains(token));
    let log = server.log();
    assert!(log.contains("a mail was written to a file") && log.contains("outbox.jsonl"), "{log}");
    assert!(!log.contains(token));
    let body = format!(r#"{{"token":"{token}","newPassword":"battery staple"}}"#);
    assert_eq!(server.post("/api/auth/reset-password", None, &body).status, 200);
    let body = r#"{"email":"ada@example.com","password":"battery staple"}"#;
    assert_eq!(server.post("/api/auth/sign-in/email", None, body).status, 200);
}

#[test]
fn in_production_nothing_is_sent_unless_told() {
    let server = Server::start("environment = \"production\"\nsecret = \"a secret of at least thirty-two characters\"");
    server.sign_up("ada");
    assert_eq!(ask_for_a_new_password(&server, "ada@example.com"), 400);
    assert!(!server.folder.path().join("outbox.jsonl").exists());
}

#[test]
fn asked_to_stop_it_waits_for_mail_on_its_way() {
    let webhook = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mail", webhook.local_addr().unwrap());
    let mail = format!("[mail]\ntransport = \"webhook\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"");
    let mut server = Server::start(&format!("base_url = \"http://127.0.0.1:3000\"\n[log]\nfilter = \"trace\"\n{mail}"));
    server.sign_up("ada");
    assert_eq!(ask_for_a_new_password(&server, "ada@example.com"), 200);
    let (mut stream, _) = webhook.accept().unwrap();
    let slow = thread::spawn(move || {
        let request = read_request(&mut stream);
        sleep(Duration::from_secs(1));
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        request
    });
    assert!(server.terminate());
    assert!(slow.is_finished(), "the server ended before its mail was taken");
    let request = slow.join().unwrap();
    assert!(request.starts_with("POST /mail ") && request.contains("webhook-signature: v1,"), "{request}");
    let mail: serde_json::Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    let log = server.log();
    assert!(!log.contains("is lost") && !log.contains(mail["token"].as_str().unwrap()), "{log}");
    assert!(!log.contains(SECRET));
}

/// A request with its body, which ends in a brace.
fn read_request(stream: &mut TcpStream) -> String {
    let (mut text, mut bytes) = (String::new(), [0; 4096]);
    while !text.ends_with('}') {
        let read = stream.read(&mut bytes).unwrap();
        assert!(read > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(bytes.get(..read).unwrap()));
    }
    text
}

#[test]
fn links_that_would_lead_anywhere_and_settings_that_make_no_sense_are_refused() {
    let production = "environment = \"production\"\nsecret = \"a secret of at least thirty-two characters\"\n";
    let based = "base_url = \"http://127.0.0.1:3000\"\n";
    let smtp =
        |url: &str, from: &str| format!("{based}[mail]\ntransport = \"smtp\"\nurl = \"{url}\"\nfrom = \"{from}\"");
    for (config, hint) in [
        (format!("{production}[mail]\ntransport = \"file\""), "base_url is required where mail is sent"),
        (smtp("smtp://u:hunter2@h?tls=yes", "a@example.com"), "?tls=required"),
        (smtp("smtp://u:hunter2@h", "nobody"), "no address to send mail from"),
        ("[mail]\ntransport = \"smtp\"\nurl = \"smtps://h\"\nfrom = \"a@example.com\"".into(), "base_url is required"),
        (format!("{based}[mail]\ntransport = \"webhook\"\nurl = \"hunter2\"\nsecret = \"{SECRET}\""), "http://"),
        (format!("{based}[mail]\ntransport = \"webhook\"\nurl = \"http://h\"\nsecret = \"hunter2\""), "openssl rand"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hallpass.toml"), &config).unwrap();
        for arguments in [&["config", "check"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let output = run(folder.path(), arguments);
            let said = err(&output);
            assert!(!output.status.success() && said.contains(hint) && !said.contains("hunter2"), "{config}: {said}");
        }
    }
}
