//! From method and path to the endpoint (CONTRACT §1.2).

use std::sync::Arc;

use http::Method;

use crate::{endpoint::AnyEndpoint, error::BuildError};

/// What is mounted below the base path.
#[derive(Default)]
pub(crate) struct Routes {
    paths: matchit::Router<Vec<Arc<dyn AnyEndpoint>>>,
    /// In the order in which they answer: later ones, which take the place of earlier ones, first.
    mounted: Vec<Arc<dyn AnyEndpoint>>,
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
        Ok(Self { paths, mounted })
    }

    /// Everything that is mounted. Of two endpoints at one path and method the one that answers comes first.
    pub(crate) fn mounted(&self) -> &[Arc<dyn AnyEndpoint>] {
        &self.mounted
    }

    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<Found> {
        let matched = self.paths.at(path).ok()?;
        let endpoint = matched.value.iter().find(|endpoint| endpoint.route().methods().contains(method))?;
        let params = matched.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Found { endpoint: Arc::clone(endpoint), params })
    }
}
