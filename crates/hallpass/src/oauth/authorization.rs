//! The URL that browsers are sent to a provider with (RFC 6749 §4.1.1, RFC 7636, OpenID Connect Core 1.0 §3.1.2.1).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::options::ProviderOptions;
use crate::wire::redirect;

/// Parameters that nobody but the engine sets: with others the way back would lead elsewhere, or prove nothing.
pub(crate) const RESERVED: [&str; 8] = [
    "state",
    "client_id",
    "redirect_uri",
    "response_type",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "scope",
];

/// What is asked for in one request.
#[derive(Default)]
pub(crate) struct Ask {
    pub(crate) scopes: Vec<String>,
    pub(crate) login_hint: Option<String>,
    pub(crate) additional_params: IndexMap<String, String>,
}

/// What ties the way back to the way there.
pub(super) struct Ties<'a> {
    pub(super) state: &'a str,
    pub(super) code_verifier: &'a str,
    pub(super) nonce: Option<&'a str>,
    pub(super) redirect_uri: &'a str,
}

/// Puts the URL together. `None` when the endpoint is no URL.
pub(super) fn url(
    endpoint: &str,
    options: &ProviderOptions,
    is_oidc: bool,
    ask: &Ask,
    ties: &Ties<'_>,
) -> Option<String> {
    let mut params: IndexMap<&str, String> = IndexMap::new();
    params.insert("response_type", some(options.response_type.as_ref()).unwrap_or("code").into());
    params.insert("client_id", options.client_id.clone());
    params.insert("state", ties.state.into());
    let mut scopes: Vec<&str> = ask.scopes.iter().chain(&options.scopes).map(String::as_str).collect();
    if is_oidc && !scopes.contains(&"openid") {
        scopes.insert(0, "openid");
    }
    if !scopes.is_empty() {
        params.insert("scope", scopes.join(" "));
    }
    params.insert("redirect_uri", some(options.redirect_uri.as_ref()).unwrap_or(ties.redirect_uri).into());
    for (name, value) in [
        ("login_hint", some(ask.login_hint.as_ref())),
        ("nonce", ties.nonce),
        ("prompt", some(options.prompt.as_ref())),
        ("access_type", some(options.access_type.as_ref())),
        ("response_mode", some(options.response_mode.as_ref())),
    ] {
        if let Some(value) = value {
            params.insert(name, value.into());
        }
    }
    if options.uses_pkce() {
        params.insert("code_challenge_method", "S256".into());
        params.insert("code_challenge", BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(ties.code_verifier)));
    }
    for (name, value) in options.authorization_url_params.iter().chain(&ask.additional_params) {
        if !RESERVED.contains(&&**name) {
            params.insert(name, value.clone());
        }
    }
    let endpoint = without(endpoint, &params)?;
    let params: Vec<(&str, &str)> = params.iter().map(|(name, value)| (*name, &**value)).collect();
    redirect::append(&endpoint, &params)
}

fn some(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// The endpoint without the parameters that are set anew. The rest keeps its spelling, which some providers sign.
fn without(endpoint: &str, params: &IndexMap<&str, String>) -> Option<String> {
    let mut url = Url::parse(endpoint).ok()?;
    let is_kept = |pair: &&str| {
        let name = form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name);
        name.is_some_and(|name| !params.contains_key(&*name))
    };
    let query = url.query().unwrap_or_default().split('&').filter(is_kept).collect::<Vec<_>>().join("&");
    url.set_query(Some(&*query).filter(|query| !query.is_empty()));
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(endpoint: &str, options: &ProviderOptions, ask: &Ask) -> String {
        let ties = Ties { state: "s", code_verifier: "v", nonce: Some("n"), redirect_uri: "https://h/cb" };
        url(endpoint, options, true, ask, &ties).unwrap()
    }

    fn provider() -> ProviderOptions {
        ProviderOptions { client_id: "us".into(), pkce: Some(false), ..ProviderOptions::default() }
    }

    #[test]
    fn contract_11_9_parameters_come_in_this_order_and_leave_the_endpoints_own_alone() {
        let ask = Ask { scopes: vec!["a".into(), "b".into()], login_hint: Some("ann".into()), ..Ask::default() };
        assert_eq!(
            made("https://idp.example/auth?x=%20y&state=old", &provider(), &ask),
            "https://idp.example/auth?x=%20y&response_type=code&client_id=us&state=s&scope=openid+a+b\
             &redirect_uri=https%3A%2F%2Fh%2Fcb&login_hint=ann&nonce=n"
        );
    }

    #[test]
    fn nobody_else_sets_what_is_reserved() {
        let theirs: IndexMap<String, String> = RESERVED
            .iter()
            .map(|name| ((*name).to_owned(), "evil".to_owned()))
            .chain([("hd".into(), "x".into())])
            .collect();
        let options = ProviderOptions { authorization_url_params: theirs.clone(), ..provider() };
        let made = made("https://idp.example/auth", &options, &Ask { additional_params: theirs, ..Ask::default() });
        assert!(!made.contains("evil") && made.ends_with("&hd=x"), "{made}");
    }

    #[test]
    fn rfc_7636_appendix_b_challenge() {
        let ties = Ties {
            state: "s",
            code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            nonce: None,
            redirect_uri: "https://h/cb",
        };
        let options = ProviderOptions { pkce: None, ..provider() };
        let made = url("https://idp.example/auth", &options, false, &Ask::default(), &ties).unwrap();
        assert!(made.ends_with("&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), "{made}");
    }
}
