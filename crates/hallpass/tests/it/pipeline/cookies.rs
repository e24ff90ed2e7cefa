//! Names, attributes and signatures of cookies (CONTRACT §4).

use hallpass::{
    Bearer,
    cookie::SameSite,
    options::{AdvancedOptions, CookieAttributeOptions, CookieOptions, CrossSubDomainCookies},
};
use hallpass::{
    Environment,
    options::{SessionOptions, Span},
};
use serde_json::json;

use crate::support::{Stage, cookie, sign, stage, stage_with};

/// The session cookie that an answer sets for Ann, without name and value.
async fn attributes(stage: &Stage) -> (String, String) {
    let ann = stage.caller("ann").await;
    let answer = stage.post("/update-user").by(&ann).json(json!({"name": "Anna"})).await;
    let (name, rest) = answer.cookies()[0].split_once('=').unwrap();
    (name.to_owned(), rest.split_once("; ").unwrap().1.to_owned())
}

fn with(advanced: AdvancedOptions) -> Stage {
    stage_with(|builder| builder.plugin(Bearer::new()).advanced(advanced))
}

#[tokio::test]
async fn contract_4_1_a_cookie_is_written_to_the_letter() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = stage.post("/update-user").by(&ann).json(json!({"name": "Anna"})).await;
    assert_eq!(answer.cookies(), [format!("{}; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax", ann.cookie())]);
    let cleared = stage.post("/sign-out").await;
    let attributes = "=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax";
    let names = ["session_token", "session_data", "dont_remember"];
    assert_eq!(cleared.cookies(), names.map(|name| format!("better-auth.{name}{attributes}")));
}

#[tokio::test]
async fn contract_4_2_a_cookie_with_an_unencoded_signature_is_accepted_too() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for value in [ann.signed(), format!("\"{}\"", ann.signed()), format!(" {} ", ann.signed())] {
        let answer = stage.get("/get-session").cookie(format!("better-auth.session_token={value}")).await;
        assert_eq!(answer.json()["user"]["name"], "ann", "{value:?}");
    }
    let dead = stage.get("/get-session").cookie(cookie(&sign("nobodys-token"))).await;
    assert!(dead.is_cleared_null());
}

#[tokio::test]
async fn contract_4_1_cookies_are_secure_when_the_deployment_is() {
    for (url, environment, secure) in [
        ("https://api.example.com", Environment::Development, true),
        ("http://api.example.com", Environment::Production, false),
        ("", Environment::Production, true),
        ("", Environment::Development, false),
    ] {
        let stage = stage_with(|builder| builder.plugin(Bearer::new()).base_url(url).environment(environment));
        let (name, attributes) = attributes(&stage).await;
        assert_eq!(name, format!("{}better-auth.session_token", if secure { "__Secure-" } else { "" }));
        let expected = if secure { "; HttpOnly; Secure; SameSite=Lax" } else { "; HttpOnly; SameSite=Lax" };
        assert_eq!(attributes, format!("Max-Age=604800; Path=/{expected}"));
    }
}

#[tokio::test]
async fn contract_4_1_names_and_attributes_can_be_set_and_the_last_layer_wins() {
    let own = CookieOptions {
        name: Some("sid".into()),
        attributes: CookieAttributeOptions {
            same_site: Some(SameSite::None),
            path: Some("/auth".into()),
            ..Default::default()
        },
    };
    let defaults = CookieAttributeOptions { path: Some("/x".into()), http_only: Some(false), ..Default::default() };
    let stage = with(AdvancedOptions {
        cookie_prefix: Some("app".into()),
        cookies: [("session_token".to_owned(), own)].into_iter().collect(),
        default_cookie_attributes: defaults,
        cross_sub_domain_cookies: CrossSubDomainCookies { enabled: true, domain: Some("example.com".into()) },
        ..AdvancedOptions::default()
    });
    let (name, attributes) = attributes(&stage).await;
    assert_eq!(
        (&*name, &*attributes),
        ("sid", "Max-Age=604800; Domain=example.com; Path=/auth; Secure; SameSite=None")
    );
    let cleared = stage.post("/sign-out").await;
    let expected = "app.session_data=; Max-Age=0; Domain=example.com; Path=/x; SameSite=Lax";
    assert_eq!(cleared.cookies()[1], expected, "what is cleared is cleared with its own attributes");
}

#[tokio::test]
async fn contract_4_1_without_a_domain_of_its_own_the_base_urls_host_is_shared() {
    let cross_sub_domain_cookies = CrossSubDomainCookies { enabled: true, domain: None };
    let (_, attributes) = attributes(&with(AdvancedOptions { cross_sub_domain_cookies, ..Default::default() })).await;
    assert_eq!(attributes, "Max-Age=604800; Domain=localhost; Path=/; HttpOnly; SameSite=Lax");
}

#[test]
fn contract_4_1_a_life_beyond_400_days_stops_the_start() {
    for (seconds, fits) in [(34_560_000, true), (34_560_001, false)] {
        let session = SessionOptions { expires_in: Some(Span::from_secs(seconds)), ..SessionOptions::default() };
        let builder = hallpass::Hallpass::builder().secret(crate::support::SECRET);
        let build = builder.store(hallpass::store::MemoryStore::new()).session(session).build();
        assert_eq!(build.is_ok(), fits, "{seconds}");
    }
}
