//! Tokens in GNOME Keyring, in a desktop session of our own.

use std::{path::Path, process::Command};

use crate::support::{Server, cannot_run, err, out};

use super::{
    home::{Home, said},
    words::fails,
};

/// What is done in that session: the keyring is opened with a password, then used.
const SESSION: &str = r#"
mkdir -p "$HOME/.cache"
printf secret | gnome-keyring-daemon --unlock --components=secrets >&2
printf 'correct horse\n' | $HALLPASS login --url "$URL" --email ada@example.com --password-stdin --keyring
test ! -e "$XDG_DATA_HOME/hallpass/tokens.json"
$HALLPASS whoami
$HALLPASS token --header | curl -sS -H @- "$URL/api/auth/get-session"
echo
printf 'correct horse\n' | $HALLPASS login --email ada@example.com --password-stdin
$HALLPASS profiles
$HALLPASS sessions revoke --others
printf 'correct horse\n' | $HALLPASS login --email ada@example.com --password-stdin --keyring=false
grep -q token "$XDG_DATA_HOME/hallpass/tokens.json"
$HALLPASS sessions
$HALLPASS logout
"#;

#[test]
fn the_keyring_holds_the_token_and_no_file_does() {
    let programs = ["/usr/bin/dbus-run-session", "/usr/bin/gnome-keyring-daemon"];
    if !programs.iter().all(|program| Path::new(program).exists()) {
        return cannot_run(&format!("{programs:?} are not both there; install gnome-keyring and dbus-daemon"));
    }
    let server = Server::start("");
    server.sign_up("ada");
    let home = Home::new();
    let mut session = Command::new("dbus-run-session");
    home.settle(session.args(["--", "sh", "-euc", SESSION]));
    session.env("HALLPASS", env!("CARGO_BIN_EXE_hallpass")).env("URL", server.url()).env("no_proxy", "*");
    session.env("XDG_RUNTIME_DIR", home.path().join("none")).env_remove("XDG_CACHE_HOME");
    let output = session.output().unwrap();
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(err(&output).contains("the token is kept in the keyring"), "{text}");
    let shown = out(&output);
    assert!(shown.contains("email: ada@example.com") && shown.contains(r#""email":"ada@example.com""#), "{text}");
    assert!(shown.lines().any(|line| line.starts_with("default") && line.ends_with("yes        keyring")), "{text}");
    // Each sign-in has ended the session of before, also the one that came from another place.
    assert_eq!(shown.lines().filter(|line| line.contains("127.0.0.1  hallpass/")).count(), 1, "{text}");
    assert!(err(&output).contains("gone from the file"), "{text}");
}

#[test]
fn where_there_is_no_keyring_one_is_told_what_to_do() {
    let server = Server::start("");
    let home = Home::new();
    let arguments = ["login", "--url", &server.url(), "--email", "ada@example.com", "--keyring"];
    let mut command = home.command(&arguments);
    let nowhere = format!("unix:path={}", home.path().join("none").display());
    let login = command.env("DBUS_SESSION_BUS_ADDRESS", nowhere).output().unwrap();
    fails(&login, 1, &["keyring", "keep tokens in a file"]);
}
