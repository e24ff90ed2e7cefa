//! Origin, CSRF and redirect checks (CONTRACT §9).

use hallpass::{
    Builder,
    options::{AdvancedOptions, DisableOriginCheck},
};
use serde_json::json;

use crate::support::{Stage, stage, stage_with};

type Lines<'a> = &'a [(&'a str, &'a str)];

/// What a request with these lines is answered; `/sign-out` succeeds for everybody who gets through.
async fn sign_out(stage: &Stage, lines: Lines<'_>) -> String {
    outcome(stage.post("/sign-out"), lines).await
}

/// The same for the form check, which lets through to a 401.
async fn sign_in(stage: &Stage, lines: Lines<'_>) -> String {
    let body = json!({"email": "nobody@example.com", "password": "password123"});
    outcome(stage.post("/sign-in/email").json(body), lines).await
}

async fn outcome(call: crate::support::Call<'_>, lines: Lines<'_>) -> String {
    let answer = lines.iter().fold(call, |call, (name, value)| call.header(name, value)).await;
    match answer.status {
        200 | 401 => "through".into(),
        status => format!("{status} {}", answer.json()["code"].as_str().unwrap_or("-")),
    }
}

fn advanced(options: AdvancedOptions) -> Stage {
    stage_with(|builder| builder.advanced(options))
}

#[tokio::test]
async fn contract_9_1_a_request_with_cookies_names_a_trusted_origin() {
    let stage = stage_with(|builder| builder.trusted_origins(["https://app.example.com", "https://*.wild.example"]));
    let cookie = ("cookie", "any=thing");
    for (lines, expected) in [
        (&[][..], "through"),
        (&[("origin", "https://evil.example")], "through"),
        (&[cookie, ("origin", "http://localhost:3000")], "through"),
        (&[cookie, ("origin", "https://app.example.com")], "through"),
        (&[cookie, ("origin", "https://a.b.wild.example")], "through"),
        (&[cookie, ("referer", "https://app.example.com/page?x=1")], "through"),
        (&[cookie, ("origin", "http://app.example.com")], "403 INVALID_ORIGIN"),
        (&[cookie, ("origin", "http://localhost:3001")], "403 INVALID_ORIGIN"),
        (&[cookie, ("origin", "/")], "403 INVALID_ORIGIN"),
        (&[cookie, ("origin", "https://evil.example"), ("referer", "https://app.example.com")], "403 INVALID_ORIGIN"),
        (&[cookie], "403 MISSING_OR_NULL_ORIGIN"),
        (&[cookie, ("origin", "null")], "403 MISSING_OR_NULL_ORIGIN"),
        (&[cookie, ("origin", ""), ("referer", "")], "403 MISSING_OR_NULL_ORIGIN"),
        (&[("cookie", "")], "403 MISSING_OR_NULL_ORIGIN"),
    ] {
        assert_eq!(sign_out(&stage, lines).await, expected, "{lines:?}");
    }
}

#[tokio::test]
async fn contract_9_1_a_null_origin_of_our_own_page_is_our_own_origin() {
    let lines = [("cookie", "a=1"), ("origin", "null"), ("sec-fetch-site", "same-origin"), ("host", "localhost:3000")];
    assert_eq!(sign_out(&stage(), &lines).await, "through");
    let foreign = [("cookie", "a=1"), ("origin", "null"), ("sec-fetch-site", "cross-site"), ("host", "localhost:3000")];
    assert_eq!(sign_out(&stage(), &foreign).await, "403 MISSING_OR_NULL_ORIGIN");
}

#[tokio::test]
async fn contract_9_1_a_get_is_not_checked() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let call = stage.get("/get-session").header("cookie", ann.cookie()).header("origin", "https://evil.example");
    assert_eq!(call.await.json()["user"]["name"], "ann");
}

#[tokio::test]
async fn contract_9_1_redirect_targets_are_checked_on_every_post() {
    let stage = stage();
    for (field, code) in [
        ("callbackURL", "INVALID_CALLBACK_URL"),
        ("redirectTo", "INVALID_REDIRECT_URL"),
        ("errorCallbackURL", "INVALID_ERROR_CALLBACK_URL"),
        ("newUserCallbackURL", "INVALID_NEW_USER_CALLBACK_URL"),
    ] {
        for path in ["/sign-out", "/revoke-sessions", "/update-user"] {
            let answer = stage.post(path).json(json!({field: "https://evil.example"})).await;
            assert_eq!(answer.code(), (403, code.into()), "{path}");
        }
        let label = field.replace("redirectTo", "redirectURL");
        for wrong in [json!(7), json!(true), json!(["/x"]), json!({})] {
            let answer = stage.post("/sign-out").json(json!({field: wrong})).await;
            assert_eq!(
                answer.json(),
                json!({"message": format!("Invalid {label}: expected a string")}),
                "{field} {wrong}"
            );
            assert_eq!(answer.status, 400);
        }
        for good in [json!(""), json!("/x?y=1#z"), json!("http://localhost:3000/x"), json!(0), json!(false)] {
            assert_ne!(stage.post("/revoke-sessions").json(json!({field: good})).await.status, 403, "{field} {good}");
        }
    }
}

#[tokio::test]
async fn contract_9_1_a_callback_in_the_query_counts_where_the_body_has_none() {
    let stage = stage();
    let evil = "/sign-out?callbackURL=https%3A%2F%2Fevil.example";
    assert_eq!(stage.post(evil).await.code(), (403, "INVALID_CALLBACK_URL".into()));
    assert_eq!(stage.post(evil).json(json!({"callbackURL": "/fine"})).await.status, 200, "the body comes first");
    assert_eq!(stage.post("/sign-out?callbackURL=/a&callbackURL=/b").await.status, 400, "twice is a list");
}

