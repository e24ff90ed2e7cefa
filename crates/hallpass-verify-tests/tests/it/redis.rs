//! The Redis that a Node server writes.

use std::{process::Stdio, time::Duration};

use hallpass_verify::{BearerToken, Reason, RedisSource, SessionSource, Verdict};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use crate::{
    auth_server::{SECRET, get, raw, sign_out, sign_up},
    node::{Node, has},
    table::{self, Tokens},
};

/// A Redis of our own; ends when it is dropped.
struct Redis {
    url: String,
    child: Child,
    _folder: TempDir,
}

impl Redis {
    async fn start() -> Option<Self> {
        let is_there = std::process::Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        if !has(is_there.is_ok(), "redis-server is not installed") {
            return None;
        }
        let (folder, address) = (TempDir::new().unwrap(), table::closed().await);
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--save", "", "--port", &address.port().to_string()])
            .arg("--dir")
            .arg(folder.path());
        let child = command.stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        for _ in 0..200 {
            if TcpStream::connect(address).await.is_ok() {
                return Some(Self { url: format!("redis://{address}"), child, _folder: folder });
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("Redis did not start");
    }

    async fn command(&self, arguments: &[&str]) -> String {
        let output = Command::new("redis-cli").args(["-u", &self.url]).args(arguments).output().await.unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_the_npm_package_keeps_in_redis() {
    let Some(mut redis) = Redis::start().await else { return };
    let Some(node) = Node::start(&json!({"redis": redis.url})).await else { return };
    let base = &node.base;
    let [valid, expired, revoked, marked] = [
        sign_up(base, "ann").await,
        sign_up(base, "ben").await,
        sign_up(base, "cid").await,
        sign_up(base, "dan").await,
    ];
    sign_out(base, &revoked).await;
    // Redis forgets a session when its time is over; one that is still there has to be refused as well.
    let key = format!("better-auth:{}", raw(&expired));
    let stored = redis.command(&["GET", &key]).await;
    let mut document: serde_json::Value = serde_json::from_str(&stored).unwrap();
    document["session"]["expiresAt"] = "2020-01-01T00:00:00.000Z".into();
    redis.command(&["SET", &key, &document.to_string()]).await;
    let forged = format!("{}.{}", raw(&valid), "A".repeat(43) + "=");
    let unknown = hallpass_verify::SigningKey::new(SECRET).sign("abcdefghijklmnopqrstuvwxyzABCDEF");

    let source = RedisSource::open(&redis.url, SECRET).unwrap();
    let tokens = Tokens { valid, expired, revoked, forged, unknown };
    table::run(&source, &tokens).await;
    let bare = format!("Bearer {}", raw(&tokens.valid));
    assert_eq!(table::ask(source.clone().require_signature(true), &[&bare], "").await, table::invalid());

    // The mark with which the package ends all sessions of a user, in case one of them comes back.
    let user = get(base, "/get-session", &marked).await["user"]["id"].as_str().unwrap().to_owned();
    let mark = format!("better-auth:revoked-sessions-before-{user}");
    let verdict = async || source.verify(&BearerToken::new(&*marked).unwrap()).await.unwrap();
    assert!(matches!(verdict().await, Verdict::Live(_)));
    redis.command(&["SET", &mark, "32503680000000"]).await;
    assert!(matches!(verdict().await, Verdict::Invalid(Reason::Revoked)));
    assert!(get(base, "/get-session", &marked).await.is_null(), "the package sees it so as well");

    redis.child.kill().await.unwrap();
    table::is_unavailable(&source, &tokens.valid, "killed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_and_nobody_answering() {
    let closed = RedisSource::open(&format!("redis://{}", table::closed().await), SECRET).unwrap();
    table::is_unavailable(&closed, "abcdefghijklmnopqrstuvwxyzABCDEF", "down").await;
    let silent = RedisSource::open(&format!("redis://{}", table::silent().await), SECRET).unwrap();
    table::is_unavailable(&silent, "abcdefghijklmnopqrstuvwxyzABCDEF", "slow").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_comes_back() {
    let Some(redis) = Redis::start().await else { return };
    let source = RedisSource::open(&redis.url, SECRET).unwrap();
    let token = BearerToken::new("abcdefghijklmnopqrstuvwxyzABCDEF").unwrap();
    assert!(matches!(source.verify(&token).await.unwrap(), Verdict::Invalid(Reason::Unknown)));
    redis.command(&["CLIENT", "KILL", "TYPE", "normal"]).await;
    let mut is_back = false;
    for _ in 0..100 {
        is_back = source.verify(&token).await.is_ok();
        if is_back {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_back);
}
