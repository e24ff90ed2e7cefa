//! A listener that notes every byte.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

/// What it does once a request is there.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Answers with these bytes.
    Bytes(String),
    /// Hangs up.
    Nothing,
    /// Never says anything.
    Silence,
}

/// An answer of this status, with these lines among its headers.
pub(crate) fn reply(status: &str, headers: &[&str], body: &str) -> Reply {
    let (first, length) = (format!("HTTP/1.1 {status}"), format!("content-length: {}", body.len()));
    let head = [&[first.as_str()], headers, &[length.as_str(), "connection: close"]].concat().join("\r\n");
    Reply::Bytes(format!("{head}\r\n\r\n{body}"))
}

pub(crate) fn redirect(status: &str, to: &str) -> Reply {
    reply(status, &[&format!("location: {to}")], "")
}

pub(crate) struct Wire {
    pub(crate) port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    listening: JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Wire {
    /// Replies to one connection after another; the last reply is for all that follow.
    pub(crate) async fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, replies)
    }

    pub(crate) fn on(listener: TcpListener, replies: impl IntoIterator<Item = Reply>) -> Self {
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let (noted, replies): (_, Vec<Reply>) = (Arc::clone(&heard), replies.into_iter().collect());
        let listening = tokio::spawn(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let reply = replies.get(number).or(replies.last()).unwrap().clone();
                tokio::spawn(serve(stream, reply, Arc::clone(&noted)));
            }
        });
        Self { port, heard, listening }
    }

    /// Listens with and without TLS at one port: what begins as TLS does is answered with the first reply, everything else with the
    /// second. Gives its certificate, too.
    pub(crate) async fn of_both_kinds(replies: impl FnOnce(u16) -> [Reply; 2]) -> (Self, reqwest::Certificate) {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let [secure, plain] = replies(port);
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&heard);
        let listening = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, secure, plain) = (acceptor.clone(), secure.clone(), plain.clone());
                let noted = Arc::clone(&noted);
                tokio::spawn(async move {
                    let mut first = [0];
                    stream.peek(&mut first).await.unwrap();
                    if first == [0x16] {
                        serve(acceptor.accept(stream).await.unwrap(), secure, noted).await;
                    } else {
                        serve(stream, plain, noted).await;
                    }
                });
            }
        });
        (Self { port, heard, listening }, reqwest::Certificate::from_der(cert.der()).unwrap())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests so far, byte for byte.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// Notes the request as it comes, piece by piece, so that half of one is seen as well.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, reply: Reply, noted: Arc<Mutex<Vec<String>>>) {
    let mine = {
        let mut heard = noted.lock().unwrap();
        heard.push(String::new());
        heard.len() - 1
    };
    let mut piece = [0; 4096];
    loop {
        let length = stream.read(&mut piece).await.unwrap_or(0);
        let whole = {
            let mut heard = noted.lock().unwrap();
            heard[mine].push_str(&String::from_utf8_lossy(&piece[..length]));
            is_whole(&heard[mine])
        };
        if whole || length == 0 {
            break;
        }
    }
    match reply {
        Reply::Bytes(bytes) => {
            stream.write_all(bytes.as_bytes()).await.ok();
            stream.shutdown().await.ok();
        }
        Reply::Nothing => {}
        Reply::Silence => std::future::pending().await,
    }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}
