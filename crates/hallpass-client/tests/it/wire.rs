//! A listener that notes every byte.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
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

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests so far, byte for byte.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// Notes the request as it comes, piece by piece, so that half of one is seen as well.
async fn serve(mut stream: TcpStream, reply: Reply, noted: Arc<Mutex<Vec<String>>>) {
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
