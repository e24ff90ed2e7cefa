//! The client side of the command line, with real servers.

mod curl;
mod home;
#[cfg(feature = "keyring")]
mod keyring;
mod npm;
mod profiles;
mod sessions;
mod sites;
mod terminal;
mod words;

use std::{fs, os::unix::fs::PermissionsExt};

use crate::support::{Server, err, out};
use home::{Home, PASSWORD, said};

#[test]
fn somebody_signs_in_looks_around_and_signs_out() {
    let server = Server::start("");
    server.sign_up("ada");
    let home = Home::new();
    let login = home.login(&server, "ada", &[]);
    assert!(login.status.success(), "{}", err(&login));
    assert_eq!(out(&login), "");
    assert!(err(&login).contains("as ada@example.com"), "{}", err(&login));

    let token = home.token();
    assert!(token.contains('.'), "the signed one");
    assert_eq!(server.get("/api/auth/get-session", Some(&token)).json()["user"]["name"], "ada");
    assert_eq!(fs::metadata(home.tokens()).unwrap().permissions().mode() & 0o777, 0o600);

    let who = home.run(&["whoami"]);
    assert!(out(&who).contains("email: ada@example.com (not verified)"), "{}", out(&who));
    let who = home.json(&["whoami", "--json"]);
    assert_eq!((&who["user"]["email"], &who["profile"]), (&"ada@example.com".into(), &"default".into()));
    assert!(who["session"]["userAgent"].as_str().unwrap().starts_with("hallpass/"), "{who}");

    let logout = home.run(&["logout"]);
    assert!(logout.status.success() && err(&logout).contains("signed out"), "{}", err(&logout));
    assert_eq!(server.get("/api/auth/get-session", Some(&token)).body, "null");
    for command in ["whoami", "token", "sessions"] {
        let output = home.run(&[command]);
        assert_eq!(output.status.code(), Some(3), "{command}");
        assert!(out(&output).is_empty() && err(&output).contains("run `hallpass login`"), "{}", err(&output));
    }
    let again = home.run(&["logout"]);
    assert!(again.status.success() && err(&again).contains("nobody was signed in"), "{}", err(&again));
}

#[test]
fn the_next_time_only_the_password_has_to_be_said() {
    let server = Server::start("");
    server.sign_up("ada");
    let home = Home::new();
    home.login(&server, "ada", &[]);
    home.run(&["logout"]);
    // There is no terminal to confirm the address on, so it is said.
    let login = home.run_with(&["login", "--email", "ada@example.com", "--password-stdin"], PASSWORD);
    assert!(login.status.success(), "{}", err(&login));
    assert_eq!(home.json(&["whoami", "--json"])["user"]["name"], "ada");
}

#[test]
fn no_configuration_is_read() {
    let server = Server::start("");
    server.sign_up("ada");
    let home = Home::new();
    fs::write(home.path().join("hallpass.toml"), "this is no configuration").unwrap();
    assert!(home.login(&server, "ada", &[]).status.success());
    assert!(home.run(&["whoami"]).status.success());
    assert!(!home.path().join("hallpass.db").exists());
}

#[test]
fn the_whole_first_line_is_the_password() {
    let server = Server::start("");
    let body = r#"{"name":"ada","email":"ada@example.com","password":"  blanks count  "}"#;
    server.post("/api/auth/sign-up/email", None, body);
    let home = Home::new();
    let arguments = ["login", "--url", &server.url(), "--email", "ada@example.com", "--password-stdin"];
    for (input, good) in [
        ("  blanks count  \nnot this\n", true),
        ("  blanks count  \r\n", true),
        ("  blanks count  ", true),
        ("blanks count\n", false),
        ("\n  blanks count  \n", false),
        ("", false),
    ] {
        let login = home.run_with(&arguments, input);
        assert_eq!(login.status.success(), good, "{input:?}: {}", err(&login));
    }
}

#[test]
fn the_token_is_said_by_one_command_alone() {
    let server = Server::start("[log]\nfilter = \"trace\"");
    server.sign_up("ada");
    let home = Home::new();
    let mut told = said(&home.login(&server, "ada", &[]));
    let token = home.token();
    let id = home.json(&["whoami", "--json"])["session"]["id"].as_str().unwrap().to_owned();
    for command in [
        &["whoami"][..],
        &["whoami", "--json"],
        &["sessions"],
        &["sessions", "--json"],
        &["profiles"],
        &["profiles", "--json"],
        &["sessions", "revoke", "--others"],
        &["sessions", "revoke", "nonsense"],
        &["sessions", "revoke", &id],
        &["whoami"],
        &["logout"],
    ] {
        told += &said(&home.command(command).env("RUST_LOG", "trace").output().unwrap());
    }
    told += &server.log();
    assert!(told.contains("ada@example.com") && told.contains(&id), "{told}");
    let raw = token.split('.').next().unwrap();
    assert!(raw.len() >= 32 && !told.contains(raw));
    assert!(!told.contains("correct horse"));
}

#[test]
fn what_strangers_chose_does_not_reach_the_terminal_as_it_is() {
    let server = Server::start("");
    let body = r#"{"name":"Ada\u001b[2J\nid: admin","email":"ada@example.com","password":"correct horse"}"#;
    server.post("/api/auth/sign-up/email", None, body);
    let home = Home::new();
    assert!(home.login(&server, "ada", &[]).status.success());
    for command in [&["whoami"][..], &["whoami", "--json"]] {
        let shown = said(&home.run(command));
        assert!(shown.contains("[2J") && !shown.contains('\u{1b}') && !shown.contains("\nid: admin"), "{shown:?}");
    }
}
