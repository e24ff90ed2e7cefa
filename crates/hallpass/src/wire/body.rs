//! Reading a request's body (CONTRACT §2.1).

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::header_text;
use crate::error::{ApiError, ErrorCode};

/// What bodies an endpoint takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaTypes {
    /// JSON.
    Json,
    /// Form and JSON.
    FormOrJson,
    /// None; a body is not even looked at.
    Ignored,
}

impl MediaTypes {
    fn allowed(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["application/json"],
            Self::FormOrJson => &["application/x-www-form-urlencoded", "application/json"],
            Self::Ignored => &[],
        }
    }
}

/// Reads the body of a request, up to `limit` bytes. `None` where there is none, which is no error by itself.
pub(crate) async fn read<B>(
    method: &Method,
    headers: &HeaderMap,
    body: B,
    types: MediaTypes,
    limit: usize,
) -> Result<Option<Value>, ApiError>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if types == MediaTypes::Ignored || !has_body(method, headers, &body) {
        return Ok(None);
    }
    let declared = header_text(headers, "content-type").unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim().to_lowercase();
    if !types.allowed().contains(&&*essence) {
        return Err(unsupported(&declared, types));
    }
    let bytes = collect(body, limit).await?;
    if essence == "application/json" { parse_json(&bytes).map(Some) } else { Ok(Some(parse_form(&bytes))) }
}

/// A request without a content type, or of length 0, has no body (CONTRACT §2.1).
fn has_body(method: &Method, headers: &HeaderMap, body: &impl Body) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let announced = length.is_some() || headers.contains_key(header::TRANSFER_ENCODING) || !body.is_end_stream();
    let typed = headers.get(header::CONTENT_TYPE).is_some_and(|value| !value.is_empty());
    method != Method::GET && method != Method::HEAD && typed && announced && length != Some(0)
}

async fn collect<B>(body: B, limit: usize) -> Result<Bytes, ApiError>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ErrorCode::PayloadTooLarge.into()),
        // The client was too slow for whoever accepts connections, or went away.
        Err(error) => {
            tracing::debug!(error = &*error as &dyn std::error::Error, "a request's body did not arrive");
            Err(ErrorCode::RequestTimeout.into())
        }
    }
}

fn parse_json(bytes: &[u8]) -> Result<Value, ApiError> {
    // As a fetch body's `json()` does it: a byte order mark goes, broken UTF-8 is replaced and not refused.
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str(text)
        .or_else(|error| {
            let mended = mend_lone_surrogates(text).ok_or(error)?;
            serde_json::from_str(&mended)
        })
        .map_err(|_| invalid_json())
}

/// ECMAScript text may hold half of a surrogate pair, written `\ud800`; stored as UTF-8 it becomes U+FFFD. Rust text cannot
/// hold it at all, so it becomes that at once. `None` when there is no escape of this kind.
fn mend_lone_surrogates(text: &str) -> Option<String> {
    let unit = |at: usize| {
        let escape = text.get(at..at + 6)?;
        u16::from_str_radix(escape.strip_prefix("\\u")?, 16).ok()
    };
    let mut mended = String::with_capacity(text.len());
    let (mut at, mut found) = (0, false);
    while let Some(next) = text.get(at..)?.chars().next() {
        let length = match (next, unit(at)) {
            ('\\', Some(0xd800..=0xdbff)) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => 12,
            ('\\', Some(0xd800..=0xdfff)) => {
                found = true;
                mended.push_str("\\ufffd");
                at += 6;
                continue;
            }
            // Any other escape: its second character must not be taken for the start of one.
            ('\\', _) => 1 + text.get(at + 1..)?.chars().next().map_or(0, char::len_utf8),
            _ => next.len_utf8(),
        };
        mended.push_str(text.get(at..at + length)?);
        at += length;
    }
    found.then_some(mended)
}

fn parse_form(bytes: &[u8]) -> Value {
    let pairs = form_urlencoded::parse(bytes);
    Value::Object(
        pairs.map(|(key, value)| (key.into_owned(), Value::String(value.into_owned()))).collect::<Map<_, _>>(),
    )
}

fn invalid_json() -> ApiError {
    ApiError::coded(StatusCode::BAD_REQUEST, "BAD_REQUEST", "Invalid JSON in request body")
}

fn unsupported(declared: &str, types: MediaTypes) -> ApiError {
    let allowed = types.allowed().join(", ");
    let message = format!("Content-Type \"{declared}\" is not allowed. Allowed types: {allowed}");
    ApiError::coded(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http_body_util::Full;

    use super::*;

    async fn read_as(content_type: Option<&str>, body: &'static [u8]) -> Result<Option<Value>, ApiError> {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        }
        read(&Method::POST, &headers, Full::new(Bytes::from_static(body)), MediaTypes::FormOrJson, 100).await
    }

    #[tokio::test]
    async fn no_content_type_or_no_bytes_is_no_body() {
        assert_eq!(read_as(None, b"{}").await.unwrap(), None);
        assert_eq!(read_as(Some("application/json"), b"").await.unwrap(), None);
    }

    #[tokio::test]
    async fn json_is_read_as_generously_as_javascript_does() {
        let json = |body| read_as(Some("Application/JSON; charset=x"), body);
        assert_eq!(json(b"\xef\xbb\xbf{\"a\":1,\"a\":2}").await.unwrap(), Some(serde_json::json!({"a": 2})));
        assert_eq!(json(b"\"\xff\"").await.unwrap(), Some(serde_json::json!("\u{fffd}")));
        assert_eq!(
            json(br#"["\ud800", "\ud83d\ude00", "\\ud800"]"#).await.unwrap(),
            Some(serde_json::json!(["\u{fffd}", "😀", "\\ud800"]))
        );
        for broken in [&b" "[..], b"{", b"{'a':1}", b"nul"] {
            assert_eq!(json(broken).await.unwrap_err().to_string(), "Invalid JSON in request body");
        }
    }

    #[tokio::test]
    async fn forms_are_text_and_the_last_of_a_name_counts() {
        let form = read_as(Some("application/x-www-form-urlencoded"), b"a=1&a=x+y&b").await.unwrap();
        assert_eq!(form, Some(serde_json::json!({"a": "x y", "b": ""})));
    }

    #[tokio::test]
    async fn other_types_and_long_bodies_are_refused() {
        let error = read_as(Some("text/Plain"), b"x").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "Content-Type \"text/Plain\" is not allowed. Allowed types: application/x-www-form-urlencoded, application/json"
        );
        let long = read_as(Some("application/json"), &[b'1'; 101]).await.unwrap_err();
        assert_eq!((long.status().as_u16(), long.code()), (413, Some("PAYLOAD_TOO_LARGE")));
    }
}
