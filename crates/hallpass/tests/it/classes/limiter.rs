//! The limiter counts clients, not addresses, and counts them all.

use std::sync::Arc;

use hallpass::{
    Environment,
    options::{AdvancedOptions, IpAddressOptions, RateLimitOptions, RateLimitStorage},
};

use super::{
    stage_with,
    table::{ENDPOINTS, Known},
};
use crate::support::Stage;

/// A stage in production, where the limiter is on.
fn limited(ip_address: IpAddressOptions) -> Stage {
    let advanced = AdvancedOptions { ip_address, ..AdvancedOptions::default() };
    stage_with(|builder| builder.environment(Environment::Production).advanced(advanced))
}

async fn call(stage: &Stage, known: &Known, address: &str) -> u16 {
    // Without body and parameters: what is counted is counted before anything is read.
    stage.call(known.method(), &known.example_path()).header("x-forwarded-for", address).await.status
}

/// How many calls are let through in a row, three at most being asked for by the strictest rules.
async fn through(stage: &Stage, known: &Known, address: &str) -> usize {
    let mut count = 0;
    while count < 101 && call(stage, known, address).await != 429 {
        count += 1;
    }
    count
}

/// How many calls a window has, by the rules that are built in.
fn limit_of(known: &Known) -> usize {
    let starts = ["/sign-in", "/sign-up", "/change-password", "/change-email"];
    let mails = ["/request-password-reset", "/send-verification-email"];
    if starts.iter().any(|start| known.path.starts_with(start)) || mails.contains(&known.path) { 3 } else { 100 }
}

/// Addresses of one client.
const ONE_CLIENT: &[&[&str]] = &[
    &[
        "2001:db8:abcd:12::1",
        "2001:db8:abcd:12::2",
        "2001:DB8:ABCD:0012:ffff:ffff:ffff:ffff",
        "2001:0db8:abcd:0012:0000:0000:0000:0001",
        "2001:db8:abcd:12:0:0:0:7",
        "2001:db8:abcd:12:1.2.3.4::",
    ],
    &["9.9.9.9", "::ffff:9.9.9.9", "::ffff:909:909", "0:0:0:0:0:ffff:9.9.9.9"],
    &["::1", "0:0:0:0:0:0:0:1", "::2"],
    // What names nobody is one client, so that nobody gets out of being counted.
    &[
        "unknown",
        "",
        "9.9.9",
        "1.1.1.1, 2.2.2.2",
        "9.9.9.9:80",
        "[2001:db8::1]:80",
        "fe80::1%eth0",
        "300.1.1.1",
        "09.9.9.9",
    ],
];

#[tokio::test]
async fn every_spelling_of_a_clients_address_has_one_count_on_every_path() {
    for known in ENDPOINTS {
        let stage = limited(IpAddressOptions::default());
        for addresses in ONE_CLIENT {
            let valid = addresses
                .iter()
                .filter(|address| address.parse::<std::net::IpAddr>().is_ok() || addresses[0] == "unknown");
            let mut valid = valid.copied();
            assert_eq!(through(&stage, known, valid.next().unwrap()).await, limit_of(known), "{}", known.path);
            for address in valid {
                assert_eq!(call(&stage, known, address).await, 429, "{} {address}", known.path);
            }
        }
    }
}

#[tokio::test]
async fn other_clients_have_counts_of_their_own() {
    let known = ENDPOINTS.iter().find(|known| known.path == "/sign-in/email").unwrap();
    let stage = limited(IpAddressOptions::default());
    for address in [
        "2001:db8:abcd:12::1",
        "2001:db8:abcd:13::1",
        "2001:db8:abce:12::1",
        "9.9.9.9",
        "9.9.9.8",
        "::9.9.9.9",
        "64:ff9b::909:909",
    ] {
        assert_eq!(through(&stage, known, address).await, 3, "{address}");
    }
}

#[tokio::test]
async fn how_much_of_an_address_counts_can_be_set() {
    let known = ENDPOINTS.iter().find(|known| known.path == "/sign-in/email").unwrap();
    for (bits, same, other) in [
        (48, "2001:db8:abcd:ffff::1", "2001:db8:abce::1"),
        (64, "2001:db8:abcd:0:ffff::1", "2001:db8:abcd:1::1"),
        (128, "2001:db8:abcd:0:0:0:0:1", "2001:db8:abcd::2"),
    ] {
        let stage = limited(IpAddressOptions { ipv6_subnet: Some(bits), ..IpAddressOptions::default() });
        assert_eq!(through(&stage, known, "2001:db8:abcd::1").await, 3);
        assert_eq!((call(&stage, known, same).await, call(&stage, known, other).await == 429), (429, false), "{bits}");
    }
}

#[tokio::test]
async fn behind_proxies_a_client_cannot_choose_its_address() {
    let known = ENDPOINTS.iter().find(|known| known.path == "/sign-in/email").unwrap();
    let trusted_proxies = vec!["10.0.0.0/8".to_owned(), "2001:db8:ffff::/48".to_owned()];
    let stage = limited(IpAddressOptions { trusted_proxies, ..IpAddressOptions::default() });
    assert_eq!(through(&stage, known, "9.9.9.9, 10.0.0.1").await, 3);
    for list in [
        "1.1.1.1, 9.9.9.9, 10.0.0.1",
        "x, 9.9.9.9",
        "::ffff:9.9.9.9, 2001:db8:ffff::1, 10.1.1.1",
        "9.9.9.9, ::ffff:10.0.0.1",
    ] {
        assert_eq!(call(&stage, known, list).await, 429, "{list}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_calls_at_once_no_more_than_the_limit_are_let_through() {
    for storage in [RateLimitStorage::Memory, RateLimitStorage::Database] {
        for known in ENDPOINTS {
            let rate_limit = RateLimitOptions {
                enabled: Some(true),
                max: Some(7),
                storage: Some(storage),
                ..RateLimitOptions::default()
            };
            let stage = Arc::new(stage_with(|builder| builder.rate_limit(rate_limit)));
            let calls = (0..64).map(|number| {
                let stage = Arc::clone(&stage);
                // From as many addresses of one client.
                tokio::spawn(async move { call(&stage, known, &format!("2001:db8:0:1::{number:x}")).await })
            });
            let statuses: Vec<u16> =
                futures_util::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
            let admitted = statuses.iter().filter(|status| **status != 429).count();
            assert_eq!(admitted, limit_of(known).min(7), "{} {storage:?}: {statuses:?}", known.path);
        }
    }
}
