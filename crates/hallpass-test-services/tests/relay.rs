//! The relay breaks the way as it says.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use hallpass_test_services::Relay;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// A server that says again what it hears.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    address
}

/// Says a word, and gives what comes back in time: a word, nothing, or the end.
async fn say(stream: &mut TcpStream, word: &[u8; 4]) -> Option<Vec<u8>> {
    if stream.write_all(word).await.is_err() {
        return Some(Vec::new());
    }
    let mut answer = vec![0; 16];
    match timeout(Duration::from_millis(300), stream.read(&mut answer)).await {
        Ok(Ok(length)) => Some(answer.get(..length).unwrap().to_vec()),
        Ok(Err(_)) => Some(Vec::new()),
        Err(_) => None,
    }
}

fn word(answer: Option<Vec<u8>>) -> Option<String> {
    answer.map(|bytes| String::from_utf8(bytes).unwrap())
}

#[tokio::test]
async fn a_cut_swallows_and_tells_nobody() {
    let relay = Relay::start(echo().await).await;
    let mut used = TcpStream::connect(relay.address()).await.unwrap();
    let mut idle = TcpStream::connect(relay.address()).await.unwrap();
    assert_eq!(word(say(&mut used, b"one.").await).unwrap(), "one.");
    assert_eq!(word(say(&mut idle, b"one.").await).unwrap(), "one.");
    relay.cut();
    assert_eq!(say(&mut used, b"two.").await, None);
    let mut new = TcpStream::connect(relay.address()).await.unwrap();
    assert_eq!(say(&mut new, b"two.").await, None);
    relay.mend();
    assert_eq!(say(&mut used, b"3...").await, None, "it has lost bytes, and must not go on without them");
    assert_eq!(word(say(&mut idle, b"3...").await).unwrap(), "3...");
    relay.close();
    assert_eq!(word(say(&mut used, b"4...").await).unwrap(), "", "closed");
    let mut new = TcpStream::connect(relay.address()).await.unwrap();
    assert_eq!(word(say(&mut new, b"4...").await).unwrap(), "4...");
}

#[tokio::test]
async fn refusing_leaves_what_is_there() {
    let relay = Relay::start(echo().await).await;
    let mut old = TcpStream::connect(relay.address()).await.unwrap();
    assert_eq!(word(say(&mut old, b"one.").await).unwrap(), "one.");
    relay.refuse();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(relay.address()).await.is_err());
    assert_eq!(word(say(&mut old, b"two.").await).unwrap(), "two.");
    relay.mend();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut new = TcpStream::connect(relay.address()).await.unwrap();
    assert_eq!(word(say(&mut new, b"3...").await).unwrap(), "3...");
}

#[tokio::test]
async fn slowness_counts_in_each_direction() {
    let relay = Relay::start(echo().await).await;
    let mut stream = TcpStream::connect(relay.address()).await.unwrap();
    relay.slow(Duration::from_millis(100));
    let begun = Instant::now();
    assert_eq!(word(say(&mut stream, b"one.").await).unwrap(), "one.");
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_url_leads_through_it() {
    let relay = Relay::start(echo().await).await;
    let port = relay.address().port();
    let through = relay.through("postgres://ann:secret@db.example:5432/auth?sslmode=disable");
    assert_eq!(through, format!("postgres://ann:secret@127.0.0.1:{port}/auth?sslmode=disable"));
}

/// Whoever breaks the way for all has to be sure that nobody who was just coming is still on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_slips_through_while_it_begins_to_refuse() {
    let server = echo().await;
    for round in 0..50 {
        let relay = Relay::start(server).await;
        let address = relay.address();
        // No more than the system keeps waiting for whoever listens.
        let coming = tokio::spawn(async move {
            let mut streams = Vec::new();
            while streams.len() < 100 {
                let Ok(stream) = TcpStream::connect(address).await else { break };
                streams.push(stream);
            }
            streams
        });
        tokio::time::sleep(Duration::from_millis(round % 4)).await;
        relay.refuse();
        relay.close();
        let streams = coming.await.unwrap();
        // Whoever is still waiting to be let in is turned away once nobody listens.
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        relay.mend();
        for mut stream in streams {
            assert_eq!(word(say(&mut stream, b"one.").await).as_deref(), Some(""), "closed");
        }
    }
}
