//! Several servers side by side.

use std::thread;

use crate::support::{Server, err, out};

use super::home::Home;

#[test]
fn two_servers_side_by_side_do_not_meet() {
    let (one, two) = (Server::start(""), Server::start(""));
    one.sign_up("ada");
    two.sign_up("bob");
    let home = Home::new();
    assert!(home.login(&one, "ada", &[]).status.success());
    assert!(home.login(&two, "bob", &["--profile", "work"]).status.success());

    let name = |arguments: &[&str]| home.json(arguments)["user"]["name"].clone();
    assert_eq!(name(&["whoami", "--json"]), "ada");
    assert_eq!(name(&["whoami", "--json", "--profile", "work"]), "bob");
    let by_environment = |profile: &str, arguments: &[&str]| {
        out(&home.command(arguments).env("HALLPASS_PROFILE", profile).output().unwrap())
    };
    assert!(by_environment("work", &["whoami"]).contains("bob@example.com"));
    assert!(by_environment("", &["whoami"]).contains("ada@example.com"));
    assert!(by_environment("work", &["whoami", "--profile", "default"]).contains("ada@example.com"));
    let tokens = [by_environment("default", &["token"]), by_environment("work", &["token"])];
    assert_eq!(one.get("/api/auth/get-session", Some(tokens[1].trim())).body, "null");

    let listed = home.json(&["profiles", "--json"]);
    let row = |index: usize| (listed[index]["profile"].clone(), listed[index]["server"].clone());
    assert_eq!(row(0), ("default".into(), format!("{}/api/auth", one.url()).into()));
    assert_eq!(row(1), ("work".into(), format!("{}/api/auth", two.url()).into()));

    assert!(home.run(&["logout", "--profile", "work"]).status.success());
    assert_eq!(two.get("/api/auth/get-session", Some(tokens[1].trim())).body, "null");
    assert_eq!(name(&["whoami", "--json"]), "ada");
    assert!(home.login(&two, "bob", &["--profile", "work"]).status.success());
    assert!(home.run(&["logout", "--all"]).status.success());
    let listed = home.json(&["profiles", "--json"]);
    assert!(listed.as_array().unwrap().iter().all(|profile| profile["signedIn"] == false), "{listed}");
}

#[test]
fn a_profile_is_not_taken_from_a_server_where_somebody_is_signed_in() {
    let (one, two) = (Server::start(""), Server::start(""));
    one.sign_up("ada");
    two.sign_up("ada");
    let home = Home::new();
    home.login(&one, "ada", &[]);
    let token = home.token();
    let refused = home.login(&two, "ada", &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("--profile NAME"), "{}", err(&refused));
    assert_eq!(home.token(), token);

    home.run(&["logout"]);
    assert!(home.login(&two, "ada", &[]).status.success());
    assert_eq!(home.json(&["whoami", "--json"])["server"], format!("{}/api/auth", two.url()));
}

#[test]
fn signing_in_again_ends_the_session_of_before() {
    let server = Server::start("");
    let elsewhere = server.sign_up("ada");
    let home = Home::new();
    home.login(&server, "ada", &[]);
    let before = home.token();
    assert!(home.login(&server, "ada", &[]).status.success());
    assert_ne!(home.token(), before);
    assert_eq!(server.get("/api/auth/get-session", Some(&before)).body, "null");
    assert_eq!(home.json(&["sessions", "--json"]).as_array().unwrap().len(), 2);

    // A sign-in that fails leaves everything as it is.
    let now = home.token();
    let wrong = home.run_with(&["login", "--email", "ada@example.com", "--password-stdin"], "wrong horse\n");
    assert_eq!(wrong.status.code(), Some(1));
    assert_eq!(home.token(), now);
    assert!([now, elsewhere].iter().all(|token| server.get("/api/auth/get-session", Some(token)).body != "null"));
}

#[test]
fn profiles_that_sign_in_at_once_are_all_remembered() {
    let server = Server::start("");
    server.sign_up("ada");
    let home = Home::new();
    thread::scope(|scope| {
        for number in 0..6 {
            let (home, server) = (&home, &server);
            scope.spawn(move || {
                let login = home.login(server, "ada", &["--profile", &format!("p{number}")]);
                assert!(login.status.success(), "{}", err(&login));
            });
        }
    });
    let listed = home.json(&["profiles", "--json"]);
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|profile| profile["profile"].clone()).collect();
    assert_eq!(names, ["p0", "p1", "p2", "p3", "p4", "p5"]);
    assert!((0..6).all(|number| home.run(&["whoami", "--profile", &format!("p{number}")]).status.success()));
}

#[test]
fn a_profile_can_be_forgotten_while_its_server_is_away() {
    let server = Server::start("");
    server.sign_up("ada");
    let home = Home::new();
    home.login(&server, "ada", &["--profile", "it's mine"]);
    drop(server);
    let logout = home.run(&["logout", "--profile", "it's mine"]);
    assert_eq!(logout.status.code(), Some(1));
    let words = err(&logout);
    assert!(words.contains("cannot be reached") && words.contains("logout --forget"), "{words}");
    assert_eq!(home.json(&["profiles", "--json"])[0]["signedIn"], true);

    assert!(home.run(&["logout", "--forget", "--profile", "it's mine"]).status.success());
    assert_eq!(home.json(&["profiles", "--json"]), serde_json::json!([]));
    assert!(!std::fs::read_to_string(home.tokens()).unwrap().contains("token\""));
    let unknown = home.run(&["whoami", "--profile", "it's mine"]);
    assert_eq!(unknown.status.code(), Some(3));
    assert!(err(&unknown).contains(r"login --url https://… --profile 'it'\''s mine'"), "{}", err(&unknown));
}
