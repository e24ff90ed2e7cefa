//! From method and path to the endpoint (CONTRACT §1.2).

use std::{borrow::Cow, sync::Arc};

use http::Method;

use crate::{endpoint::AnyEndpoint, error::BuildError, wire::path};

/// What is mounted below the base path.
#[derive(Default)]
pub(crate) struct Routes {
    paths: matchit::Router<Vec<Arc<dyn AnyEndpoint>>>,
    /// In the order in which they answer: later ones, which take the place of earlier ones, first.
    mounted: Vec<Arc<dyn AnyEndpoint>>,
    /// Those that answer at every path below theirs too. Nothing else is ever found there.
    for_gateways: Vec<Arc<dyn AnyEndpoint>>,
}

/// An endpoint and the parameters in the path it was found by.
pub(crate) struct Found {
    pub(crate) endpoint: Arc<dyn AnyEndpoint>,
    pub(crate) params: Vec<(String, String)>,
}

impl Routes {
    /// Mounts endpoints. Of two with the same path and method the later one counts.
    pub(crate) fn new(endpoints: Vec<Arc<dyn AnyEndpoint>>) -> Result<Self, BuildError> {
        let mounted = endpoints.iter().rev().cloned().collect();
        let (for_gateways, endpoints) =
            endpoints.into_iter().partition::<Vec<_>, _>(|endpoint| endpoint.route().for_gateways);
        let mut paths: matchit::Router<Vec<Arc<dyn AnyEndpoint>>> = matchit::Router::new();
        for endpoint in endpoints {
            let path = endpoint.route().path();
            match paths.at_mut(path) {
                // A literal path that only a parameter matches so far is a path of its own.
                Ok(mounted) if mounted.value.first().is_some_and(|known| known.route().path() == path) => {
                    mounted.value.insert(0, endpoint);
                }
                _ => paths
                    .insert(path, vec![endpoint])
                    .map_err(|error| BuildError::new(format!("the endpoint `{path}` cannot be mounted: {error}")))?,
            }
        }
        Ok(Self { paths, mounted, for_gateways })
    }

    /// Everything that is mounted. Of two endpoints at one path and method the one that answers comes first.
    pub(crate) fn mounted(&self) -> &[Arc<dyn AnyEndpoint>] {
        &self.mounted
    }

    /// The path by which everything goes: disabled paths, limits, routing. It is what a URL parser makes of the one that came, except
    /// at endpoints for gateways. What stands below one of those is the path of a request to another server, written by whoever
    /// sent that: if its `..` led up from here, the gateway would be answered by another endpoint, and take that for a yes. So all
    /// of it is the endpoint's own path, and what only begins like that (`/bearer/verify;/../ok`) stays as it came, and leads
    /// nowhere.
    pub(crate) fn settled<'a>(&self, came: &'a str, base: &str) -> Cow<'a, str> {
        let rest = |path: &str, endpoint: &dyn AnyEndpoint| {
            path.strip_prefix(base)?
                .strip_prefix(endpoint.route().path())
                .map(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let own = |endpoint: &dyn AnyEndpoint| format!("{base}{}", endpoint.route().path());
        for endpoint in &self.for_gateways {
            match rest(came, &**endpoint) {
                Some(true) => return Cow::Owned(own(&**endpoint)),
                Some(false) => return Cow::Borrowed(came),
                None => {}
            }
        }
        let canonical = path::canonical(came);
        let below = self.for_gateways.iter().find(|endpoint| rest(&canonical, &***endpoint) == Some(true));
        below.map_or(canonical, |endpoint| Cow::Owned(own(&**endpoint)))
    }

    /// The endpoint at a settled path below the base.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<Found> {
        if let Some(endpoint) = self.for_gateways.iter().find(|endpoint| endpoint.route().path() == path) {
            return Some(Found { endpoint: Arc::clone(endpoint), params: Vec::new() });
        }
        let matched = self.paths.at(path).ok()?;
        let endpoint = matched.value.iter().find(|endpoint| endpoint.route().methods().contains(method))?;
        let params = matched.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Found { endpoint: Arc::clone(endpoint), params })
    }
}
