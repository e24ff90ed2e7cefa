//! What a proxy adds to a request's headers and takes from them.

use std::net::SocketAddr;

use hallpass_verify::{Caller, identity};
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use http_body::Body;

use super::tunnel::WEBSOCKET;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Other ways to say where a request came from, which we do not speak ourselves.
const OTHER_ORIGINS: [HeaderName; 2] = [header::FORWARDED, HeaderName::from_static("x-real-ip")];

/// Makes a request ready for the upstream: nothing in it that was for this hop alone, and the caller's identity in headers that say the
/// truth or are not there.
///
/// The order matters. `Connection` can name any header as one to be dropped; were the identity set before that is obeyed, a client could
/// have it taken off again.
pub(super) fn prepare<B: Body>(
    request: &mut Request<B>,
    peer: Option<SocketAddr>,
    caller: Option<&Caller>,
    trust_forwarded: bool,
) {
    let has_body = !request.body().is_end_stream();
    let headers = request.headers_mut();
    let is_websocket = wants_websocket(headers);
    drop_hop_by_hop(headers);
    if is_websocket {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, WEBSOCKET);
    }
    if has_body && !headers.contains_key(header::CONTENT_LENGTH) {
        // Said outright, since some methods would otherwise be taken to have no body.
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    drop_spellings(headers, &identity::NAMES);
    if let Some(caller) = caller {
        headers.extend(identity::headers(caller));
    }
    forwarded(headers, peer, trust_forwarded);
}

/// Says where a request came from. What proxies further out said counts only if we are told to believe it: otherwise anybody could say it.
fn forwarded(headers: &mut HeaderMap, peer: Option<SocketAddr>, trusts: bool) {
    let mut known = Vec::new();
    if trusts {
        known.extend(headers.get_all(&FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).map(str::to_owned));
    } else {
        drop_spellings(headers, &[FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO]);
        drop_spellings(headers, &OTHER_ORIGINS);
    }
    known.extend(peer.map(|peer| peer.ip().to_canonical().to_string()));
    if let Ok(list) = HeaderValue::from_str(&known.join(", ")) {
        headers.insert(FORWARDED_FOR, list);
    }
    if let Some(host) = headers.get(header::HOST).cloned() {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
    headers.entry(FORWARDED_PROTO).or_insert(HeaderValue::from_static("http"));
}

/// Takes off every header that an upstream could read as one of these. CGI and its heirs know no difference between `-` and `_`, and PHP
/// none between those and `.`, so all punctuation counts as the same here.
fn drop_spellings(headers: &mut HeaderMap, names: &[HeaderName]) {
    let plain = |name: &HeaderName| name.as_str().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let claimed: Vec<HeaderName> =
        headers.keys().filter(|name| names.iter().any(|ours| ours.as_str() == plain(name))).cloned().collect();
    for name in claimed {
        headers.remove(name);
    }
}

/// Whether a client wants to go on as a websocket, and as nothing else (RFC 9110 §7.8).
fn wants_websocket(headers: &HeaderMap) -> bool {
    connection_options(headers).any(|option| option.eq_ignore_ascii_case("upgrade")) && upgrade_is_websocket(headers)
}

/// Whether one `Upgrade` line names the one protocol.
pub(super) fn upgrade_is_websocket(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::UPGRADE).iter();
    let named = lines.next().is_some_and(|line| line.as_bytes().eq_ignore_ascii_case(b"websocket"));
    named && lines.next().is_none()
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::CONNECTION).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// Takes off what concerns one connection and not the message (RFC 9110 §7.6.1). Without `Trailer` no trailers are passed on, which some
/// servers would read as headers.
pub(super) fn drop_hop_by_hop(headers: &mut HeaderMap) {
    // Whose host a message is for is never a matter of the connection.
    let named: Vec<HeaderName> =
        connection_options(headers).filter_map(|name| name.parse().ok()).filter(|name| *name != header::HOST).collect();
    let always = [
        header::CONNECTION,
        HeaderName::from_static("http2-settings"),
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
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
        prepared_trusting(lines, caller, false)
    }

    fn prepared_trusting(lines: &[(&'static str, &str)], caller: Option<&Caller>, trusts: bool) -> HeaderMap {
        let mut request = Request::new(String::new());
        for (name, value) in lines {
            request.headers_mut().append(HeaderName::from_static(name), value.parse().unwrap());
        }
        prepare(&mut request, Some(([192, 0, 2, 7], 4000).into()), caller, trusts);
        request.into_parts().0.headers
    }

    #[test]
    fn nobody_can_say_who_they_are_by_themselves() {
        let spoofed = [
            ("x-auth-user-id", "u2"),
            ("x-auth-user-id", "u3"),
            ("x_auth_user_id", "u2"),
            ("x-auth_user-id", "u2"),
            ("x.auth.user.id", "u2"),
            ("x!auth-user~id", "u2"),
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
    fn where_it_came_from_is_what_we_see_unless_a_proxy_further_out_is_to_be_believed() {
        let said = [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-proto", "https"),
            ("x_real_ip", "203.0.113.9"),
            ("forwarded", "for=203.0.113.9"),
            ("host", "api.example.com"),
            ("connection", "host"),
        ];
        for (trusts, expected, proto) in [(false, "192.0.2.7", "http"), (true, "203.0.113.9, 192.0.2.7", "https")] {
            let headers = prepared_trusting(&said, None, trusts);
            assert_eq!(
                (&headers["x-forwarded-for"], &headers["x-forwarded-proto"]),
                (&expected.parse().unwrap(), &proto.parse().unwrap())
            );
            assert_eq!(
                (&headers["x-forwarded-host"], &headers["host"]),
                (&"api.example.com".parse().unwrap(), &"api.example.com".parse().unwrap())
            );
            assert_eq!((headers.contains_key("x_real_ip"), headers.contains_key("forwarded")), (trusts, trusts));
        }
    }

    #[test]
    fn a_websocket_is_passed_on_and_no_other_protocol() {
        let headers = prepared(&[("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")], None);
        assert_eq!((&headers["connection"], &headers["upgrade"]), (&"upgrade".parse().unwrap(), &WEBSOCKET));
        for lines in [
            &[("connection", "keep-alive"), ("upgrade", "websocket")][..],
            &[("connection", "upgrade, http2-settings"), ("upgrade", "h2c"), ("http2-settings", "AAMAAABk")],
            &[("connection", "upgrade"), ("upgrade", "websocket, h2c")],
            &[("connection", "upgrade"), ("upgrade", "websocket"), ("upgrade", "h2c"), ("http2-settings", "AAMAAABk")],
        ] {
            let headers = prepared(lines, None);
            for name in ["upgrade", "connection", "http2-settings"] {
                assert!(!headers.contains_key(name), "{lines:?}");
            }
        }
    }

    #[test]
    fn no_trailers_are_announced() {
        assert!(!prepared(&[("trailer", "x-auth-user-id")], None).contains_key("trailer"));
    }
}
