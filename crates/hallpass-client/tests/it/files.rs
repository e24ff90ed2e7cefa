//! Tokens in a file: who may read it, and what happens when several write it, or one is killed.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use hallpass_client::{
    AuthClient, Token,
    store::{Expect, FileTokenStore, Slot, TokenStore},
};
use tokio::process::{Child, ChildStdin, Command};

use crate::wire::{Wire, reply};

fn slot(profile: &str) -> Slot {
    Slot::new("https://a.example/api/auth", profile)
}

/// A long token that shows whether it is whole.
fn numbered(number: usize) -> Token {
    Token::from(format!("{number}.{}.{number}", "x".repeat(4000 + number % 4000)))
}

fn number_of(token: &Token) -> usize {
    let (number, _) = token.expose().split_once('.').unwrap();
    let number = number.parse().unwrap();
    assert_eq!(*token, numbered(number), "half a token");
    number
}

async fn set(store: &FileTokenStore, slot: &Slot, token: Option<&Token>) {
    assert!(store.replace(slot, Expect::Anything, token).await.unwrap());
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owners_eyes_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/down/tokens.json");
    let store = FileTokenStore::new(&path);
    assert_eq!(store.load(&slot("default")).await.unwrap(), None);
    assert!(!path.exists() && !path.parent().unwrap().exists(), "reading makes nothing");
    set(&store, &slot("default"), Some(&numbered(1))).await;
    assert_eq!((mode(&path), mode(path.parent().unwrap()), mode(&folder.path().join("deep"))), (0o600, 0o700, 0o700));

    for open in [0o644, 0o640, 0o604, 0o660] {
        set_mode(&path, open);
        let reading = store.load(&slot("default")).await.unwrap_err();
        let writing = store.replace(&slot("default"), Expect::Anything, None).await.unwrap_err();
        for error in [reading, writing] {
            assert!(error.to_string().contains(&format!("run `chmod 600 {}`", path.display())), "{error}");
        }
    }
    set_mode(&path, 0o600);
    assert_eq!(store.load(&slot("default")).await.unwrap(), Some(numbered(1)));
}

#[tokio::test]
async fn servers_and_profiles_live_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let store = FileTokenStore::new(&path);
    let slots = [slot("default"), slot("work"), Slot::new("https://b.example/auth", "default")];
    for (number, slot) in slots.iter().enumerate() {
        set(&store, slot, Some(&numbered(number))).await;
    }
    assert_eq!(store.slots().await.unwrap(), slots);
    assert!(!store.replace(&slots[0], Expect::Token(&numbered(7)), None).await.unwrap());
    assert!(!store.replace(&slots[0], Expect::Nothing, None).await.unwrap());
    assert!(store.replace(&slots[0], Expect::Token(&numbered(0)), None).await.unwrap());
    assert!(store.replace(&slots[0], Expect::Nothing, None).await.unwrap());
    assert_eq!(store.load(&slots[0]).await.unwrap(), None);
    assert_eq!(store.load(&slots[1]).await.unwrap(), Some(numbered(1)));
    assert_eq!(store.slots().await.unwrap(), slots[1..]);
}

#[cfg(unix)]
#[tokio::test]
async fn what_others_add_is_left_alone_and_what_is_newer_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let written = r#"{"version":1,"servers":{"https://a.example/api/auth":{"default":{"token":"old","note":"mine"}}},"theme":"dark"}"#;
    std::fs::write(&path, written).unwrap();
    set_mode(&path, 0o600);
    let store = FileTokenStore::new(&path);
    assert_eq!(store.load(&slot("default")).await.unwrap(), Some(Token::from("old")));
    set(&store, &slot("default"), Some(&Token::from("new"))).await;
    let now: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&written.replace("old", "new")).unwrap();
    assert_eq!(now, expected);

    std::fs::write(&path, r#"{"version":2,"servers":[]}"#).unwrap();
    store.load(&slot("default")).await.unwrap_err();
    store.replace(&slot("default"), Expect::Anything, None).await.unwrap_err();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), r#"{"version":2,"servers":[]}"#);
}

