//! A gRPC service on tonic that knows who calls it, and a client that tells. With an auth server at its place (`hallpass serve`):
//!
//! ```sh
//! cargo run -p example-tonic-service -- serve
//! cargo run -p example-tonic-service -- ask "$TOKEN"
//! cargo run -p example-tonic-service -- ask nonsense    # UNAUTHENTICATED
//! ```
//!
//! `AUTH_URL` names another auth server than `http://127.0.0.1:3000`, `PORT` another port than 4002.

use std::{env, error::Error, net::SocketAddr};

use hallpass_verify::{RemoteSource, VerifyLayer};
use tonic::{
    Request, Response, Status,
    metadata::MetadataValue,
    transport::{Channel, Server},
};

#[allow(missing_docs, unreachable_pub, clippy::pedantic, reason = "written by tonic-build")]
mod generated {
    tonic::include_proto!("example.Callers");
}
use generated::{
    callers_client::CallersClient,
    callers_server::{Callers, CallersServer},
};

/// The question, which has no parts.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Nothing {}

/// The answer.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Caller {
    /// The user's id.
    #[prost(string, tag = "1")]
    pub user_id: String,
    /// The user's address.
    #[prost(string, tag = "2")]
    pub email: String,
}

/// The service.
#[derive(Debug)]
struct Service;

#[tonic::async_trait]
impl Callers for Service {
    async fn who_am_i(&self, request: Request<Nothing>) -> Result<Response<Caller>, Status> {
        // The layer has put it there; without a good token the request would not be here.
        let caller = request.extensions().get::<hallpass_verify::Caller>();
        let caller = caller.ok_or_else(|| Status::internal("this service is not under its layer"))?;
        let (user_id, email) = (caller.user_id().to_string(), caller.email().unwrap_or_default().to_owned());
        Ok(Response::new(Caller { user_id, email }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = env::var("PORT").unwrap_or_else(|_| "4002".into()).parse()?;
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve"] => serve(([127, 0, 0, 1], port).into()).await,
        ["ask", token] => ask(port, token).await,
        _ => Err("usage: example-tonic-service serve | ask TOKEN".into()),
    }
}

#[expect(clippy::print_stdout, reason = "whoever starts it wants to know where it is")]
async fn serve(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let auth = env::var("AUTH_URL").unwrap_or_else(|_| "http://127.0.0.1:3000".into());
    let source = RemoteSource::new(&format!("{}/api/auth", auth.trim_end_matches('/')))?;
    println!("Listening on {address}. Tokens are looked up at {auth}.");
    let server = Server::builder().layer(VerifyLayer::new(source).grpc()).add_service(CallersServer::new(Service));
    Ok(server.serve(address).await?)
}

#[expect(clippy::print_stdout, reason = "the answer is for whoever asked")]
async fn ask(port: u16, token: &str) -> Result<(), Box<dyn Error>> {
    let channel = Channel::from_shared(format!("http://127.0.0.1:{port}"))?.connect().await?;
    let mut request = Request::new(Nothing {});
    let mut bearer: MetadataValue<_> = format!("Bearer {token}").parse()?;
    bearer.set_sensitive(true);
    request.metadata_mut().insert("authorization", bearer);
    match CallersClient::new(channel).who_am_i(request).await {
        Ok(answer) => println!("{}", answer.into_inner().email),
        Err(status) => return Err(format!("{:?}: {}", status.code(), status.message()).into()),
    }
    Ok(())
}
