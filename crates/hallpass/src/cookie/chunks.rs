//! Cookies that are too long for one, in pieces (CONTRACT §5.5).

use super::{AuthCookie, CookieAttributes, RequestCookies, SetCookie, request::chunk_index};

/// What a whole `Set-Cookie` may take, a little less than the strictest browser accepts.
const LIMIT: usize = 4050;
/// More pieces than this are no cookie any more.
const MAX_CHUNKS: usize = 100;

/// The value of a cookie that came whole, or else of its pieces put together. `None` when it did not come, or empty.
pub(crate) fn joined(cookies: &RequestCookies, name: &str) -> Option<String> {
    if let Some(value) = cookies.get(name).filter(|value| !value.is_empty()) {
        return Some(value.into_owned());
    }
    let mut chunks: Vec<(u64, String)> = cookies
        .well_formed()
        .into_iter()
        .filter_map(|(cookie, value)| Some((chunk_index(name, &cookie)?, value)))
        .collect();
    chunks.sort_by_key(|(index, _)| *index);
    Some(chunks.into_iter().map(|(_, value)| value).collect()).filter(|value: &String| !value.is_empty())
}

/// Expires every piece that the request brought.
pub(crate) fn expire(cookies: &RequestCookies, cookie: &AuthCookie) -> Vec<SetCookie> {
    cookies.chunks_of(&cookie.name).into_iter().map(|name| SetCookie::expired(name, &cookie.attributes)).collect()
}

/// Sets a value, in pieces where it is too long for one, in the place of the pieces that the request brought. Those that are needed no
/// more are expired; a value that is too long altogether leaves nothing.
pub(crate) fn set(
    cookies: &RequestCookies,
    cookie: &AuthCookie,
    attributes: &CookieAttributes,
    value: &str,
) -> Vec<SetCookie> {
    let expired = AuthCookie { name: cookie.name.clone(), attributes: attributes.clone() };
    let mut set = expire(cookies, &expired);
    for new in split(&cookie.name, attributes, value) {
        match set.iter_mut().find(|old| old.name == new.name) {
            Some(old) => *old = new,
            None => set.push(new),
        }
    }
    set
}

fn split(name: &str, attributes: &CookieAttributes, value: &str) -> Vec<SetCookie> {
    let longest = SetCookie::new(format!("{name}.99"), "", attributes.clone()).to_header().len();
    let size = LIMIT.saturating_sub(longest);
    if value.is_empty() || size > 0 && value.len() <= size {
        return vec![SetCookie::new(name, value, attributes.clone())];
    }
    if size == 0 || value.len().div_ceil(size) > MAX_CHUNKS {
        tracing::warn!(cookie = name, length = value.len(), "too long for a cookie, even in pieces; it is left out");
        return Vec::new();
    }
    let pieces = value.as_bytes().chunks(size).map(String::from_utf8_lossy);
    let cookie = |(index, piece)| SetCookie::new(format!("{name}.{index}"), piece, attributes.clone());
    pieces.enumerate().map(cookie).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::SameSite;

    fn cookie() -> AuthCookie {
        let attributes = CookieAttributes {
            max_age: Some(300),
            path: Some("/".into()),
            http_only: true,
            same_site: Some(SameSite::Lax),
            ..CookieAttributes::default()
        };
        AuthCookie { name: "better-auth.session_data".into(), attributes }
    }

    fn lengths(cookies: &[SetCookie]) -> Vec<(&str, usize)> {
        cookies.iter().map(|cookie| (cookie.name.rsplit('.').next().unwrap(), cookie.value.len())).collect()
    }

    fn written(header: &str, length: usize, max_age: Option<u64>) -> Vec<SetCookie> {
        let attributes = CookieAttributes { max_age, ..cookie().attributes };
        set(&RequestCookies::from_header(header), &cookie(), &attributes, &"x".repeat(length))
    }

    #[test]
    fn contract_5_5_a_piece_holds_3977_characters_or_3990() {
        assert_eq!(lengths(&written("", 3977, Some(300))), [("session_data", 3977)]);
        assert_eq!(lengths(&written("", 3978, Some(300))), [("0", 3977), ("1", 1)]);
        assert_eq!(lengths(&written("", 3990, None)), [("session_data", 3990)]);
        assert_eq!(lengths(&written("", 3991, None)), [("0", 3990), ("1", 1)]);
    }

    #[test]
    fn contract_5_5_more_than_a_hundred_pieces_are_not_stored() {
        assert_eq!(written("", 397_700, Some(300)).len(), 100);
        assert_eq!(written("", 397_701, Some(300)), []);
        let old = "better-auth.session_data=a; better-auth.session_data.3=b";
        assert_eq!(lengths(&written(old, 397_701, Some(300))), [("session_data", 0), ("3", 0)]);
    }

    #[test]
    fn contract_5_5_pieces_that_are_needed_no_more_expire_in_their_places() {
        let old = "better-auth.session_data.1=b; better-auth.session_data=a; better-auth.session_data.7=c; other=d";
        let set = written(old, 5000, Some(300));
        assert_eq!(lengths(&set), [("1", 5000 - 3977), ("session_data", 0), ("7", 0), ("0", 3977)]);
        let ages: Vec<_> = set.iter().map(|cookie| cookie.attributes.max_age).collect();
        assert_eq!(ages, [Some(300), Some(0), Some(0), Some(300)]);
    }

    #[test]
    fn contract_5_5_the_whole_one_wins_and_pieces_are_joined_in_numeric_order() {
        let joined = |header: &str| joined(&RequestCookies::from_header(header), "d");
        assert_eq!(joined("d.0=x; d=whole").as_deref(), Some("whole"));
        assert_eq!(joined("d.10=c; d.2=b; d.0=a; d.02=z; d.x=z; d=").as_deref(), Some("abc"));
        assert_eq!(joined("d=; d.0="), None);
        assert_eq!(joined("e=1"), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_set_is_read_back(length in 1_usize..20_000) {
            let value: String = ('a'..='z').cycle().take(length).collect();
            let set = set(&RequestCookies::default(), &cookie(), &cookie().attributes, &value);
            proptest::prop_assert!(set.iter().all(|cookie| cookie.to_header().len() <= LIMIT));
            let header: Vec<String> = set.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
            let read = joined(&RequestCookies::from_header(header.join("; ")), &cookie().name);
            proptest::prop_assert_eq!(read, Some(value));
        }

        #[test]
        fn no_header_makes_the_reader_panic(header in "(d(\\.[0-9]{0,25})?=.{0,9};? ?){0,5}") {
            let cookies = RequestCookies::from_header(header);
            let _ = joined(&cookies, "d");
            let _ = set(&cookies, &cookie(), &cookie().attributes, "value");
        }
    }
}