#[tokio::test]
async fn a_token_that_cannot_be_kept_or_dropped_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let brings = reply("200 OK", &["set-auth-token: next.x"], r#"{"success":true}"#);
    let wire = Wire::new([brings.clone(), brings, reply("401 Unauthorized", &[], "")]).await;
    let client = AuthClient::builder(wire.url()).token_store(FileTokenStore::new(&path)).build().unwrap();
    client.set_token("old.x").await.unwrap();
    std::fs::remove_file(folder.path().join("tokens.json.lock")).unwrap();
    std::fs::create_dir(folder.path().join("tokens.json.lock")).unwrap();
    for error in [client.sign_in().email("a@b.co", "pw").await.unwrap_err(), client.sign_out().await.unwrap_err()] {
        assert!(error.is_store(), "{error}");
        assert!(error.to_string().starts_with("the server did what was asked"), "{error}");
    }
    // What the server refuses is the greater news.
    assert!(client.list_sessions().await.unwrap_err().is_unauthorized());
    assert_eq!(client.token().await.unwrap(), Some(Token::from("old.x")));
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real.json"), folder.path().join("link.json"));
    set(&FileTokenStore::new(&real), &slot("default"), Some(&numbered(1))).await;
    std::os::unix::fs::symlink(&real, &link).unwrap();
    set(&FileTokenStore::new(&link), &slot("default"), Some(&numbered(2))).await;
    assert!(link.is_symlink() && !real.is_symlink());
    assert_eq!(FileTokenStore::new(&real).load(&slot("default")).await.unwrap(), Some(numbered(2)));
}

/// In which file the other process is to work, and how.
const FILE: &str = "HALLPASS_CLIENT_TEST_FILE";
const HOW: &str = "HALLPASS_CLIENT_TEST_HOW";
const COUNT: usize = 60;

/// Not a test of its own: what the other process does.
#[tokio::test]
async fn the_other_process() {
    let Some(path) = std::env::var_os(FILE) else { return };
    // Its standard input ends with whoever started it, and it with that.
    std::thread::spawn(|| {
        std::io::stdin().read_to_end(&mut Vec::new()).ok();
        std::process::exit(1);
    });
    let store = FileTokenStore::new(PathBuf::from(path));
    match std::env::var(HOW).unwrap().as_str() {
        "count" => count(&store).await,
        how => {
            for number in 0..usize::MAX {
                set(&store, &slot(how), Some(&numbered(number))).await;
            }
        }
    }
}

/// Lives until it is killed, or its standard input is dropped.
fn other_process(path: &Path, how: &str) -> (Child, ChildStdin) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "files::the_other_process"]).env(FILE, path).env(HOW, how);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    (child, stdin)
}

/// Adds one, so many times, and only ever to what was read.
async fn count(store: &FileTokenStore) {
    for _ in 0..COUNT {
        loop {
            let there = store.load(&slot("count")).await.unwrap();
            let next = numbered(there.as_ref().map_or(0, number_of) + 1);
            let expect = there.as_ref().map_or(Expect::Nothing, Expect::Token);
            if store.replace(&slot("count"), expect, Some(&next)).await.unwrap() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn processes_that_share_a_file_lose_nothing_to_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let mut others = [other_process(&path, "count"), other_process(&path, "count")];
    let store = FileTokenStore::new(&path);
    count(&store).await;
    for (other, _) in &mut others {
        assert!(other.wait().await.unwrap().success());
    }
    assert_eq!(number_of(&store.load(&slot("count")).await.unwrap().unwrap()), 3 * COUNT);
}

#[tokio::test]
async fn no_half_token_is_ever_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let store = FileTokenStore::new(&path);
    let _writers = [other_process(&path, "one"), other_process(&path, "other")];
    let mut newest = [0, 0];
    let mut reads = 0;
    while reads < 2000 || newest.iter().any(|number| *number < 20) {
        for (newest, profile) in newest.iter_mut().zip(["one", "other"]) {
            let read = store.load(&slot(profile)).await.unwrap().map_or(0, |token| number_of(&token));
            assert!(read >= *newest, "time does not go back");
            *newest = read;
        }
        reads += 1;
        assert!(reads < 1_000_000, "nobody writes");
    }
}

#[tokio::test]
async fn whoever_is_killed_while_writing_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let store = FileTokenStore::new(&path);
    set(&store, &slot("kept"), Some(&numbered(4711))).await;
    let mut half_done = 0;
    let mut round = 0;
    while round < 30 || (half_done == 0 && round < 500) {
        round += 1;
        set(&store, &slot("busy"), None).await;
        let (mut writer, _stdin) = other_process(&path, "busy");
        while store.load(&slot("busy")).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_micros(round * 371 % 5000)).await;
        writer.kill().await.unwrap();
        half_done += usize::from(folder.path().join("tokens.json.new").exists());

        number_of(&store.load(&slot("busy")).await.unwrap().expect("it had written"));
        assert_eq!(store.load(&slot("kept")).await.unwrap(), Some(numbered(4711)), "round {round}");
    }
    assert!(half_done > 0, "nobody was killed in the middle of a write, so this has shown nothing");
}
