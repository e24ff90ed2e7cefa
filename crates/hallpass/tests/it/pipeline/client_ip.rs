//! The address a session is begun from (CONTRACT §10.3).

use std::net::IpAddr;

use hallpass::{
    Bearer, Environment, PeerAddress,
    options::{AdvancedOptions, IpAddressOptions},
};
use serde_json::json;

use crate::support::{PASSWORD, Stage, stage_with};

fn with(ip_address: IpAddressOptions, environment: Environment) -> Stage {
    let advanced = AdvancedOptions { ip_address, use_secure_cookies: Some(false), ..AdvancedOptions::default() };
    let limits = hallpass::options::RateLimitOptions { enabled: Some(false), ..Default::default() };
    stage_with(|builder| builder.plugin(Bearer::new()).environment(environment).advanced(advanced).rate_limit(limits))
}

/// The address noted of a sign-up with these header lines.
async fn noted(stage: &Stage, lines: &[(&str, &str)], peer: Option<IpAddr>) -> String {
    let emails = stage.rows("user").await.len();
    let body = json!({"name": "N", "email": format!("n{emails}@example.com"), "password": PASSWORD});
    let call = stage.post("/sign-up/email").json(body);
    let call = lines.iter().fold(call, |call, (name, value)| call.header(name, value));
    let call = match peer {
        Some(peer) => call.extension(PeerAddress(peer)),
        None => call,
    };
    let answer = call.await;
    let session = stage.get("/get-session").bearer(answer.json()["token"].as_str().unwrap()).await.json();
    session["session"]["ipAddress"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn only_a_single_address_is_believed_and_it_is_kept_in_one_spelling() {
    let stage = with(IpAddressOptions::default(), Environment::Production);
    for (header, expected) in [
        ("9.9.9.9", "9.9.9.9"),
        (" 9.9.9.9 ", "9.9.9.9"),
        ("9.9.9.9, 8.8.8.8", ""),
        ("nonsense", ""),
        ("::ffff:9.9.9.9", "9.9.9.9"),
        ("2001:db8:abcd:12:ffff::7", "2001:0db8:abcd:0012:0000:0000:0000:0000"),
    ] {
        assert_eq!(noted(&stage, &[("x-forwarded-for", header)], None).await, expected, "{header}");
    }
}

#[tokio::test]
async fn two_lines_are_a_list_and_no_line_is_nobody() {
    let stage = with(IpAddressOptions::default(), Environment::Production);
    let lines = [("x-forwarded-for", "9.9.9.9"), ("x-forwarded-for", "8.8.8.8")];
    assert_eq!(noted(&stage, &lines, None).await, "");
    assert_eq!(noted(&stage, &[], Some([9, 9, 9, 9].into())).await, "", "the socket is never used unless asked for");
}

#[tokio::test]
async fn in_development_nobody_is_this_machine() {
    let stage = with(IpAddressOptions::default(), Environment::Development);
    assert_eq!(noted(&stage, &[], None).await, "127.0.0.1");
}

#[tokio::test]
async fn configured_headers_are_asked_in_turn_and_proxies_skipped_from_the_right() {
    let options = IpAddressOptions {
        ip_address_headers: Some(vec!["cf-connecting-ip".into(), "x-forwarded-for".into()]),
        trusted_proxies: vec!["10.0.0.0/8".into(), "2001:db8::/32".into()],
        ..IpAddressOptions::default()
    };
    let stage = with(options, Environment::Production);
    let (cf, xff) = ("cf-connecting-ip", "x-forwarded-for");
    for (lines, expected) in [
        (&[(cf, "7.7.7.7"), (xff, "9.9.9.9")][..], "7.7.7.7"),
        (&[(cf, "junk"), (xff, "6.6.6.6, 9.9.9.9, 10.1.1.1, 2001:db8::1")], "9.9.9.9"),
        (&[(xff, "9.9.9.9, junk, 10.1.1.1")], ""),
        (&[(xff, "10.1.1.1")], ""),
    ] {
        assert_eq!(noted(&stage, lines, None).await, expected, "{lines:?}");
    }
}

#[tokio::test]
async fn the_socket_counts_when_asked_for_unless_it_is_a_proxys() {
    let (client, proxy) = (Some([9, 9, 9, 9].into()), Some([10, 1, 1, 1].into()));
    let header = ("x-forwarded-for", "8.8.8.8");
    let trusted_proxies = vec!["10.0.0.0/8".into()];
    let options = IpAddressOptions { peer_address: true, trusted_proxies, ..IpAddressOptions::default() };
    let stage = with(options, Environment::Production);
    assert_eq!(noted(&stage, &[], client).await, "9.9.9.9");
    assert_eq!(noted(&stage, &[header], client).await, "9.9.9.9", "who connects directly cannot name another");
    assert_eq!(noted(&stage, &[header], proxy).await, "8.8.8.8");
    assert_eq!(noted(&stage, &[], proxy).await, "10.1.1.1");
}

#[tokio::test]
async fn no_address_is_kept_where_that_is_switched_off() {
    let options = IpAddressOptions { disable_ip_tracking: true, ..IpAddressOptions::default() };
    let stage = with(options, Environment::Development);
    assert_eq!(noted(&stage, &[("x-forwarded-for", "8.8.8.8")], None).await, "");
}
