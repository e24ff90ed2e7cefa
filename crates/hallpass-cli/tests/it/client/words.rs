//! What is said when it does not work.

use std::{
    fs, net::TcpListener, os::unix::fs::PermissionsExt, process::Output, sync::Arc, thread::sleep, time::Duration,
};

use axum::{
    Router,
    http::StatusCode,
    response::{Html, Redirect},
    routing::{any, get},
};

use crate::support::{Server, err, out};

use super::{
    home::{Home, said},
    sites::{add_origin, site, tls_site},
};

/// Fails with this status and all of these words, and says nothing where data goes.
#[track_caller]
pub(super) fn fails(output: &Output, status: i32, words: &[&str]) {
    let text = err(output);
    assert_eq!(output.status.code(), Some(status), "{text}");
    assert!(out(output).is_empty());
    assert!(words.iter().all(|word| text.contains(word)), "{words:?} are not all in: {text}");
    assert!(!text.contains("correct horse") && !text.contains('\u{1b}'), "{text}");
    assert!(text.trim_end().lines().count() == 1, "{text}");
}

#[test]
fn an_address_without_an_auth_server_is_told_before_a_password_goes_there() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let web = site(Router::new().fallback(any(|| async { Html("<h1>Welcome</h1>") })));
    let empty = site(Router::new());
    let private = site(Router::new().fallback(any(|| async { (StatusCode::UNAUTHORIZED, "{\"error\":\"who?\"}") })));
    let moved = site(Router::new().fallback(any(|| async { Redirect::permanent("https://www.example.com/") })));
    let ill = site(Router::new().fallback(any(|| async { StatusCode::SERVICE_UNAVAILABLE })));
    let plain = Server::start("");
    for (url, words) in [
        (format!("http://{nobody}"), &["127.0.0.1", "cannot be reached", "refused", "is the server running?"][..]),
        ("https://nowhere.invalid".into(), &["https://nowhere.invalid", "cannot be reached", "Is the address right"]),
        (web, &["not one of an auth server", "is the base URL right?"]),
        (empty, &["no auth server", "404", "/api/auth"]),
        (private, &["no auth server", "401"]),
        (moved, &["redirects to https://www.example.com"]),
        (ill, &["cannot help at the moment (503)"]),
        (format!("https://{}", plain.address), &["no TLS connection"]),
        (format!("{}/wrong/path", plain.url()), &["no auth server", "/wrong/path"]),
        ("http://auth.example.com".into(), &["use https://", "--insecure-http"]),
        ("ftp://auth.example.com".into(), &["begins with https://"]),
        ("auth.example.com".into(), &["begins with https://"]),
        ("https://a:b@auth.example.com".into(), &["no user name and no password"]),
    ] {
        let home = Home::new();
        let login = home.command(&["login", "--url", &url, "--email", "ada@example.com"]).output().unwrap();
        // Nothing was typed and nothing is asked for yet: the address comes first.
        fails(&login, 1, words);
        assert!(!home.tokens().exists());
    }
}

#[test]
fn http_to_another_address_is_possible_for_those_who_insist_and_remembered() {
    let server = Server::start("");
    server.sign_up("ada");
    let home = Home::new();
    // Not a loopback address by its looks, and yet this machine.
    let url = format!("http://0.0.0.0:{}", server.address.port());
    fails(&home.login_at(&url, "ada", &[]), 1, &["--insecure-http"]);
    assert!(home.login_at(&url, "ada", &["--insecure-http"]).status.success());
    assert!(home.run(&["whoami"]).status.success());
}

#[test]
fn a_certificate_that_nobody_trusts_is_called_that() {
    let address = tls_site();
    let home = Home::new();
    let login = home.login_at(&format!("https://localhost:{}", address.port()), "ada", &[]);
    fails(&login, 1, &["the certificate of https://localhost", "cannot be trusted"]);
}

