//! What clients reach the server at, and that a `Host` header decides it only where hosts were allowed (CONTRACT §1.1).

use hallpass::{
    Bearer, Environment, Hallpass,
    options::{AdvancedOptions, AllowedHosts, BaseUrl, BaseUrlProtocol, CrossSubDomainCookies},
    plugin::hook,
};
use http::HeaderValue;
use serde_json::json;

use crate::support::{PASSWORD, Stage, stage_with};

/// A server that repeats its base URL in a header.
fn stage(base_url: impl Into<BaseUrl>, advanced: AdvancedOptions) -> Stage {
    stage_with(|builder| {
        builder.plugin(Bearer::new()).base_url(base_url).advanced(advanced).after(hook(|cx| {
            Box::pin(async move {
                let base = HeaderValue::from_str(&cx.base_url()).unwrap();
                cx.outgoing_mut().set_header(http::HeaderName::from_static("x-base"), base);
                Ok(())
            })
        }))
    })
}

fn hosts(protocol: Option<BaseUrlProtocol>, fallback: Option<&str>) -> AllowedHosts {
    AllowedHosts { allowed_hosts: vec!["*.example.com".into()], fallback: fallback.map(Into::into), protocol }
}

#[tokio::test]
async fn each_request_has_the_base_url_of_its_host() {
    let stage = stage(hosts(Some(BaseUrlProtocol::Https), Some("https://back.test")), AdvancedOptions::default());
    for (host, base) in [
        ("a.example.com", "https://a.example.com/api/auth"),
        ("b.example.com:8443", "https://back.test/api/auth"),
        ("evil.test", "https://back.test/api/auth"),
    ] {
        let answer = stage.get("/ok").header("host", host).await;
        assert_eq!((answer.status, answer.header("x-base")), (200, Some(base)), "{host}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_allowed_is_answered_with_500_where_there_is_no_fallback() {
    let stage = stage(hosts(None, None), AdvancedOptions::default());
    let answer = stage.get("/ok").header("host", "evil.test").await;
    assert_eq!((answer.status, answer.text(), answer.header("content-type")), (500, "", None));
    assert_eq!(stage.get("/ok").header("host", "a.example.com").await.status, 200);
    assert!(stage.auth.api().get_session(&http::HeaderMap::new()).await.is_err(), "a call in process names no host");
}

#[tokio::test]
async fn a_host_header_never_changes_configuration() {
    for secure in [None, Some(false)] {
        let advanced =
            AdvancedOptions { trusted_proxy_headers: true, use_secure_cookies: secure, ..Default::default() };
        let stage = stage("https://one.test", advanced);
        let body = json!({"name": "x", "email": "x@example.com", "password": PASSWORD});
        let answer = stage
            .post("/sign-up/email")
            .header("host", "evil.test")
            .header("x-forwarded-host", "evil.test")
            .header("x-forwarded-proto", "http")
            .json(body)
            .await;
        assert_eq!(answer.header("x-base"), Some("https://one.test/api/auth"));
        let cookie = answer.header("set-cookie").unwrap();
        assert_eq!(cookie.starts_with("__Secure-"), secure.is_none(), "{cookie}");
        let evil = stage.post("/sign-out").header("host", "evil.test").header("cookie", "a=b");
        assert_eq!(evil.header("origin", "https://evil.test").await.status, 403);
    }
}

#[tokio::test]
async fn pages_of_allowed_hosts_are_trusted_and_no_others() {
    let stage = stage(hosts(None, Some("https://back.test")), AdvancedOptions::default());
    for (origin, status) in [
        ("https://a.example.com", 200),
        ("https://b.example.com", 200),
        ("https://back.test", 200),
        ("http://a.example.com", 403),
        ("https://evil.test", 403),
    ] {
        let answer = stage.post("/sign-out").header("host", "a.example.com").header("cookie", "a=b");
        assert_eq!(answer.header("origin", origin).await.status, status, "{origin}");
    }
}

#[tokio::test]
async fn cookies_shared_with_subdomains_are_those_of_the_host() {
    let cross = CrossSubDomainCookies { enabled: true, domain: None };
    let advanced = AdvancedOptions { cross_sub_domain_cookies: cross, ..AdvancedOptions::default() };
    let stage = stage(hosts(None, None), advanced);
    let body = json!({"name": "x", "email": "x@example.com", "password": PASSWORD});
    let call = stage.post("/sign-up/email").header("host", "a.example.com:80").header("x-forwarded-proto", "https");
    let refused = call.json(body.clone()).await;
    assert_eq!(refused.status, 500, "the port is part of the host");
    let call = stage.post("/sign-up/email").header("host", "a.example.com").header("x-forwarded-proto", "https");
    let answer = call.json(body).await;
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Secure-") && cookie.contains("Domain=a.example.com;"), "{cookie}");
    let own = cookie.split(';').next().unwrap();
    let found = stage.get("/get-session").header("host", "a.example.com").header("x-forwarded-proto", "https");
    assert_ne!(found.header("cookie", own).await.text(), "null");
    let plain = stage.get("/get-session").header("host", "a.example.com").header("cookie", own).await;
    assert_eq!(plain.text(), "null", "without TLS the cookie has another name");
}

#[tokio::test]
async fn origins_can_depend_on_the_request() {
    let stage = stage_with(|builder| {
        builder.trusted_origins_for(|request| {
            request.header("x-tenant").map(|tenant| format!("https://{tenant}.test")).into_iter().collect()
        })
    });
    for (tenant, origin, status) in
        [("a", "https://a.test", 200), ("b", "https://a.test", 403), ("a", "http://localhost:3000", 200)]
    {
        let call = stage.post("/sign-out").header("x-tenant", tenant).header("cookie", "x=y");
        assert_eq!(call.header("origin", origin).await.status, status, "{tenant} {origin}");
    }
}

#[test]
fn hosts_that_make_no_sense_stop_the_start() {
    let refused = |hosts: AllowedHosts| {
        let builder = Hallpass::builder().secret("a secret of at least thirty-two characters").base_url(hosts);
        let built = builder.environment(Environment::Production).store(hallpass::store::MemoryStore::new()).build();
        built.unwrap_err().to_string()
    };
    assert!(refused(AllowedHosts::default()).starts_with("base_url.allowed_hosts"));
    assert!(refused(hosts(None, Some("ftp://x"))).starts_with("base_url.fallback"));
    assert!(refused(hosts(None, Some("https://x/elsewhere"))).starts_with("base_url.fallback"));
}
