//! Where browsers are sent, with something added to the query.

use url::{Url, form_urlencoded};

/// Stands for this site while a path is taken apart.
const HERE: &str = "https://hallpass.invalid";

/// Adds parameters to a URL's query, before its fragment; what is there stays as it is. A path stays a path. `None` when it is neither a
/// URL nor a path of this site.
///
/// Composes only: that the browser may be sent there must have been checked.
pub(crate) fn append(url: &str, params: &[(&str, &str)]) -> Option<String> {
    let is_path = url.starts_with('/');
    let mut parsed = if is_path { Url::parse(HERE).ok()?.join(url).ok()? } else { Url::parse(url).ok()? };
    if is_path && parsed.origin().ascii_serialization() != HERE {
        return None;
    }
    let params = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    if params.is_empty() {
        return Some(url.to_owned());
    }
    let query = match parsed.query().filter(|query| !query.is_empty()) {
        Some(query) if query.ends_with('&') => format!("{query}{params}"),
        Some(query) => format!("{query}&{params}"),
        None => params,
    };
    parsed.set_query(Some(&query));
    let whole = String::from(parsed);
    if is_path { whole.strip_prefix(HERE).map(Into::into) } else { Some(whole) }
}

/// A URL made absolute against `base`, with one parameter set: others of its name go. `None` when it is no URL.
pub(crate) fn set(url: &str, base: &str, name: &str, value: &str) -> Option<String> {
    let mut parsed = Url::parse(base).and_then(|base| base.join(url)).or_else(|_| Url::parse(url)).ok()?;
    let mut pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
    match pairs.iter_mut().find(|(known, _)| known == name) {
        Some((_, first)) => value.clone_into(first),
        None => pairs.push((name.to_owned(), value.to_owned())),
    }
    let mut seen = false;
    // Of several parameters of the name the first was set; the others go.
    pairs.retain(|(known, _)| known != name || !std::mem::replace(&mut seen, true));
    parsed.query_pairs_mut().clear().extend_pairs(pairs);
    Some(parsed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_go_before_the_fragment_and_leave_the_query_alone() {
        let params = [("error", "INVALID_TOKEN")];
        for (url, extended) in [
            ("/", "/?error=INVALID_TOKEN"),
            ("/x?y=1#z", "/x?y=1&error=INVALID_TOKEN#z"),
            ("/x?y=a%20b&", "/x?y=a%20b&error=INVALID_TOKEN"),
            ("/x?", "/x?error=INVALID_TOKEN"),
            ("https://app.example.com", "https://app.example.com/?error=INVALID_TOKEN"),
            ("HTTPS://APP.example.com:443/a b", "https://app.example.com/a%20b?error=INVALID_TOKEN"),
            ("myapp://auth/cb?x", "myapp://auth/cb?x&error=INVALID_TOKEN"),
            ("myapp:cb", "myapp:cb?error=INVALID_TOKEN"),
        ] {
            assert_eq!(append(url, &params).as_deref(), Some(extended), "{url}");
        }
        for url in ["//evil.example", "/\\evil.example", "dash", ""] {
            assert_eq!(append(url, &params), None, "{url}");
        }
    }

    #[test]
    fn a_set_parameter_replaces_others_of_its_name_and_the_url_becomes_absolute() {
        let base = "http://h:3000/api/auth";
        for (url, whole) in [
            ("/r", "http://h:3000/r?token=t"),
            ("/r?token=a&x=1&token=b#f", "http://h:3000/r?token=t&x=1#f"),
            ("https://app.example.com/r?x=a%20b", "https://app.example.com/r?x=a+b&token=t"),
            ("myapp://auth", "myapp://auth?token=t"),
        ] {
            assert_eq!(set(url, base, "token", "t").as_deref(), Some(whole), "{url}");
        }
    }
}
