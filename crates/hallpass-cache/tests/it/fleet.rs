//! What is asked of a node in every fleet, whatever tells it of changes.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use hallpass_cache::{
    CacheOptions, CachedStore,
    suite::{Race, Report},
};
use hallpass_store::{Schema, SessionToken, Store, StoreError, Timestamp};
use hallpass_test_services::Relay;

use crate::coherence::{NOW, reads};

/// The session that [`crate::coherence::begin`] begins here.
pub(crate) const TOKEN: &str = "AbCdEfGhIjKlMnOpQrStUvWxYz012345";

/// When it ends: far off by any clock, since a server of the npm package has one of its own.
pub(crate) const END: Timestamp = Timestamp::from_millis(4_102_444_800_000);

/// How long anything may take that is bound to happen, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// A node whose channel is proven.
pub(crate) struct Node {
    pub(crate) cached: Arc<CachedStore>,
    schema: Schema,
    lease: Duration,
}

impl Node {
    pub(crate) async fn new(store: Arc<dyn Store>, schema: &Schema, lease: Duration) -> Self {
        let options = CacheOptions::default().lease(lease);
        let cached = CachedStore::new(store, schema, &options, || NOW).unwrap();
        let node = Self { cached, schema: schema.clone(), lease };
        node.cached.start();
        // The first look-up says which tables to listen to.
        node.name().await.unwrap();
        node.proven().await;
        node
    }

    /// As one of those in a race.
    pub(crate) fn racing(&self) -> Arc<dyn Store> {
        Arc::clone(&self.cached) as _
    }

    pub(crate) async fn proven(&self) {
        let begun = Instant::now();
        while !self.cached.stats().is_proven {
            assert!(begun.elapsed() < PATIENCE, "the channel is never proven");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The name of the session's user.
    pub(crate) async fn name(&self) -> Result<Option<String>, StoreError> {
        let found = self.cached.session_with_user(&self.schema, &SessionToken::new(TOKEN)).await?;
        Ok(found.map(|found| found.user.name.clone()))
    }

    /// Whether a look-up is answered from memory.
    pub(crate) async fn hits(&self) -> bool {
        let before = self.cached.stats().hits;
        self.name().await.unwrap();
        self.cached.stats().hits > before
    }

    /// Looks up until it is answered from memory.
    pub(crate) async fn warm(&self) {
        let begun = Instant::now();
        while !self.cached.stats().is_proven || !self.hits().await {
            assert!(begun.elapsed() < PATIENCE, "nothing is kept: {:?}", self.cached.stats());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Closes the channel: the very next look-up is not answered from memory. `rename` is done by somebody else.
    pub(crate) async fn is_not_asked_once_closed(&self, relay: &Relay, rename: impl AsyncFn(&str)) {
        self.warm().await;
        relay.refuse();
        relay.close();
        let begun = Instant::now();
        while self.cached.stats().is_proven {
            // Long before the lease would have ended.
            assert!(begun.elapsed() < self.lease / 2, "nobody noticed that the channel is closed");
            tokio::task::yield_now().await;
        }
        rename("Bob").await;
        let before = self.cached.stats();
        let said = self.name().await;
        // Where look-ups go the same way as the channel there is no answer, and no old one either.
        assert!(
            said.as_ref().map_or_else(StoreError::is_unavailable, |name| name.as_deref() == Some("Bob")),
            "{said:?}"
        );
        let after = self.cached.stats();
        assert_eq!((after.hits, after.bypasses), (before.hits, before.bypasses + 1));
        relay.mend();
        self.warm().await;
        assert_eq!(self.name().await.unwrap().as_deref(), Some("Bob"));
    }

    /// Drops the channel's packets in silence: no look-up that begins later than the lease finds what was before.
    pub(crate) async fn is_not_believed_for_longer_than_the_lease(&self, relay: &Relay, rename: impl AsyncFn(&str)) {
        // Whether an old answer was given at all depends on how fast the machine is; without one nothing was shown.
        for round in 0..10 {
            self.warm().await;
            relay.cut();
            let name = format!("Cy {round}");
            rename(&name).await;
            let changed = Instant::now();
            let mut last = None;
            loop {
                let begun = Instant::now();
                match self.name().await {
                    Ok(Some(found)) if found != name => last = Some(begun - changed),
                    Ok(None) => panic!("a live session was not found"),
                    _ => break,
                }
                assert!(changed.elapsed() < PATIENCE, "an answer that old");
                tokio::task::yield_now().await;
            }
            relay.mend();
            self.warm().await;
            assert_eq!(self.name().await.unwrap(), Some(name));
            if let Some(last) = last {
                println!("found {last:?} after the change at a lease of {:?}", self.lease);
                assert!(last <= self.lease + Duration::from_millis(50), "{last:?}");
                return;
            }
        }
        panic!("the machine is too slow: each lease had ended before the change was made");
    }
}

/// A way to the server of this URL that can be broken.
pub(crate) async fn relay(url: &str) -> Relay {
    let address = url.split(['@', '/']).find_map(|part| part.split('?').next()?.parse::<SocketAddr>().ok()).unwrap();
    Relay::start(address).await
}

/// Races of several nodes, with so many users that each changes seldom: what a node changes of a user itself clears away what it missed.
pub(crate) async fn race(nodes: &[Node], schema: Schema) {
    let racing = || Race::new(nodes.iter().map(Node::racing).collect(), schema.clone());
    are_coherent(|| racing().users(100).reads(reads(8_000))).await;
    println!("{:?}", nodes[1].cached.stats());
}

/// What races on several nodes must show. How late news are depends on the machine too, which may have other things to do, so one race in
/// three has to be within the bound; whoever does not hear of changes is never within it.
pub(crate) async fn are_coherent(race: impl Fn() -> Race) {
    let mut report = Report::default();
    for _ in 0..3 {
        report = race().run().await;
        println!("{report}");
        is_right(&report);
        if report.lag(990) < Duration::from_millis(250) {
            return;
        }
    }
    panic!("{report}");
}

/// What a race on one node must show.
pub(crate) fn is_never_late(report: &Report) {
    is_right(report);
    assert!(report.lag(1000).is_zero(), "{report}");
}

fn is_right(report: &Report) {
    assert!(report.wrong.is_empty() && report.errors == 0 && report.changes > 50, "{report}");
}
