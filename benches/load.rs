//! A load generator: HTTP/1.1 over connections that are kept open, one request at a time on each.

use std::{
    net::SocketAddr,
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
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..end]).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    if head.contains("transfer-encoding: chunked") {
        let ended = answer.ends_with(b"0\r\n\r\n");
        return ended.then_some((status, end, answer.len()));
    }
    let length = head
        .split("content-length:")
        .nth(1)
        .map_or(0, |rest| rest.split("\r\n").next().unwrap().trim().parse().unwrap());
    (answer.len() >= end + length).then_some((status, end, end + length))
}

/// `GET path` with a bearer token.
pub fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
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

/// Keeps `connections` busy for a while, each sending its share of the requests in turn.
pub async fn closed_loop(address: SocketAddr, requests: &[Vec<u8>], connections: usize, lasts: Duration) -> Measured {
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for number in 0..connections {
        let share: Vec<Vec<u8>> = requests.iter().skip(number).step_by(connections).cloned().collect();
        running.spawn(async move {
            let mut client = Client::connect(address).await;
            let mut latencies = Vec::new();
            for request in share.iter().cycle() {
                let sent = Instant::now();
                if sent.duration_since(begun) > lasts {
                    break;
                }
                let (status, body) = client.send(request).await;
                assert!(status == 200 && body.len() > 100, "{status} {}", String::from_utf8_lossy(body));
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
