//! The headers an answer has gathered so far (CONTRACT §1.4).

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::cookie::{AuthCookie, SetCookie};

/// Headers and cookies of the answer, as endpoints and hooks have set them.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    headers: HeaderMap,
    cookies: Vec<SetCookie>,
}

impl Outgoing {
    /// Sets a header, replacing earlier values. Names in `access-control-expose-headers` are added to those there.
    pub fn set_header(&mut self, name: HeaderName, value: HeaderValue) {
        if name == header::ACCESS_CONTROL_EXPOSE_HEADERS {
            self.expose(value.to_str().unwrap_or_default());
        } else {
            self.headers.insert(name, value);
        }
    }

    /// Lets scripts of other origins read these headers, a comma between names.
    pub fn expose(&mut self, names: &str) {
        let known = self.headers.get(header::ACCESS_CONTROL_EXPOSE_HEADERS);
        let mut exposed: Vec<&str> = list(known.and_then(|value| value.to_str().ok()).unwrap_or_default()).collect();
        for name in list(names) {
            if !exposed.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                exposed.push(name);
            }
        }
        if let Ok(value) = HeaderValue::from_str(&exposed.join(", ")) {
            self.headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, value);
        }
    }

    /// A header's value.
    pub fn header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.headers.get(name)
    }

    /// The cookies, in order.
    pub fn cookies(&self) -> &[SetCookie] {
        &self.cookies
    }

    /// Adds a cookie after those already there.
    pub fn set_cookie(&mut self, cookie: SetCookie) {
        self.cookies.push(cookie);
    }

    /// Makes the client forget one of the server's cookies. A value set for it earlier in the same answer is taken back:
    /// whoever reads the raw headers must not find a live token beside its end.
    pub fn expire_cookie(&mut self, cookie: &AuthCookie) {
        self.cookies.retain(|pending| {
            let rest = pending.name.strip_prefix(&*cookie.name);
            !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        self.cookies.push(SetCookie::expired(&cookie.name, &cookie.attributes));
    }

    /// Takes over what another part of the request's way has set.
    pub fn merge(&mut self, other: Self) {
        for (name, value) in &other.headers {
            self.set_header(name.clone(), value.clone());
        }
        self.cookies.extend(other.cookies);
    }

    /// Takes over what a session requirement set. As in the npm package, only the last of its cookies survives success.
    pub(crate) fn merge_requirement(&mut self, mut other: Self) {
        if other.cookies.len() > 1 {
            other.cookies.drain(..other.cookies.len() - 1);
        }
        self.merge(other);
    }

    /// Writes everything into an answer.
    pub(crate) fn write_to(self, headers: &mut HeaderMap) {
        headers.extend(self.headers);
        for cookie in self.cookies {
            // A value that is no header (a control character in a configured domain, say) is left out rather than
            // answered with a broken header.
            if let Ok(value) = HeaderValue::from_str(&cookie.to_header()) {
                headers.append(header::SET_COOKIE, value);
            }
        }
    }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::CookieAttributes;

    #[test]
    fn exposed_names_are_a_set_that_ignores_case() {
        let mut out = Outgoing::default();
        out.expose("X-One, set-auth-token");
        out.set_header(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Set-Auth-Token,x-two"));
        assert_eq!(out.header(&header::ACCESS_CONTROL_EXPOSE_HEADERS).unwrap(), "X-One, set-auth-token, x-two");
    }

    #[test]
    fn expiring_takes_back_what_was_set_and_its_chunks() {
        let cookie = |name: &str| SetCookie::new(name, "live", CookieAttributes::default());
        let mut out = Outgoing::default();
        for name in ["a", "a.0", "ab"] {
            out.set_cookie(cookie(name));
        }
        out.expire_cookie(&AuthCookie { name: "a".into(), attributes: CookieAttributes::default() });
        let left: Vec<String> = out.cookies().iter().map(SetCookie::to_header).collect();
        assert_eq!(left, ["ab=live", "a=; Max-Age=0"]);
    }
}
