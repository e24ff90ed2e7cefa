//! The tools around the database.

use std::fs;

use crate::support::{Server, err, out, run};

#[test]
fn a_secret_is_long_and_new_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = [(); 2].map(|()| out(&run(folder.path(), &["secret"])).trim().to_owned());
    assert!(one.len() == 43 && one != other);
}

#[test]
fn a_plan_changes_nothing_and_a_migration_leaves_nothing_to_plan() {
    let folder = tempfile::tempdir().unwrap();
    let plan = out(&run(folder.path(), &["migrate", "--plan"]));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "a plan makes nothing");
    assert!(plan.contains("create table \"user\""), "{plan}");
    assert_eq!(out(&run(folder.path(), &["migrate", "--plan"])), plan);
    assert!(run(folder.path(), &["migrate"]).status.success());
    let again = run(folder.path(), &["migrate", "--plan"]);
    assert!(out(&again).is_empty() && err(&again).contains("everything it needs"));
}

#[test]
fn tools_make_no_database_by_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["user", "list"]);
    assert!(!output.status.success() && err(&output).contains("there is no database"), "{}", err(&output));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn users_are_listed_shown_and_deleted() {
    let server = Server::start("");
    let token = server.sign_up("ada");
    let folder = server.folder.path();
    assert!(out(&run(folder, &["user", "list"])).contains("ada@example.com"));
    let shown: serde_json::Value =
        serde_json::from_str(&out(&run(folder, &["user", "show", "Ada@Example.com", "--json"]))).unwrap();
    assert_eq!((&shown["user"]["name"], &shown["signInMethods"][0]), (&"ada".into(), &"credential".into()));

    let unsure = run(folder, &["user", "delete", "ada@example.com"]);
    assert!(!unsure.status.success() && err(&unsure).contains("not deleted"));
    assert!(run(folder, &["user", "delete", "ada@example.com", "--yes"]).status.success());
    assert_eq!(server.get("/api/auth/get-session", Some(&token)).body, "null");
    assert!(err(&run(folder, &["user", "show", "ada@example.com"])).contains("there is no user"));
}

#[test]
fn sessions_are_listed_without_their_tokens_and_end_at_once() {
    let server = Server::start("");
    let token = server.sign_up("ada");
    let folder = server.folder.path();
    let listed = out(&run(folder, &["session", "list", "ada@example.com", "--json"]));
    assert!(!listed.contains(token.split('.').next().unwrap()));
    let sessions: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let id = sessions[0]["id"].as_str().unwrap();
    assert!(out(&run(folder, &["session", "list", "ada@example.com"])).contains(id));

    assert_eq!(server.get("/api/auth/get-session", Some(&token)).status, 200);
    assert!(run(folder, &["session", "revoke", id]).status.success());
    assert_eq!(server.get("/api/auth/get-session", Some(&token)).body, "null");
    assert!(err(&run(folder, &["session", "revoke", id])).contains("no such session"));
}

#[test]
fn the_configuration_is_checked_without_telling_secrets() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hallpass.toml"), "secret = \"hush\"\n[social_providers.github]\nclient_id = \"x\"\n")
        .unwrap();
    let output = run(folder.path(), &["config", "check"]);
    assert!(output.status.success());
    assert!(err(&output).contains("social_providers.github.client_id is understood"), "{}", err(&output));
    assert!(!out(&output).contains("hush") && !err(&output).contains("hush"));
}

#[test]
fn a_check_of_the_configuration_dials_nobody() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    nobody.set_nonblocking(true).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = format!("[secondary_storage]\nurl = \"redis://{}\"\n", nobody.local_addr().unwrap());
    fs::write(folder.path().join("hallpass.toml"), config).unwrap();
    let output = run(folder.path(), &["config", "check"]);
    assert!(output.status.success() && err(&output).is_empty(), "{}", err(&output));
    assert!(nobody.accept().is_err(), "somebody came");
}

#[test]
fn a_secret_that_everybody_knows_is_refused_in_production() {
    let folder = tempfile::tempdir().unwrap();
    for secret in [
        "secret = \"better-auth-secret-12345678901234567890\"",
        "secrets = [\"1:better-auth-secret-12345678901234567890\"]",
    ] {
        fs::write(folder.path().join("hallpass.toml"), format!("environment = \"production\"\n{secret}\n")).unwrap();
        let output = run(folder.path(), &["config", "check"]);
        assert!(!output.status.success() && err(&output).contains("everybody knows"), "{}", err(&output));
    }
}
