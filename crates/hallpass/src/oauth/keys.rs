//! The keys that a provider signs with (RFC 7517).

use std::time::Duration;

use http::Method;
use indexmap::IndexMap;
use jsonwebtoken::{Algorithm, AlgorithmFamily};
use serde_json::Value;
use url::Url;

use super::{
    client::{self, HttpClient},
    shared::Shared,
};

/// How long keys are kept.
const GOOD_FOR: Duration = Duration::from_mins(10);
/// For a key that is not among them they are fetched again, but no more often than this.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// When they could not be fetched they are left alone for so long.
const REST: Duration = Duration::from_secs(1);

/// A provider's keys, fetched when they are needed.
pub(super) struct Keys {
    url: Url,
    headers: IndexMap<String, String>,
    fetched: Shared<Vec<Value>>,
}

impl Keys {
    pub(super) fn new(url: Url, headers: IndexMap<String, String>) -> Self {
        Self { url, headers, fetched: Shared::default() }
    }

    /// The one key that can have signed with this algorithm under this name. With several it is nobody's to guess.
    pub(super) async fn find(&self, client: &dyn HttpClient, algorithm: Algorithm, id: Option<&str>) -> Option<Value> {
        let matching =
            |keys: &[Value]| -> Vec<Value> { keys.iter().filter(|key| fits(key, algorithm, id)).cloned().collect() };
        let is_good =
            |keys: &Vec<Value>, age: Duration| age < GOOD_FOR && (age < COOL_DOWN || !matching(keys).is_empty());
        let keys = self.fetched.get(is_good, REST, self.fetch(client)).await?;
        let mut found = matching(&keys).into_iter();
        found.next().filter(|_| found.next().is_none())
    }

    async fn fetch(&self, client: &dyn HttpClient) -> Option<Vec<Value>> {
        let request = client::request(Method::GET, &self.url, &self.headers, bytes::Bytes::new()).ok()?;
        match client::send(client, request).await {
            Ok(mut document) => document.get_mut("keys").map(Value::take)?.as_array().cloned(),
            Err(error) => {
                let cause: &dyn std::error::Error = &error;
                tracing::error!(host = self.url.host_str(), error = cause, "a provider's keys could not be fetched");
                None
            }
        }
    }
}

fn fits(key: &Value, algorithm: Algorithm, id: Option<&str>) -> bool {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let kind = match algorithm.family() {
        AlgorithmFamily::Rsa => text("kty") == Some("RSA"),
        AlgorithmFamily::Ec => {
            let curve = if algorithm == Algorithm::ES256 { "P-256" } else { "P-384" };
            text("kty") == Some("EC") && text("crv") == Some(curve)
        }
        AlgorithmFamily::Ed => text("kty") == Some("OKP") && text("crv") == Some("Ed25519"),
        // Whoever knows a public key could sign with it as if it were a shared secret.
        AlgorithmFamily::Hmac => false,
    };
    let name = format!("{algorithm:?}");
    let operations = key.get("key_ops").and_then(Value::as_array);
    kind && id.is_none_or(|id| text("kid") == Some(id))
        && text("alg").is_none_or(|known| known == name)
        && text("use").is_none_or(|used_for| used_for == "sig")
        && operations.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
}
