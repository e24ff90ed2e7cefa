//! A tonic server and client: requests over HTTP/2, answers in gRPC's own words.

use hallpass_verify::{Caller, Guard, RemoteSource, SessionSource, VerifyLayer};
use tokio::net::TcpListener;
use tonic::{
    Code, Request, Status,
    service::interceptor::InterceptedService,
    transport::{Endpoint, Server as GrpcServer, server::TcpIncoming},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient, health_server::HealthServer};

use crate::{
    auth_server::{Server, sign_up},
    table,
};

/// Serves a real service on loopback, behind the layer, which answers only if it finds the right caller.
async fn serve(guard: impl Into<Guard>) -> String {
    let health = tonic_health::server::HealthService::from_health_reporter(tonic_health::server::HealthReporter::new());
    let look = |request: Request<()>| match request.extensions().get::<Caller>().and_then(Caller::email) {
        Some("ann@example.com") => Ok(request),
        _ => Err(Status::internal("the caller did not arrive")),
    };
    let service = InterceptedService::new(HealthServer::new(health), look);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = GrpcServer::builder().layer(VerifyLayer::new(guard).grpc()).add_service(service);
    tokio::spawn(async move { server.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap() });
    address
}

/// Calls with these `authorization` metadata.
async fn call(address: &str, authorization: &[&str]) -> Result<(), Status> {
    let channel = Endpoint::from_shared(address.to_owned()).unwrap().connect().await.unwrap();
    let mut request = Request::new(HealthCheckRequest { service: String::new() });
    for value in authorization {
        request.metadata_mut().append("authorization", value.parse().unwrap());
    }
    HealthClient::new(channel).check(request).await.map(drop)
}

async fn refused(source: impl SessionSource + Clone, authorization: &[&str]) -> Status {
    call(&serve(source).await, authorization).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_callers_are_known_and_everybody_else_gets_a_status() {
    let server = Server::start().await;
    let token = sign_up(&server.base, "ann").await;
    let good = &*format!("Bearer {token}");
    let source = RemoteSource::new(&server.base).unwrap();
    call(&serve(source.clone()).await, &[good]).await.unwrap();

    let stranger = refused(source.clone(), &[]).await;
    assert_eq!((stranger.code(), stranger.message()), (Code::Unauthenticated, "A bearer token is needed here"));
    assert_eq!(stranger.metadata().get("www-authenticate").unwrap(), "Bearer realm=\"api\"");
    for bad in [&["Bearer unknown"][..], &["Bearer two words"], &[good, good]] {
        assert_eq!(refused(source.clone(), bad).await.code(), Code::Unauthenticated, "{bad:?}");
    }
    let optional = call(&serve(Guard::new(source.clone()).optional()).await, &[]).await.unwrap_err();
    assert_eq!(optional.message(), "the caller did not arrive");

    let forbidding = serve(Guard::new(source).authorize(|caller| caller.has_role("admin"))).await;
    assert_eq!(call(&forbidding, &[good]).await.unwrap_err().code(), Code::PermissionDenied);

    let away = RemoteSource::new(&format!("http://{}", table::closed().await)).unwrap();
    let away = refused(away, &[good]).await;
    assert_eq!(away.code(), Code::Unavailable);
    assert_eq!(away.metadata().get("retry-after").unwrap(), "1");
}
