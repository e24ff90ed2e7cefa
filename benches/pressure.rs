//! A hundred people sign in at once, and everybody else notices nothing: memory stays bounded, and session checks stay fast.
//!
//! ```text
//! cargo bench -p hallpass-benches --bench pressure
//! ```
//!
//! Ends with an error when a promise is broken.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a benchmark")]

use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use hallpass_benches::{
    load::{Client, get, open_loop, post},
    median,
    server::{self, Server},
};

const ROUNDS: usize = 5;
const SIGNING_IN: usize = 100;
const CHECKS_A_SECOND: u32 = 300;
const LASTS: Duration = Duration::from_secs(4);
const MOST_MEBIBYTES: u64 = 160;

fn main() -> ExitCode {
    if server::role().is_some() {
        return hallpass_cli::main();
    }
    let folder = tempfile::tempdir().unwrap();
    let server = Server::hallpass(&folder.path().join("bench.db"), folder.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(&server))
}

async fn measure(server: &Server) -> ExitCode {
    let mut client = Client::connect(server.address).await;
    let sign_up = r#"{"name":"Ann","email":"ann@example.com","password":"correct horse"}"#;
    let (status, body) = client.send(&post("/api/auth/sign-up/email", sign_up)).await;
    assert_eq!(status, 200);
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
    let checks = vec![get("/api/auth/get-session", answer["token"].as_str().unwrap()); 30];

    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    let (most, signed_in) = (AtomicU64::new(0), AtomicU64::new(0));
    for _ in 0..ROUNDS {
        let calm = open_loop(server.address, &checks, CHECKS_A_SECOND, LASTS).await;
        idle.push(calm.percentile(99).as_secs_f64() * 1e3);
        let stop = AtomicBool::new(false);
        let (pressed, ()) = tokio::join!(
            async {
                let pressed = open_loop(server.address, &checks, CHECKS_A_SECOND, LASTS).await;
                stop.store(true, Ordering::Relaxed);
                pressed
            },
            press(server, &stop, &most, &signed_in)
        );
        busy.push(pressed.percentile(99).as_secs_f64() * 1e3);
    }
    report(median(idle), median(busy), most.into_inner(), signed_in.into_inner())
}

/// Keeps a hundred sign-ins under way until told to stop, watching the memory.
async fn press(server: &Server, stop: &AtomicBool, most: &AtomicU64, signed_in: &AtomicU64) {
    let sign_in = post("/api/auth/sign-in/email", r#"{"email":"ann@example.com","password":"correct horse"}"#);
    let one = async || {
        let mut client = Client::connect(server.address).await;
        while !stop.load(Ordering::Relaxed) {
            assert_eq!(client.send(&sign_in).await.0, 200);
            signed_in.fetch_add(1, Ordering::Relaxed);
        }
    };
    let watch = async {
        while !stop.load(Ordering::Relaxed) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole MiB will do")]
            most.fetch_max(server.anonymous_mebibytes().ceil() as u64, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let everyone = (0..SIGNING_IN).map(|_| one());
    tokio::join!(watch, join_all(everyone));
}

async fn join_all(futures: impl IntoIterator<Item = impl Future<Output = ()>>) {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        waiting.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

fn report(idle: f64, busy: f64, most: u64, signed_in: u64) -> ExitCode {
    let allowed = (idle * 5.0).max(5.0);
    println!(
        "{SIGNING_IN} sign-ins under way, {signed_in} finished; {CHECKS_A_SECOND} session checks a second beside them"
    );
    println!("p99 of session checks: {idle:.2} ms idle, {busy:.2} ms under pressure (at most {allowed:.2})");
    println!("anonymous memory: {most} MiB at most (under {MOST_MEBIBYTES})");
    if busy <= allowed && most < MOST_MEBIBYTES { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