#[test]
fn refusals_of_a_sign_in_say_what_to_do() {
    let unverified = "[email_and_password]\nrequire_email_verification = true";
    let limited = "[rate_limit]\nenabled = true\n[rate_limit.custom_rules.\"/sign-in/email\"]\nwindow = 60\nmax = 1";
    for (config, name, words) in [
        ("", "bob", &["does not know this e-mail address with this password"][..]),
        ("", "no address", &["no e-mail address"]),
        (unverified, "ada", &["has to be verified first", "mail"]),
        (limited, "ada", &["too many tries", "wait for", "seconds"]),
        ("[email_and_password]\nenabled = false", "ada", &["nobody signs in", "with a password"]),
        ("[plugins.bearer]\nenabled = false", "ada", &["gives no bearer token", "plugins.bearer.enabled"]),
    ] {
        let server = Server::start(config);
        let body = r#"{"name":"ada","email":"ada@example.com","password":"correct horse"}"#;
        server.post("/api/auth/sign-up/email", None, body);
        server.post("/api/auth/sign-in/email", None, r#"{"email":"ada@example.com","password":"a guess"}"#);
        let home = Home::new();
        fails(&home.login(&server, name, &[]), 1, words);
        assert!(!said(&home.run(&["profiles"])).contains("ada@example.com"));
    }
}

#[test]
fn an_origin_that_something_on_the_way_adds_is_named() {
    let server = Arc::new(Server::start(""));
    server.sign_up("ada");
    let relay = Router::new().fallback(any(add_origin)).with_state(Arc::downgrade(&server));
    let home = Home::new();
    fails(&home.login_at(&site(relay), "ada", &[]), 1, &["INVALID_ORIGIN", "trusted_origins", "on the way"]);
}

#[test]
fn what_is_missing_without_a_terminal_is_named_with_its_option() {
    let server = Server::start("");
    let home = Home::new();
    let url = server.url();
    for (arguments, option) in [
        (&["login"][..], "--url"),
        (&["login", "--url", &url, "--password-stdin"], "--email"),
        (&["login", "--url", &url, "--email", "ada@example.com"], "--password-stdin"),
    ] {
        fails(&home.run(arguments), 2, &["there is no terminal to ask on", option]);
    }
    // There is no such option: it would be in everybody's list of processes.
    let refused = home.run(&["login", "--password", "correct horse"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn nobody_and_nobody_any_more_have_a_status_of_their_own() {
    let home = Home::new();
    for command in [&["whoami"][..], &["token"], &["sessions"], &["logout"]] {
        fails(&home.run(command), 3, &["no profile `default` yet", "hallpass login --url"]);
    }
    let server = Server::start("[session]\nexpires_in = 2\nfresh_age = 1");
    server.sign_up("ada");
    home.login(&server, "ada", &["--profile", "short"]);
    sleep(Duration::from_millis(1200));
    fails(&home.run(&["sessions", "--profile", "short"]), 1, &["the password again", "hallpass login --profile short"]);
    sleep(Duration::from_millis(1200));
    fails(&home.run(&["whoami", "--profile", "short"]), 3, &["has expired", "hallpass login --profile short"]);
}

#[test]
fn a_file_that_others_can_read_is_not_used() {
    let server = Server::start("");
    server.sign_up("ada");
    let home = Home::new();
    home.login(&server, "ada", &[]);
    fs::set_permissions(home.tokens(), fs::Permissions::from_mode(0o644)).unwrap();
    for command in ["whoami", "token", "logout"] {
        fails(&home.run(&[command]), 1, &["can be read by others", "chmod 600", "tokens.json"]);
    }
    fs::write(home.tokens(), "{").unwrap();
    fs::set_permissions(home.tokens(), fs::Permissions::from_mode(0o600)).unwrap();
    fails(&home.run(&["token"]), 1, &["tokens.json", "sign in again"]);
    fs::write(home.tokens().with_file_name("profiles.json"), "{").unwrap();
    fails(&home.run(&["token"]), 1, &["profiles.json", "sign in again"]);
}

#[cfg(not(feature = "keyring"))]
#[test]
fn a_program_without_the_keyring_says_so() {
    let server = Server::start("");
    let home = Home::new();
    fails(&home.login(&server, "ada", &["--keyring"]), 1, &["--features keyring", "--keyring=false"]);
    // Nor is somebody stuck whose profile was made by another one.
    server.sign_up("ada");
    home.login(&server, "ada", &[]);
    let profiles = home.tokens().with_file_name("profiles.json");
    let changed = fs::read_to_string(&profiles).unwrap().replace(r#""keep": "file""#, r#""keep": "keyring""#);
    fs::write(&profiles, changed).unwrap();
    assert_eq!(home.run(&["whoami"]).status.code(), Some(1));
    assert_eq!(home.json(&["profiles", "--json"])[0]["signedIn"], serde_json::Value::Null);
    assert_eq!(home.login(&server, "ada", &[]).status.code(), Some(1));
    assert!(home.login(&server, "ada", &["--keyring=false"]).status.success());
    assert!(home.run(&["whoami"]).status.success());
}

#[test]
fn a_server_that_is_ill_is_not_taken_at_its_word() {
    let server = Server::start("");
    server.sign_up("ada");
    let home = Home::new();
    home.login(&server, "ada", &[]);
    for (status, words) in [
        (StatusCode::SERVICE_UNAVAILABLE, &["cannot help at the moment (503)", "try again later"][..]),
        (StatusCode::BAD_REQUEST, &["the server refused: \u{fffd}[2Jgone (400 SOMETHING)"]),
    ] {
        let refuse = move || async move { (status, r#"{"code":"SOMETHING","message":"\u001b[2Jgone"}"#) };
        let healthy = || async { "{\"ok\":true}" };
        let ill = site(Router::new().route("/api/auth/ok", get(healthy)).fallback(any(refuse)));
        fails(&home.login_at(&ill, "ada", &["--profile", "ill"]), 1, words);
        assert!(home.run(&["whoami"]).status.success());
    }
}
