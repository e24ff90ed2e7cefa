//! Finding the one token of a request.

use percent_encoding::percent_decode_str;

use crate::token::BearerToken;

/// A token, and where it was.
pub(super) struct Presented {
    pub(super) token: BearerToken,
    pub(super) by_query: bool,
}

/// Looks in the headers and in the query. The form parameter of RFC 6750 §2.2 is not supported: bodies are not read here.
///
/// What is wrong with a request is told to its client, in the characters that a challenge may have.
pub(super) fn find<'a>(
    authorization: impl IntoIterator<Item = &'a [u8]>,
    query: Option<&str>,
    query_allowed: bool,
) -> Result<Option<Presented>, &'static str> {
    let mut headers = authorization.into_iter();
    let header = headers.next();
    if headers.next().is_some() {
        return Err("There is more than one Authorization header");
    }
    let by_header = header.and_then(BearerToken::from_header);
    let mut in_query = query.into_iter().flat_map(|query| query.split('&')).filter_map(access_token);
    let Some(value) = in_query.next() else {
        let by_header = by_header.transpose().map_err(|_| "The Authorization header holds no bearer token")?;
        return Ok(by_header.map(|token| Presented { token, by_query: false }));
    };
    if !query_allowed {
        return Err("The token belongs into the Authorization header, not into the address");
    }
    if by_header.is_some() || in_query.next().is_some() {
        return Err("There is more than one token");
    }
    let token = decoded(value).and_then(|text| BearerToken::new(text).ok());
    let token = token.ok_or("The query parameter access_token holds no bearer token")?;
    Ok(Some(Presented { token, by_query: true }))
}

/// The raw value, if this is the parameter. Its name may be percent-encoded like anything else.
fn access_token(pair: &str) -> Option<&str> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    percent_decode_str(name).eq(*b"access_token").then_some(value)
}

/// In a form a plus is a space, which no token has; whoever means a plus writes `%2B`.
fn decoded(value: &str) -> Option<String> {
    if value.contains('+') {
        return None;
    }
    Some(percent_decode_str(value).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(headers: &[&str], query: &str, allowed: bool) -> Result<Option<String>, ()> {
        let found = find(headers.iter().map(|value| value.as_bytes()), Some(query), allowed);
        found.map(|found| found.map(|found| found.token.expose().to_owned())).map_err(|_| ())
    }

    #[test]
    fn one_token_in_one_place() {
        assert_eq!(look(&["Bearer abc"], "", false), Ok(Some("abc".into())));
        assert_eq!(look(&["Bearer abc"], "page=2&access_tokens=x", false), Ok(Some("abc".into())));
        assert_eq!(look(&["Basic abc"], "", false), Ok(None));
        assert_eq!(look(&[], "access_token=a.b%2B%3D", true), Ok(Some("a.b+=".into())));
        assert_eq!(look(&["Basic abc"], "%61ccess_token=abc", true), Ok(Some("abc".into())));
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(look(&["Bearer abc", "Bearer abc"], "", false), Err(()));
        assert_eq!(look(&["Basic abc", "Bearer abc"], "", false), Err(()));
        assert_eq!(look(&["Bearer"], "", false), Err(()));
        for query in ["access_token=abc", "a=b&access_token=abc", "access_token", "%61ccess%5Ftoken=abc"] {
            assert_eq!(look(&[], query, false), Err(()), "{query}");
            assert_eq!(look(&["Bearer abc"], query, true), Err(()), "{query}");
        }
        for query in ["access_token=", "access_token=a+b", "access_token=%ff", "access_token=a&access_token=a"] {
            assert_eq!(look(&[], query, true), Err(()), "{query}");
        }
    }
}
