//! Tokens in GNOME Keyring, in a desktop session of our own, and where there is no keyring.
//!
//! Programs find the keyring through their environment, so what asks it is a process of its own: this same program, with one test.

use std::{path::Path, process::Stdio};

use hallpass_client::{
    Token,
    store::{Expect, KeyringTokenStore, Slot, TokenStore},
};
use tokio::process::Command;

/// Set for the process that is to ask.
const ASKS: &str = "HALLPASS_CLIENT_TEST_KEYRING";

/// Opens the keyring with a password on its standard input, and runs what it is given.
const SESSION: &str =
    r#"mkdir -p "$HOME/.cache" && printf secret | gnome-keyring-daemon --unlock --components=secrets >&2 && exec "$@""#;

/// Whether this can be tested here. Where everything has to run, that it cannot is a failure.
#[expect(clippy::print_stdout, reason = "somebody should know")]
fn is_installed() -> bool {
    let missing: Vec<_> = ["/usr/bin/dbus-run-session", "/usr/bin/gnome-keyring-daemon"]
        .into_iter()
        .filter(|program| !Path::new(program).exists())
        .collect();
    if missing.is_empty() {
        return true;
    }
    let reason = format!("{missing:?} are missing; install gnome-keyring and dbus-daemon");
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{reason}");
    println!("did not run: {reason}");
    false
}

/// This program with one test, in a home of its own.
fn asking(mut command: Command, home: &Path, test: &str) -> Command {
    command.arg("--exact").arg(test).arg("--nocapture").env(ASKS, "1").env("HOME", home);
    command.env_remove("XDG_DATA_HOME").env_remove("XDG_CACHE_HOME").env("XDG_RUNTIME_DIR", home.join("none"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

#[tokio::test]
async fn a_keyring_keeps_tokens() {
    if !is_installed() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new("dbus-run-session");
    command.args(["--", "sh", "-c", SESSION, "sh"]).arg(std::env::current_exe().unwrap());
    let output = asking(command, home.path(), "keyring::asks_a_keyring").output().await.unwrap();
    let (said, noise) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("a keyring was asked"), "{said}\n{noise}");
}

#[tokio::test]
async fn asks_a_keyring() {
    if std::env::var_os(ASKS).is_none() {
        return;
    }
    let store = KeyringTokenStore::new("hallpass-client-test").unwrap();
    let [here, there] = ["default", "work"].map(|profile| Slot::new("https://a.example/api/auth", profile));
    let [old, new] = ["old.c2ln", "new.c2ln"].map(Token::from);
    assert_eq!(store.load(&here).await.unwrap(), None);
    assert!(!store.replace(&here, Expect::Token(&old), Some(&new)).await.unwrap());
    assert!(store.replace(&here, Expect::Nothing, Some(&old)).await.unwrap());
    assert!(store.replace(&there, Expect::Anything, Some(&old)).await.unwrap());
    assert!(!store.replace(&here, Expect::Nothing, Some(&new)).await.unwrap());
    assert!(store.replace(&here, Expect::Token(&old), Some(&new)).await.unwrap());

    let again = KeyringTokenStore::new("hallpass-client-test").unwrap();
    assert_eq!(again.load(&here).await.unwrap(), Some(new.clone()));
    assert!(!again.replace(&here, Expect::Token(&old), None).await.unwrap());
    assert!(again.replace(&here, Expect::Token(&new), None).await.unwrap());
    assert!(again.replace(&here, Expect::Nothing, None).await.unwrap());
    assert_eq!(store.load(&here).await.unwrap(), None);
    assert_eq!(store.load(&there).await.unwrap(), Some(old));
    println!("a keyring was asked");
}

#[tokio::test]
async fn where_there_is_no_keyring_one_is_told_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", home.path().join("none").display()));
    let output = asking(command, home.path(), "keyring::asks_no_keyring").output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("keep tokens in a file"), "{said}");
}

#[tokio::test]
async fn asks_no_keyring() {
    if std::env::var_os(ASKS).is_some() {
        println!("{}", KeyringTokenStore::new("hallpass-client-test").unwrap_err());
    }
}