#[tokio::test]
async fn contract_9_4_relative_targets_that_lead_elsewhere_are_refused() {
    let stage = stage();
    for target in ["//evil.example", "/\\evil.example", "/%2Fevil", "/%5cevil", "/x\n", "dash", "javascript:alert(1)"] {
        let answer = stage.post("/sign-out").json(json!({"callbackURL": target})).await;
        assert_eq!(answer.code(), (403, "INVALID_CALLBACK_URL".into()), "{target:?}");
    }
}

#[tokio::test]
async fn contract_9_2_forms_that_sign_in_are_checked_without_cookies_too() {
    let stage = stage();
    let good = ("origin", "http://localhost:3000");
    let evil = ("origin", "https://evil.example");
    let navigates = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    for (lines, expected) in [
        (&[][..], "through"),
        (&[good], "through"),
        (&[evil], "403 INVALID_ORIGIN"),
        (&[("referer", "https://evil.example/x")], "403 INVALID_ORIGIN"),
        (&[("origin", "null")], "403 MISSING_OR_NULL_ORIGIN"),
        (&[("sec-fetch-mode", "cors")], "403 MISSING_OR_NULL_ORIGIN"),
        (&[("sec-fetch-dest", "empty")], "403 MISSING_OR_NULL_ORIGIN"),
        (&[("sec-fetch-mode", "cors"), good], "through"),
        (&[("sec-fetch-mode", " ")], "through"),
        (&[("sec-fetch-site", "cross-site"), good], "through"),
        (&navigates, "403 CROSS_SITE_NAVIGATION_LOGIN_BLOCKED"),
        (&[navigates[0], navigates[1], good], "403 CROSS_SITE_NAVIGATION_LOGIN_BLOCKED"),
        (&[("cookie", "a=1"), good], "through"),
        (&[("cookie", "a=1"), navigates[0], navigates[1], good], "through"),
        (&[("cookie", "a=1")], "403 MISSING_OR_NULL_ORIGIN"),
    ] {
        assert_eq!(sign_in(&stage, lines).await, expected, "{lines:?}");
    }
}

#[tokio::test]
async fn contract_9_1_the_checks_can_be_switched_off_apart_and_together() {
    let (evil, redirect) =
        ([("cookie", "a=1"), ("origin", "https://evil.example")], "/sign-out?callbackURL=https://evil.example");
    let csrf = |disable_csrf_check| AdvancedOptions { disable_csrf_check, ..AdvancedOptions::default() };
    let origin = |check| AdvancedOptions { disable_origin_check: Some(check), ..AdvancedOptions::default() };
    let everywhere = || DisableOriginCheck::Everywhere(true);
    let paths = |path: &str| DisableOriginCheck::Paths(vec![path.into()]);
    for (options, evil_passes, redirect_passes) in [
        (AdvancedOptions::default(), false, false),
        (csrf(Some(true)), true, false),
        (origin(everywhere()), true, true),
        (origin(DisableOriginCheck::Everywhere(false)), false, false),
        (origin(paths("/sign-out")), true, true),
        (origin(paths("/sign-out/")), true, true),
        (origin(paths("/sign")), false, false),
        (origin(paths("/other")), false, false),
    ] {
        let stage = advanced(options.clone());
        assert_eq!(sign_out(&stage, &evil).await == "through", evil_passes, "{options:?}");
        assert_eq!(stage.post(redirect).await.status == 200, redirect_passes, "{options:?}");
    }
}

#[tokio::test]
async fn without_a_base_url_a_requests_own_host_is_trusted() {
    let own = |builder: Builder| builder.base_url("");
    let stage = stage_with(own);
    let from = |host, origin| [("cookie", "a=1"), ("host", host), ("origin", origin)];
    for (host, origin, expected) in [
        ("api.example.com", "http://api.example.com", "through"),
        ("api.example.com:8080", "http://api.example.com:8080", "through"),
        ("api.example.com", "http://evil.example", "403 INVALID_ORIGIN"),
        ("api.example.com", "http://api.example.com:8080", "403 INVALID_ORIGIN"),
    ] {
        assert_eq!(sign_out(&stage, &from(host, origin)).await, expected, "{host} {origin}");
    }
    let forwarded = |stage: Stage, expected: &'static str| async move {
        let [cookie, host, origin] = from("inner", "https://outer.example");
        let lines = [cookie, host, origin, ("x-forwarded-host", "outer.example"), ("x-forwarded-proto", "https")];
        assert_eq!(sign_out(&stage, &lines).await, expected);
    };
    forwarded(stage_with(own), "403 INVALID_ORIGIN").await;
    let trusts = AdvancedOptions { trusted_proxy_headers: true, ..AdvancedOptions::default() };
    forwarded(stage_with(|builder| own(builder).advanced(trusts)), "through").await;
}

#[tokio::test]
async fn calls_in_process_are_not_checked() {
    let stage = stage();
    let evil = crate::support::headers([("cookie", "a=1".into()), ("origin", "https://evil.example".into())]);
    assert!(stage.auth.api().sign_out(hallpass::endpoints::SignOut::default(), &evil).await.unwrap().success);
    let input = hallpass::endpoints::SignInEmail::new("nobody@example.com", "x");
    assert_eq!(stage.auth.api().sign_in_email(input, &evil).await.unwrap_err().status(), 401);
}
