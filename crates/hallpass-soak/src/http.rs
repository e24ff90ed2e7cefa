//! Just enough of a client: one connection that is kept open, one request at a time.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

/// After this long nobody waits any more; the bound that is asserted is shorter.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a request got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::String("not JSON".to_owned()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(200).collect()
    }
}

/// The connection broke before there was an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// One connection to a server, made again when it is gone.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, open: None }
    }

    pub(crate) async fn get(&mut self, path: &str, token: Option<&str>) -> Result<Answer, Broken> {
        self.send("GET", path, token, Bytes::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, token: Option<&str>, body: &Value) -> Result<Answer, Broken> {
        self.send("POST", path, token, Bytes::from(body.to_string())).await
    }

    async fn send(&mut self, method: &str, path: &str, token: Option<&str>, body: Bytes) -> Result<Answer, Broken> {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, self.address.to_string());
        if method == "POST" {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(body)).map_err(|_| Broken)?;
        let begun = Instant::now();
        let Ok(answered) = timeout(PATIENCE, self.exchange(request)).await else {
            self.open = None;
            return Err(Broken);
        };
        match answered {
            Ok((status, headers, body)) => Ok(Answer { status, headers, body, begun, ended: Instant::now() }),
            Err(broken) => {
                self.open = None;
                Err(broken)
            }
        }
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, HeaderMap, Bytes), Broken> {
        let kept = match self.open.take() {
            Some(mut sender) => sender.ready().await.is_ok().then_some(sender),
            None => None,
        };
        let mut sender = if let Some(sender) = kept {
            sender
        } else {
            let stream = TcpStream::connect(self.address).await.map_err(|_| Broken)?;
            stream.set_nodelay(true).map_err(|_| Broken)?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Broken)?;
            tokio::spawn(connection);
            sender
        };
        let (head, body) = sender.send_request(request).await.map_err(|_| Broken)?.into_parts();
        let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
        self.open = Some(sender);
        Ok((head.status, head.headers, body))
    }
}
