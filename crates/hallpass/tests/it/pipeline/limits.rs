//! The rate limiter (CONTRACT §10) as clients meet it.

use std::time::Duration;

use hallpass::{
    BuildError, Builder, Environment, RateLimitRule,
    options::{AdvancedOptions, CustomRule, IpAddressOptions, RateLimitOptions, Span},
    plugin::{Plugin, Registrar},
};
use serde_json::json;

use crate::support::{Stage, stage_with};

/// A stage with the limiter on.
fn limited(configure: impl FnOnce(Builder) -> Builder) -> Stage {
    stage_with(|builder| configure(builder.rate_limit(on())))
}

fn on() -> RateLimitOptions {
    RateLimitOptions { enabled: Some(true), ..RateLimitOptions::default() }
}

/// Calls a path until it is refused; how many calls were not.
async fn admitted(stage: &Stage, path: &str, ip: &str) -> usize {
    for count in 0..200 {
        if stage.post(path).header("x-forwarded-for", ip).await.status == 429 {
            return count;
        }
    }
    200
}

#[tokio::test]
async fn the_fourth_sign_in_in_ten_seconds_is_429() {
    let stage = limited(|builder| builder);
    for _ in 0..3 {
        assert_eq!(stage.post("/sign-in/email").json(json!({})).await.status, 400);
    }
    let answer = stage.post("/sign-in/email").json(json!({})).await;
    let expected = json!({"message": "Too many requests. Please try again later."});
    assert_eq!((answer.status, answer.json()), (429, expected));
    assert_eq!((answer.header("x-retry-after"), answer.header("retry-after")), (Some("10"), None));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    stage.clock.advance(Duration::from_millis(9_999));
    let nearly = stage.post("/sign-in/email").json(json!({})).await;
    assert_eq!((nearly.status, nearly.header("x-retry-after")), (429, Some("1")));
    stage.clock.advance(Duration::from_millis(1));
    assert_eq!(stage.post("/sign-in/email").json(json!({})).await.status, 400, "a refusal does not prolong the window");
}

#[tokio::test]
async fn the_window_slides_with_every_accepted_call() {
    let stage = limited(|builder| builder);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(stage.post("/sign-in/email").await.status);
        stage.clock.advance(Duration::from_secs(9));
    }
    assert_eq!(statuses, [400, 400, 400, 429]);
}

#[tokio::test]
async fn unknown_paths_wrong_methods_and_refusals_count_as_well() {
    let max = RateLimitOptions { max: Some(2), ..on() };
    let stage = stage_with(|builder| builder.rate_limit(max));
    let statuses = [
        stage.get("/nowhere").await.status,
        stage.post("/nowhere/").await.status,
        stage.get("/nowhere?x=1").await.status,
    ];
    assert_eq!(statuses, [404, 404, 429], "whatever the method, trailing slash and query");
    let evil = || stage.post("/update-user").header("cookie", "a=1").header("origin", "https://evil.example");
    assert_eq!([evil().await.status, evil().await.status, evil().await.status], [403, 403, 429]);
}

#[tokio::test]
async fn the_limits_that_are_built_in() {
    let stage = limited(|builder| builder);
    for (path, expected) in [
        ("/sign-in/anything", 3),
        ("/sign-up/email", 3),
        ("/change-password", 3),
        ("/change-email", 3),
        ("/request-password-reset", 3),
        ("/send-verification-email", 3),
        ("/forget-password/x", 3),
        ("/get-session", 100),
        ("/nowhere", 100),
    ] {
        assert_eq!(admitted(&stage, path, "9.9.9.9").await, expected, "{path}");
    }
}

#[tokio::test]
async fn every_client_has_a_count_of_its_own_and_unknown_ones_share_one() {
    let stage = limited(|builder| builder.environment(Environment::Production));
    for ip in ["9.9.9.9", "8.8.8.8", "2001:db8:1:1::1", "2001:db8:1:2::1"] {
        assert_eq!(admitted(&stage, "/sign-in/email", ip).await, 3, "{ip}");
    }
    assert_eq!(admitted(&stage, "/sign-in/email", "2001:db8:1:1:ffff::2").await, 0, "one subscriber, one count");
    assert_eq!(admitted(&stage, "/sign-in/email", "::ffff:9.9.9.9").await, 0, "one address, one count");
    assert_eq!(admitted(&stage, "/sign-in/email", "unknown").await, 3);
    assert_eq!(admitted(&stage, "/sign-in/email", "1.1.1.1, 2.2.2.2").await, 0, "a list tells nothing");
}

#[tokio::test]
async fn without_addresses_the_limiter_is_skipped() {
    let ip_address = IpAddressOptions { disable_ip_tracking: true, ..IpAddressOptions::default() };
    let advanced = AdvancedOptions { ip_address, ..AdvancedOptions::default() };
    let stage = limited(|builder| builder.advanced(advanced));
    assert_eq!(admitted(&stage, "/sign-in/email", "9.9.9.9").await, 200);
}

#[tokio::test]
async fn it_is_on_in_production_and_off_in_development() {
    for (environment, expected) in [(Environment::Production, 3), (Environment::Development, 200)] {
        let stage = stage_with(|builder| builder.environment(environment));
        assert_eq!(admitted(&stage, "/sign-in/email", "9.9.9.9").await, expected, "{environment:?}");
    }
}

/// Rules for `/sign-in/…` and for everything else.
struct Rules;

impl Plugin for Rules {
    fn id(&self) -> &'static str {
        "rules"
    }

    fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        let window = Duration::from_secs(30);
        registrar.rate_limit(RateLimitRule::new(|path| path.starts_with("/sign-in/"), window, 5));
        registrar.rate_limit(RateLimitRule::new(|path| path != "/ok", window, 7));
        Ok(())
    }
}

#[tokio::test]
async fn a_plugins_rule_replaces_the_built_in_one_and_its_first_match_counts() {
    let stage = limited(|builder| builder.plugin(Rules));
    for (path, expected) in [("/sign-in/email", 5), ("/sign-up/email", 7), ("/nowhere", 7), ("/ok", 100)] {
        assert_eq!(admitted(&stage, path, "9.9.9.9").await, expected, "{path}");
    }
    let refused = stage.post("/nowhere").header("x-forwarded-for", "9.9.9.9").await;
    assert_eq!(refused.header("x-retry-after"), Some("30"));
}

#[tokio::test]
async fn the_operators_rules_come_last() {
    let custom_rules = [
        ("/sign-in/email", CustomRule::Limit { window: Span::from_secs(60), max: 2 }),
        ("/sign-up/*", CustomRule::Switch(false)),
    ];
    let custom_rules = custom_rules.map(|(path, rule)| (path.to_owned(), rule)).into_iter().collect();
    let options = RateLimitOptions { custom_rules, window: Some(Span::from_secs(5)), max: Some(4), ..on() };
    let stage = stage_with(|builder| builder.plugin(Rules).rate_limit(options));
    for (path, expected) in [("/sign-in/email", 2), ("/sign-up/email", 200), ("/sign-in/x", 5), ("/ok", 4)] {
        assert_eq!(admitted(&stage, path, "9.9.9.9").await, expected, "{path}");
    }
}

#[tokio::test]
async fn calls_in_process_are_not_counted() {
    let stage = limited(|builder| builder);
    for _ in 0..5 {
        let input = hallpass::endpoints::SignInEmail::new("not an address", "x");
        let refusal = stage.auth.api().sign_in_email(input, &http::HeaderMap::new()).await.unwrap_err();
        assert_eq!(refusal.code(), Some("INVALID_EMAIL"));
    }
}
