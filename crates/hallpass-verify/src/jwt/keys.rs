//! The keys that an auth server signs with (RFC 7517).

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use hallpass_store::Timestamp;
use jsonwebtoken::{DecodingKey, jwk::Jwk};
use reqwest::Url;
use serde_json::Value;

use super::algorithm::JwtAlgorithm;
use crate::{clock::Clock, source::Unavailable, upstream::Upstream};

/// How old keys may become.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ages {
    /// Keys of this age are fetched again when they are used.
    pub(super) refetch_after: Duration,
    /// For a key that is not among them they are fetched again, but no more often than this.
    pub(super) cool_down: Duration,
}

impl Default for Ages {
    fn default() -> Self {
        Self { refetch_after: Duration::from_mins(10), cool_down: Duration::from_secs(10) }
    }
}

/// How far a server's clock may be ahead of ours for its tokens to count as younger than the keys.
const SKEW: f64 = 30.0;

/// After an attempt to fetch the keys that failed, the next one waits so long.
const PAUSE: Duration = Duration::from_secs(1);

/// An auth server's keys, fetched when they are needed.
pub(super) struct Keys {
    upstream: Upstream,
    url: Url,
    ages: Ages,
    clock: Arc<dyn Clock>,
    state: RwLock<State>,
    /// Held by the one who fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    keys: Arc<[Key]>,
    /// When the keys were asked for, on the clock that cannot be set and on the one on the wall.
    fetched: Option<(Instant, Timestamp)>,
    /// When fetching last ended, and how.
    tried: Option<(Instant, Result<(), Unavailable>)>,
}

struct Key {
    published: Value,
    usable: DecodingKey,
}

impl Keys {
    pub(super) fn new(upstream: Upstream, url: Url, ages: Ages, clock: Arc<dyn Clock>) -> Self {
        Self { upstream, url, ages, clock, state: RwLock::default(), fetching: tokio::sync::Mutex::default() }
    }

    /// The one key that can have signed with this algorithm under this name. With several it is nobody's to guess.
    ///
    /// # Errors
    /// When there is no such key at hand, and whether there is one at the server cannot be found out right now.
    pub(super) async fn find(
        this: &Arc<Self>,
        algorithm: JwtAlgorithm,
        id: Option<&str>,
        issued: Option<f64>,
    ) -> Result<Option<DecodingKey>, Unavailable> {
        if let Some(key) = this.at_hand(algorithm, id) {
            if this.age().is_none_or(|age| age >= this.ages.refetch_after) {
                Self::fetch_in_background(this);
            }
            return Ok(Some(key));
        }
        match this.age() {
            Some(age) if age < this.ages.cool_down => {
                return if this.is_older_than_the_keys(issued) {
                    Ok(None)
                } else {
                    Err(just_fetched(this.ages.cool_down.saturating_sub(age)))
                };
            }
            _ => match this.failed_just_now() {
                // A stranger with made-up key names must not have us ask a server that is down over and over.
                Some(failure) => return Err(failure),
                None => this.fetch().await?,
            },
        }
        Ok(this.at_hand(algorithm, id))
    }

    fn at_hand(&self, algorithm: JwtAlgorithm, id: Option<&str>) -> Option<DecodingKey> {
        let keys = Arc::clone(&self.state().keys);
        let named = |key: &&Key| id.is_none_or(|id| key.published.get("kid").and_then(Value::as_str) == Some(id));
        let mut matching = keys.iter().filter(named).filter(|key| algorithm.fits(&key.published));
        let first = matching.next()?;
        matching.next().is_none().then(|| first.usable.clone())
    }

    fn age(&self) -> Option<Duration> {
        self.state().fetched.map(|(asked, _)| asked.elapsed())
    }

    /// A token that was made before the keys were fetched names a key that would have been among them. One that claims to be younger may be
    /// signed with a key that was made since; one that claims to be made later than now is believed nothing.
    fn is_older_than_the_keys(&self, issued: Option<f64>) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "seconds of any date that can be written fit exactly")]
        let seconds = |at: Timestamp| at.as_millis().div_euclid(1000) as f64;
        let now = seconds(self.clock.now());
        let fetched = self.state().fetched.map(|(_, at)| seconds(at));
        issued.zip(fetched).is_none_or(|(issued, fetched)| issued + SKEW < fetched || issued > now + SKEW)
    }

    fn failed_just_now(&self) -> Option<Unavailable> {
        let tried = self.state().tried.clone();
        tried.filter(|(at, _)| at.elapsed() < PAUSE).and_then(|(_, outcome)| outcome.err())
    }

    fn fetch_in_background(this: &Arc<Self>) {
        // One who finds another fetching leaves it to them.
        if this.fetching.try_lock().is_ok() && !this.tried_within(PAUSE) {
            let keys = Arc::clone(this);
            tokio::spawn(async move { keys.fetch().await });
        }
    }

    fn tried_within(&self, time: Duration) -> bool {
        self.state().tried.as_ref().is_some_and(|(at, _)| at.elapsed() < time)
    }

    /// Fetches the keys, or waits for somebody who does.
    async fn fetch(&self) -> Result<(), Unavailable> {
        let begun = Instant::now();
        let _one_at_a_time = self.fetching.lock().await;
        // Whatever came out while we waited is our outcome too.
        let recent = self.state().tried.clone().filter(|(at, _)| *at >= begun);
        if let Some((_, outcome)) = recent {
            return outcome;
        }
        let asked = (Instant::now(), self.clock.now());
        let fetched = self.ask().await;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let outcome = fetched.map(|keys| {
            state.keys = keys;
            state.fetched = Some(asked);
        });
        if let Err(error) = &outcome {
            let error: &(dyn std::error::Error + 'static) = error;
            tracing::error!(error, "the keys of JSON Web Tokens could not be fetched");
        }
        state.tried = Some((Instant::now(), outcome.clone()));
        outcome
    }

    async fn ask(&self) -> Result<Arc<[Key]>, Unavailable> {
        let document = self.upstream.get(self.url.clone(), None).await?.json()?;
        let published = document.get("keys").and_then(Value::as_array);
        let published = published
            .ok_or_else(|| Unavailable::new("the auth server answered with something that is no set of keys"))?;
        // What is no key for us may be one for somebody else.
        let usable = published.iter().filter_map(|published| {
            let jwk: Jwk = serde_json::from_value(published.clone()).ok()?;
            Some(Key { published: published.clone(), usable: DecodingKey::from_jwk(&jwk).ok()? })
        });
        Ok(usable.collect())
    }

    fn state(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn just_fetched(wait: Duration) -> Unavailable {
    Unavailable::new("a token names a key that is not among those fetched a moment ago; they are fetched again shortly")
        .retry_after(wait)
}
