//! Tokens of a provider, and how they are asked for (RFC 6749 §§4.1.3, 6).

use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use hallpass_store::Timestamp;
use http::Method;
use indexmap::IndexMap;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::{
    client::{self, HttpClient, HttpError},
    options::{AuthMethod, ProviderOptions},
};

/// What a provider gave. Nothing of it prints.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Opens what was granted.
    pub access_token: Option<String>,
    /// Gets a new access token.
    pub refresh_token: Option<String>,
    /// Says who somebody is.
    pub id_token: Option<String>,
    /// Until when the access token is good.
    pub access_token_expires_at: Option<Timestamp>,
    /// Until when the refresh token is good.
    pub refresh_token_expires_at: Option<Timestamp>,
    /// What was granted.
    pub scopes: Vec<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Reads a token endpoint's answer.
    pub(super) fn read(answer: &Value, now: Timestamp) -> Option<Self> {
        if answer.is_null() {
            return None;
        }
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(String::from);
        Some(Self {
            access_token: text("access_token"),
            refresh_token: text("refresh_token"),
            id_token: text("id_token"),
            access_token_expires_at: after(answer.get("expires_in"), now).ok()?,
            refresh_token_expires_at: after(answer.get("refresh_token_expires_in"), now).ok()?,
            scopes: scopes(answer.get("scope")),
        })
    }

    /// With the configured lifetime where the provider gave none.
    pub(super) fn expiring(mut self, options: &ProviderOptions, now: Timestamp) -> Self {
        let life = options.access_token_expires_in.map(Duration::from).filter(|life| !life.is_zero());
        self.access_token_expires_at = self.access_token_expires_at.or_else(|| life.map(|life| now + life));
        self
    }
}

/// The end of the year 9999, past which no date has a form that all agree on.
const LAST_MOMENT: i64 = 253_402_300_799_999;

/// What was meant to be a span of time and is none.
#[derive(Debug, PartialEq)]
struct NoSpan;

/// So many seconds from now, if any are said; some write the number as a text.
fn after(seconds: Option<&Value>, now: Timestamp) -> Result<Option<Timestamp>, NoSpan> {
    let seconds: f64 = match seconds {
        Some(Value::String(text)) if !text.is_empty() => text.trim().parse().map_err(|_| NoSpan)?,
        Some(Value::Number(number)) => number.as_f64().ok_or(NoSpan)?,
        _ => return Ok(None),
    };
    let millis = seconds * 1000.0;
    if millis == 0.0 {
        return Ok(None);
    }
    if millis.is_nan() || millis.abs() > 4e15 {
        return Err(NoSpan);
    }
    #[expect(clippy::cast_possible_truncation, reason = "the bound is far below what the type holds")]
    let end = now.as_millis().saturating_add(millis as i64);
    if end > LAST_MOMENT { Err(NoSpan) } else { Ok(Some(Timestamp::from_millis(end))) }
}

/// Scopes as a text with blanks between, or as a list.
fn scopes(scope: Option<&Value>) -> Vec<String> {
    let texts: Vec<&str> = match scope {
        Some(Value::String(text)) => text.split_whitespace().collect(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::trim).collect(),
        _ => Vec::new(),
    };
    texts.into_iter().filter(|scope| !scope.is_empty()).map(Into::into).collect()
}

/// The form of a request to a token endpoint.
pub(super) struct Form(IndexMap<String, String>);

impl Form {
    /// Exchanges a code.
    pub(super) fn code(options: &ProviderOptions, grant: &CodeGrant) -> Self {
        let mut form = Self(IndexMap::new());
        form.set("grant_type", "authorization_code");
        form.set("code", &grant.code);
        if let Some(verifier) = grant.code_verifier.as_deref().filter(|_| options.uses_pkce()) {
            form.set("code_verifier", verifier);
        }
        form.set("redirect_uri", options.redirect_uri.as_deref().unwrap_or(&grant.redirect_uri));
        for (name, value) in &options.token_url_params {
            form.0.entry(name.clone()).or_insert_with(|| value.clone());
        }
        form
    }

    /// Refreshes tokens.
    pub(super) fn refresh(params: &IndexMap<String, String>, token: &str) -> Self {
        let mut form = Self(IndexMap::new());
        form.set("grant_type", "refresh_token");
        form.set("refresh_token", token);
        for (name, value) in params {
            if !matches!(&**name, "grant_type" | "refresh_token") {
                form.set(name, value);
            }
        }
        form
    }

    fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.into(), value.into());
    }

    /// Sends it, with what shows who asks.
    pub(super) async fn send(
        mut self,
        client: &dyn HttpClient,
        url: &str,
        options: &ProviderOptions,
    ) -> Result<Value, HttpError> {
        let mut headers: IndexMap<String, String> =
            [("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())].into();
        headers.extend(options.authorization_headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())));
        let secret = options.client_secret().unwrap_or_default();
        match options.auth_method() {
            AuthMethod::ClientSecretPost => {
                self.set("client_id", &options.client_id);
                self.set("client_secret", secret);
            }
            _ if self.0.contains_key("client_secret") => {
                return Err(HttpError::new(
                    "client_secret among the parameters contradicts the way to authenticate; set it as client_secret",
                ));
            }
            AuthMethod::ClientSecretBasic => {
                drop(headers.insert("authorization".into(), basic(&options.client_id, secret)));
            }
            AuthMethod::None => self.set("client_id", &options.client_id),
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish();
        let url = Url::parse(url).map_err(|_| HttpError::new("the token endpoint is no URL"))?;
        client::send(client, client::request(Method::POST, &url, &headers, Bytes::from(body))?).await
    }
}

/// Both parts are form-encoded first (RFC 6749 §2.3.1).
fn basic(id: &str, secret: &str) -> String {
    let [id, secret] = [id, secret].map(|text| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>());
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

/// A code that a provider sent somebody back with. Nothing of it prints.
#[derive(Clone)]
#[non_exhaustive]
pub struct CodeGrant {
    /// The code.
    pub code: String,
    /// What proves that we asked for it (RFC 7636).
    pub code_verifier: Option<String>,
    /// Where the provider sent them back to.
    pub redirect_uri: String,
    /// What some providers call the device.
    pub device_id: Option<String>,
}

impl fmt::Debug for CodeGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeGrant").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lifetimes_are_seconds_and_zero_is_none() {
        let now = Timestamp::from_millis(5000);
        for (given, expected) in [
            (json!(10), Ok(Some(15_000))),
            (json!("10"), Ok(Some(15_000))),
            (json!(0), Ok(None)),
            (json!(null), Ok(None)),
            (json!("soon"), Err(NoSpan)),
            (json!(1e300), Err(NoSpan)),
        ] {
            let moment = after(Some(&given), now);
            assert_eq!(moment.map(|moment| moment.map(Timestamp::as_millis)), expected, "{given}");
        }
    }

    #[test]
    fn scopes_come_as_text_or_list() {
        assert_eq!(scopes(Some(&json!(" a  b\tc "))), ["a", "b", "c"]);
        assert_eq!(scopes(Some(&json!(["a", " b ", "", 5]))), ["a", "b"]);
        assert!(scopes(None).is_empty());
    }

    #[test]
    fn basic_credentials_are_form_encoded_first() {
        assert_eq!(basic("a b", "c:d"), format!("Basic {}", BASE64_STANDARD.encode("a+b:c%3Ad")));
    }

    #[test]
    fn tokens_do_not_print() {
        let tokens = Tokens { access_token: Some("hush".into()), ..Tokens::default() };
        assert!(!format!("{tokens:?}").contains("hush"));
    }
}
