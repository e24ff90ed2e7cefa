//! Where a provider is found: as configured, and else as it says itself (OpenID Connect Discovery 1.0).

use serde_json::Value;
use url::Url;

use super::{
    client::{self, HttpClient},
    id_token::IdTokens,
    keys::Keys,
    options::ProviderOptions,
};

/// What is known of a provider.
pub(crate) struct Endpoints {
    pub(super) authorization: Option<String>,
    pub(super) token: Option<String>,
    pub(super) user_info: Option<String>,
    pub(super) end_session: Option<String>,
    pub(super) issuer: Option<String>,
    /// Whether it speaks OpenID Connect and not OAuth alone.
    pub(super) is_oidc: bool,
    /// How its ID tokens are verified, if they can be.
    pub(super) id_tokens: Option<IdTokens>,
}

impl Endpoints {
    /// As configured.
    fn configured(options: &ProviderOptions) -> Self {
        Self {
            authorization: options.authorization_url.clone(),
            token: options.token_url.clone(),
            user_info: options.user_info_url.clone(),
            end_session: options.end_session_endpoint.clone(),
            issuer: None,
            is_oidc: false,
            id_tokens: None,
        }
    }

    /// As configured and as the provider says. `None` when that does not suffice; the log has why.
    pub(super) async fn find(
        client: &dyn HttpClient,
        options: &ProviderOptions,
        exchanges_itself: bool,
    ) -> Option<Self> {
        let mut known = Self::configured(options);
        let Some(url) = &options.discovery_url else { return Some(known) };
        let id = &*options.provider_id;
        match client::get(client, url, &options.discovery_headers).await {
            Ok(document) if has_odd_issuer(&document) => {
                tracing::error!(provider = id, "the discovery document has an issuer that is no URL");
                return None;
            }
            Ok(document) => known.learn(options, url, &document)?,
            Err(error) => {
                let cause: &dyn std::error::Error = &error;
                tracing::error!(provider = id, error = cause, "the discovery document could not be fetched");
                // Going on with what is configured would mean to believe ID tokens that could be verified (COMPATIBILITY D73).
                return None;
            }
        }
        if known.authorization.is_none() || known.token.is_none() && !exchanges_itself {
            tracing::error!(
                provider = id,
                "neither discovery nor configuration say where its authorization and token endpoints are"
            );
            return None;
        }
        if options.require_id_token_verification && known.id_tokens.is_none() {
            tracing::error!(
                provider = id,
                "its ID tokens are to be verified, but discovery gives no issuer and jwks_uri"
            );
            return None;
        }
        Some(known)
    }

    fn learn(&mut self, options: &ProviderOptions, url: &str, document: &Value) -> Option<()> {
        let text =
            |name: &str| document.get(name).and_then(Value::as_str).filter(|it| !it.is_empty()).map(String::from);
        let page = |name: &str| text(name).filter(|url| is_web(url));
        self.authorization = self.authorization.take().or_else(|| page("authorization_endpoint"));
        self.token = self.token.take().or_else(|| text("token_endpoint"));
        self.user_info = self.user_info.take().or_else(|| text("userinfo_endpoint"));
        self.end_session = self.end_session.take().or_else(|| page("end_session_endpoint"));
        self.issuer = text("issuer");
        let algorithms = document.get("id_token_signing_alg_values_supported").and_then(Value::as_array);
        let algorithms: Option<Vec<String>> = algorithms
            .filter(|listed| !listed.is_empty())
            .map(|listed| listed.iter().filter_map(|name| name.as_str().map(Into::into)).collect());
        self.is_oidc = algorithms.is_some();
        if let (Some(jwks_uri), Some(issuer)) = (text("jwks_uri"), &self.issuer) {
            let Ok(jwks_url) = Url::parse(url).and_then(|base| base.join(&jwks_uri)) else {
                tracing::error!(provider = options.provider_id, "the discovery document has a jwks_uri that is no URL");
                return None;
            };
            let is_at_home = Url::parse(url).is_ok_and(|url| url.origin() == jwks_url.origin());
            let headers = if is_at_home { options.discovery_headers.clone() } else { indexmap::IndexMap::new() };
            self.id_tokens = Some(IdTokens {
                keys: Keys::new(jwks_url, headers),
                issuer: issuer.clone(),
                audience: options.client_id.clone(),
                algorithms,
            });
        }
        Some(())
    }
}

/// Whether browsers can be sent there: `javascript:` is a URL too.
fn is_web(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn has_odd_issuer(document: &Value) -> bool {
    let issuer = document.get("issuer").and_then(Value::as_str).filter(|issuer| !issuer.is_empty());
    !document.is_object() || issuer.is_some_and(|issuer| Url::parse(issuer).is_err())
}
