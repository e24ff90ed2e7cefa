//! The way to the upstream and back.

use std::{error::Error, time::Duration};

use axum::body::Body;
use http::{
    HeaderValue, Request, Response, StatusCode, Uri, Version, header,
    uri::{Authority, Scheme},
};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::ClientConfig;
use serde_json::json;

use super::{
    headers::{drop_hop_by_hop, upgrade_is_websocket},
    tunnel::{self, WEBSOCKET, Watch},
};
use crate::{
    commands::Failure,
    server::{body::InTime, connections::Line},
};

/// How long the upstream may take to accept a connection. Once it has, it may take its time.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long a client may be silent in the middle of a body, while a connection to the upstream waits for it.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Where requests are passed on to. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, InTime<Incoming>>,
    scheme: Scheme,
    authority: Authority,
}

impl Upstream {
    /// An upstream at `http://host:port` or `https://host`, without a path: requests keep theirs.
    pub(crate) fn new(url: &str) -> Result<Self, Failure> {
        let parts = url.parse::<Uri>().map(Uri::into_parts).ok();
        let (scheme, authority) = parts
            .filter(|parts| parts.path_and_query.as_ref().is_none_or(|path| path == "/"))
            .and_then(|parts| parts.scheme.zip(parts.authority))
            .filter(|(scheme, authority)| {
                let is_known = *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS;
                is_known && !authority.as_str().contains('@')
            })
            .ok_or("the upstream has to be a scheme and a host, such as http://127.0.0.1:8080")?;
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(CONNECT_TIME));
        tcp.set_nodelay(true);
        // Whether a URL is http or https is the layer above's to see.
        tcp.enforce_http(false);
        let tls = ClientConfig::builder().try_with_platform_verifier()?.with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new()).build(connector.wrap_connector(tcp));
        Ok(Self { client, scheme, authority })
    }

    /// Passes a request on. Fails never: what goes wrong becomes an answer.
    pub(super) async fn forward(&self, mut request: Request<Incoming>, line: Line, watch: Watch) -> Response<Body> {
        let client_side = request.headers().contains_key(header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
        *request.version_mut() = Version::HTTP_11;
        if let Err(error) = self.readdress(&mut request) {
            tracing::debug!(error = &error as &dyn Error, "a request's target cannot be passed on");
            return answer(StatusCode::BAD_REQUEST, "invalid_request", "The request's target cannot be passed on");
        }
        let request = request.map(|body| InTime::piece_by_piece(body, LONGEST_PAUSE));
        match self.client.request(request).await {
            Ok(response) => pass_back(response, client_side, line, watch),
            Err(error) => {
                tracing::error!(error = &error as &dyn Error, upstream = %self.authority, "the upstream did not answer");
                answer(StatusCode::BAD_GATEWAY, "bad_gateway", "The service behind this proxy did not answer")
            }
        }
    }

    /// The same path and query at the upstream, byte for byte.
    fn readdress(&self, request: &mut Request<Incoming>) -> Result<(), http::Error> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let uri = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        *request.uri_mut() = uri.path_and_query(path).build()?;
        Ok(())
    }
}

/// The upstream's answer, for the client. If both sides agreed on a websocket they go on past us.
fn pass_back(
    mut response: Response<Incoming>,
    client_side: Option<OnUpgrade>,
    line: Line,
    watch: Watch,
) -> Response<Body> {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        drop_hop_by_hop(response.headers_mut());
        return response.map(Body::new);
    }
    let is_websocket = upgrade_is_websocket(response.headers());
    let upstream_side = hyper::upgrade::on(&mut response);
    let Some(client_side) = client_side.filter(|_| is_websocket) else {
        tracing::error!("the upstream switched protocols without being asked to");
        return answer(StatusCode::BAD_GATEWAY, "bad_gateway", "The service behind this proxy did not answer");
    };
    drop_hop_by_hop(response.headers_mut());
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(header::UPGRADE, WEBSOCKET);
    line.keep(tunnel::run(client_side, upstream_side, watch));
    response.map(Body::new)
}

pub(super) fn answer(status: StatusCode, error: &str, description: &str) -> Response<Body> {
    let body = json!({ "error": error, "error_description": description }).to_string();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
