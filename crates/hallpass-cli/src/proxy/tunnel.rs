//! Connections that speak another protocol from now on.

use std::{error::Error, time::Duration};

use hallpass_verify::{Guard, RefusalKind};
use http::{HeaderMap, HeaderValue, Request, Uri, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::time::{MissedTickBehavior, interval};

/// The one protocol that is passed on. Another, such as `h2c`, would carry further requests past every check.
pub(super) const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// Sees to it that a tunnel does not outlive the session of whoever opened it.
#[derive(Debug)]
pub(super) struct Watch {
    guard: Guard,
    headers: HeaderMap,
    uri: Uri,
    every: Duration,
}

impl Watch {
    /// Remembers by what a request was admitted.
    pub(super) fn new<B>(guard: &Guard, request: &Request<B>, every: Duration) -> Self {
        let credentials = request.headers().get_all(header::AUTHORIZATION).iter();
        let headers = credentials.map(|value| (header::AUTHORIZATION, value.clone())).collect();
        Self { guard: guard.clone(), headers, uri: request.uri().clone(), every }
    }

    /// Resolves when the request would not be admitted any more. A source that cannot say has not said that.
    async fn wait_for_the_end(self) {
        let mut ticks = interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            match self.guard.check(&self.headers, &self.uri).await {
                Err(refusal) if refusal.kind() != RefusalKind::Unavailable => return,
                _ => {}
            }
        }
    }
}

/// Carries bytes both ways until both sides are done, or the session is over.
pub(super) async fn run(client: OnUpgrade, upstream: OnUpgrade, watch: Watch) {
    let carried = async {
        let (client, upstream) = tokio::try_join!(client, upstream)?;
        tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(upstream)).await?;
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    };
    tokio::select! {
        ended = carried => {
            if let Err(error) = ended {
                tracing::debug!(error = &*error as &dyn Error, "a tunnel ended early");
            }
        }
        () = watch.wait_for_the_end() => tracing::info!("a tunnel was closed: the session behind it is over"),
    }
}
