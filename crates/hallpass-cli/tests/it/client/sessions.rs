//! Sessions: seen, ended from here, and ended elsewhere.

use std::fs;

use crate::support::{Server, err, out};

use super::home::Home;

#[test]
fn sessions_are_listed_and_ended_one_by_one() {
    let server = Server::start("");
    let elsewhere = server.sign_up("ada");
    let home = Home::new();
    home.login(&server, "ada", &[]);
    let own = home.token();

    let listed = home.json(&["sessions", "--json"]);
    let sessions = listed.as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let id = |current: bool| {
        let session = sessions.iter().find(|session| session["current"] == current).unwrap();
        session["id"].as_str().unwrap().to_owned()
    };
    let table = out(&home.run(&["sessions"]));
    let marked: Vec<&str> = table.lines().filter(|line| line.starts_with('*')).collect();
    assert!(marked.len() == 1 && marked[0].contains(&id(true)), "{table}");
    assert!(table.lines().any(|line| line.starts_with(' ') && line.contains(&id(false))), "{table}");

    let unknown = home.run(&["sessions", "revoke", "nonsense"]);
    assert!(unknown.status.code() == Some(1) && err(&unknown).contains("no such session"));
    assert!(home.run(&["sessions", "revoke", &id(false)]).status.success());
    assert_eq!(server.get("/api/auth/get-session", Some(&elsewhere)).body, "null");

    let last = home.run(&["sessions", "revoke", &id(true)]);
    assert!(last.status.success() && err(&last).contains("signed out"), "{}", err(&last));
    assert_eq!(server.get("/api/auth/get-session", Some(&own)).body, "null");
    assert_eq!(home.run(&["token"]).status.code(), Some(3));
}

#[test]
fn all_others_are_ended_together() {
    let server = Server::start("");
    let elsewhere = server.sign_up("ada");
    let home = Home::new();
    home.login(&server, "ada", &["--profile", "work"]);
    for arguments in [&["sessions", "revoke"][..], &["sessions", "revoke", "x", "--others"]] {
        assert_eq!(home.run(arguments).status.code(), Some(2));
    }
    assert!(home.run(&["sessions", "revoke", "--others", "--profile", "work"]).status.success());
    assert_eq!(server.get("/api/auth/get-session", Some(&elsewhere)).body, "null");
    assert!(home.run(&["whoami", "--profile", "work"]).status.success());
}

#[test]
fn a_session_that_was_ended_elsewhere_loses_its_token() {
    let server = Server::start("");
    let elsewhere = server.sign_up("ada");
    let home = Home::new();
    for command in [&["whoami"][..], &["sessions"], &["sessions", "revoke", "--others"]] {
        home.login(&server, "ada", &[]);
        let token = home.token();
        server.post("/api/auth/revoke-other-sessions", Some(&elsewhere), "{}");
        let output = home.run(command);
        assert_eq!(output.status.code(), Some(3), "{command:?}: {}", err(&output));
        assert!(err(&output).contains("ended elsewhere") && out(&output).is_empty(), "{}", err(&output));
        assert!(!fs::read_to_string(home.tokens()).unwrap().contains(&token));
        assert_eq!(home.run(&["token"]).status.code(), Some(3));
    }
}

#[test]
fn a_server_that_is_away_ends_no_session() {
    let server = Server::start("");
    server.sign_up("ada");
    let home = Home::new();
    home.login(&server, "ada", &[]);
    let token = home.token();
    drop(server);
    for command in ["whoami", "sessions", "logout"] {
        let output = home.run(&[command]);
        assert_eq!(output.status.code(), Some(1), "{command}: {}", err(&output));
    }
    assert_eq!(home.token(), token);
}
