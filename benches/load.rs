//! A load generator: HTTP/1.1 over connections that are kept open, one request at a time on each.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::sleep_until,
};

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(8192) }
    }

    /// Sends a request and waits for the whole answer: status and body.
    pub async fn send(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        loop {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "the server closed the connection");
            if let Some((status, from, to)) = complete(&self.buffer) {
                return (status, &self.buffer[from..to]);
            }
        }
    }
}

/// Status and place of the body, once all of it is there.
fn complete(answer: &[u8]) -> Option<(u16, usize, usize)> {
    // `HTTP/1.1 200`: what comes before the status has one length.
    let status = std::str::from_utf8(answer.get(9..12)?).unwrap().parse().unwrap();
    let (mut at, mut length, mut chunked) = (0, 0, false);
    // Once for each answer, so it counts: the generator has to be faster than what it drives.
    loop {
        let line = &answer[at..at + answer[at..].iter().position(|byte| *byte == b'\n')?];
        at += line.len() + 1;
        if line == b"\r" {
            break;
        }
        if let Some(value) = value_of(line, b"content-length:") {
            length = value.trim().parse().unwrap();
        }
        chunked |= value_of(line, b"transfer-encoding:").is_some_and(|value| value.contains("chunked"));
    }
    if chunked {
        return answer.ends_with(b"0\r\n\r\n").then_some((status, at, answer.len()));
    }
    (answer.len() >= at + length).then_some((status, at, at + length))
}

/// The value of a header's line, if it is this header's.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| std::str::from_utf8(value).unwrap())
}

/// `GET path` with a bearer token.
pub fn get(path: &str, token: &str) -> Vec<u8> {
    get_with(path, &format!("authorization: Bearer {token}"))
}

/// `GET path` with a header.
pub fn get_with(path: &str, header: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n{header}\r\n\r\n").into_bytes()
}

/// `POST path` with a JSON body.
pub fn post(path: &str, json: &str) -> Vec<u8> {
    let length = json.len();
    format!("POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}")
        .into_bytes()
}

/// What a load came to.
#[derive(Debug, Clone)]
pub struct Measured {
    /// How long each request took, shortest first.
    pub latencies: Vec<Duration>,
    /// How long it all took.
    pub took: Duration,
}

impl Measured {
    /// Requests in a second.
    #[expect(clippy::cast_precision_loss, reason = "no load has so many requests")]
    pub fn throughput(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    /// The latency that so many in a hundred stayed below.
    pub fn percentile(&self, percent: usize) -> Duration {
        self.latencies[(self.latencies.len() * percent / 100).min(self.latencies.len() - 1)]
    }
}

/// What is asked for, and how to tell that an answer is one.
#[derive(Debug, Clone)]
pub struct Asking {
    /// The requests, one after the other.
    pub requests: Arc<Vec<Vec<u8>>>,
    /// Whether this is the body of an answer.
    pub is_answer: fn(&[u8]) -> bool,
}

/// Keeps `connections` busy for a while, each sending its share of the requests in turn.
pub async fn closed_loop(address: SocketAddr, asking: &Asking, connections: usize, lasts: Duration) -> Measured {
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for number in 0..connections {
        let Asking { requests, is_answer } = asking.clone();
        running.spawn(async move {
            let mut client = Client::connect(address).await;
            let mut latencies = Vec::new();
            for request in requests.iter().cycle().skip(number).step_by(connections) {
                let sent = Instant::now();
                if sent.duration_since(begun) > lasts {
                    break;
                }
                let (status, body) = client.send(request).await;
                assert!(status == 200 && is_answer(body), "{status} {}", String::from_utf8_lossy(body));
                latencies.push(sent.elapsed());
            }
            latencies
        });
    }
    gather(running, begun).await
}

/// Sends `rate` requests a second, whether or not earlier ones were answered: what a request waits for its turn counts.
pub async fn open_loop(address: SocketAddr, requests: &[Vec<u8>], rate: u32, lasts: Duration) -> Measured {
    const LANES: u32 = 30;
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for lane in 0..LANES {
        let share: Vec<Vec<u8>> = requests.iter().skip(lane as usize).step_by(LANES as usize).cloned().collect();
        running.spawn(async move {
            let mut client = Client::connect(address).await;
            let mut latencies = Vec::new();
            let first = begun + Duration::from_secs(1) * lane / rate;
            for (turn, request) in (0_u32..).zip(share.iter().cycle()) {
                let due = first + Duration::from_secs(1) * (turn * LANES) / rate;
                if due.duration_since(begun) > lasts {
                    break;
                }
                sleep_until(due.into()).await;
                let (status, body) = client.send(request).await;
                assert!(status == 200 && body.len() > 100, "{status} {}", String::from_utf8_lossy(body));
                latencies.push(due.elapsed());
            }
            latencies
        });
    }
    gather(running, begun).await
}

async fn gather(mut running: JoinSet<Vec<Duration>>, begun: Instant) -> Measured {
    let mut latencies = Vec::new();
    while let Some(share) = running.join_next().await {
        latencies.extend(share.unwrap());
    }
    latencies.sort();
    Measured { latencies, took: begun.elapsed() }
}
