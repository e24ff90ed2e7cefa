//! The engine is a `tower::Service`, so hyper can serve it as it is. Run it with `cargo run -p example-plain-hyper`, then
//! `curl 127.0.0.1:4003/api/auth/ok`. The variable `PORT` asks for another port.

use hallpass::{Bearer, EmailAndPassword, Environment, Hallpass, store::Mode};
use hallpass_sql::SqlStore;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let auth = Hallpass::builder()
        .environment(Environment::Development)
        // From your configuration, in earnest; `hallpass secret` prints one.
        .secret("only for this example, which keeps nothing of worth")
        .store(SqlStore::connect("sqlite://example.db").await?)
        .email_and_password(EmailAndPassword::default())
        .plugin(Bearer::new())
        .build()?;
    auth.migrate(Mode::Apply).await?;
    let port: u16 = std::env::var("PORT").unwrap_or_else(|_| "4003".into()).parse()?;
    serve(TcpListener::bind(("127.0.0.1", port)).await?, auth).await
}

async fn serve(listener: TcpListener, auth: Hallpass) -> Result<(), Box<dyn std::error::Error>> {
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(auth.clone());
        // A connection that breaks off concerns nobody else.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

#[cfg(test)]
mod tests {
    use hallpass::store::MemoryStore;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn it_answers_over_a_socket() {
        let auth = Hallpass::builder()
            .secret("a secret of at least thirty-two characters")
            .store(MemoryStore::new())
            .build()
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { serve(listener, auth).await.map_err(|error| error.to_string()) });
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET /api/auth/ok HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("{\"ok\":true}"), "{answer}");
        server.abort();
    }
}
