//! What a proxy adds to a request's headers and takes from them.

use hallpass_verify::Caller;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};

use crate::server::connections::Peer;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Makes a request ready for the upstream: nothing in it that was for this hop alone, and the caller's identity in headers that say the
/// truth or are not there.
///
/// The order matters. `Connection` can name any header as one to be dropped; were the identity set before that is obeyed, a client could
/// have it taken off again.
pub(super) fn prepare<B>(request: &mut Request<B>, peer: Peer, caller: Option<&Caller>) {
    let upgrade = wanted_upgrade(request.headers());
    let headers = request.headers_mut();
    drop_hop_by_hop(headers);
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    }
    drop_identity(headers);
    if let Some(caller) = caller {
        headers.extend(hallpass_verify::identity::headers(caller));
    }
    forwarded(headers, peer);
}

/// Says where a request came from. What proxies further out said stays in front.
fn forwarded(headers: &mut HeaderMap, Peer(peer): Peer) {
    if let Some(address) = peer.map(|peer| peer.ip().to_canonical().to_string()) {
        let known = headers.get_all(&FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let list = known.map(str::to_owned).chain([address]).collect::<Vec<_>>().join(", ");
        if let Ok(list) = HeaderValue::from_str(&list) {
            headers.insert(FORWARDED_FOR, list);
        }
    }
    if let Some(host) = headers.get(header::HOST).cloned() {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
    headers.entry(FORWARDED_PROTO).or_insert(HeaderValue::from_static("http"));
}

/// Takes off whatever an upstream could read as our word on who is calling. CGI and its heirs make no difference between `-` and `_`, so
/// neither may we.
fn drop_identity(headers: &mut HeaderMap) {
    let claimed: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            let spelled = name.as_str().replace('_', "-");
            hallpass_verify::identity::NAMES.iter().any(|ours| ours.as_str() == spelled)
        })
        .cloned()
        .collect();
    for name in claimed {
        headers.remove(name);
    }
}

/// The protocol that a client wants to go on in, such as `websocket` (RFC 9110 §7.8).
fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = connection_options(headers).any(|option| option.eq_ignore_ascii_case("upgrade"));
    headers.get(header::UPGRADE).filter(|_| asked).cloned()
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::CONNECTION).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// Takes off what concerns one connection and not the message (RFC 9110 §7.6.1).
pub(super) fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = connection_options(headers).filter_map(|name| name.parse().ok()).collect();
    let always = [
        header::CONNECTION,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    for name in named.into_iter().chain(always) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use hallpass_verify::store::UserId;

    use super::*;

    fn prepared(lines: &[(&'static str, &str)], caller: Option<&Caller>) -> HeaderMap {
        let mut request = Request::new(());
        for (name, value) in lines {
            request.headers_mut().append(HeaderName::from_static(name), value.parse().unwrap());
        }
        prepare(&mut request, Peer(Some(([192, 0, 2, 7], 4000).into())), caller);
        request.into_parts().0.headers
    }

    #[test]
    fn nobody_can_say_who_they_are_by_themselves() {
        let spoofed = [
            ("x-auth-user-id", "u2"),
            ("x-auth-user-id", "u3"),
            ("x_auth_user_id", "u2"),
            ("x-auth_user-id", "u2"),
            ("x-auth-session-id", "s2"),
            ("x-auth-email", "eve@example.com"),
        ];
        let caller = Caller::of_user(UserId::new("u1"));
        for (caller, told) in [(Some(&caller), &["x-auth-user-id"][..]), (None, &[])] {
            let headers = prepared(&spoofed, caller);
            let claims: Vec<_> = headers.keys().map(HeaderName::as_str).filter(|name| name.contains("auth")).collect();
            assert_eq!(claims, told);
            assert!(headers.get_all("x-auth-user-id").iter().all(|value| value == "u1"));
        }
    }

    #[test]
    fn nobody_can_have_the_identity_taken_off_again() {
        let caller = Caller::of_user(UserId::new("u1"));
        let headers = prepared(&[("connection", "close, X-Auth-User-Id, x-custom"), ("x-custom", "1")], Some(&caller));
        assert_eq!(headers["x-auth-user-id"], "u1");
        assert!(!headers.contains_key("x-custom") && !headers.contains_key("connection"));
    }

    #[test]
    fn where_it_came_from_is_added_to_what_is_known() {
        let headers = prepared(&[("x-forwarded-for", "203.0.113.9"), ("host", "api.example.com")], None);
        assert_eq!(headers["x-forwarded-for"], "203.0.113.9, 192.0.2.7");
        assert_eq!(
            (&headers["x-forwarded-host"], &headers["x-forwarded-proto"]),
            (&"api.example.com".parse().unwrap(), &"http".parse().unwrap())
        );
    }

    #[test]
    fn an_upgrade_is_passed_on_only_if_it_is_asked_for_in_full() {
        let headers = prepared(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")], None);
        assert_eq!(
            (&headers["connection"], &headers["upgrade"]),
            (&"upgrade".parse().unwrap(), &"websocket".parse().unwrap())
        );
        let headers = prepared(&[("connection", "keep-alive"), ("upgrade", "h2c")], None);
        assert!(!headers.contains_key("upgrade") && !headers.contains_key("connection"));
    }
}
