//! `set-auth-token` (CONTRACT §8.2): who gets it, and who does not.

use std::time::Duration;

use hallpass::{
    Bearer, BuildError,
    options::{EmailAndPassword, SessionOptions, Span},
    plugin::{Plugin, Registrar, every, hook},
};
use http::{HeaderValue, header::ACCESS_CONTROL_EXPOSE_HEADERS};
use serde_json::json;

use crate::{
    routes::with_fields,
    support::{Answer, Caller, DAY, PASSWORD, Stage, sign, stage, stage_with},
};

/// A stage on which Ann's session is due for a refresh.
async fn due() -> (Stage, Caller) {
    let stage = stage_with(|builder| {
        let update_age = Some(Span::from_secs(0));
        builder.plugin(Bearer::new()).session(SessionOptions { update_age, ..SessionOptions::default() })
    });
    let ann = stage.caller("ann").await;
    (stage, ann)
}

/// The answer hands out this session's token, signed and not encoded, and lets browsers read it.
fn hands_out(answer: &Answer, token: &str) {
    assert_eq!(answer.set_auth_token(), Some(&*sign(token)), "{answer:?}");
    assert_eq!(answer.header("access-control-expose-headers"), Some("set-auth-token"), "{answer:?}");
}

fn hands_out_nothing(answer: &Answer) {
    assert_eq!(answer.set_auth_token(), None, "{answer:?}");
    assert_eq!(answer.header("access-control-expose-headers"), None, "{answer:?}");
}

async fn sign_up(stage: &Stage) -> Answer {
    stage.post("/sign-up/email").json(json!({"name": "New", "email": "new@example.com", "password": PASSWORD})).await
}

#[tokio::test]
async fn contract_8_2_sign_up_hands_out_the_token_of_its_body_signed() {
    let answer = sign_up(&stage()).await;
    hands_out(&answer, answer.json()["token"].as_str().unwrap());
}

#[tokio::test]
async fn contract_8_2_the_header_is_percent_decoded_and_the_cookie_is_not() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = stage.post("/update-user").by(&ann).json(json!({"name": "Anna"})).await;
    let (decoded, cookie) = (answer.set_auth_token().unwrap(), answer.cookies()[0]);
    assert!(decoded.ends_with('=') && cookie.contains("%3D;"), "{decoded} {cookie}");
    assert!(cookie.starts_with(&ann.cookie()), "{cookie}");
}

#[tokio::test]
async fn contract_8_2_sign_in_hands_it_out() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = stage.post("/sign-in/email").json(json!({"email": ann.email, "password": PASSWORD})).await;
    hands_out(&answer, answer.json()["token"].as_str().unwrap());
}

#[tokio::test]
async fn contract_8_2_get_session_hands_the_same_token_out_when_it_refreshed() {
    let (stage, ann) = due().await;
    hands_out(&stage.get("/get-session").by(&ann).await, &ann.token);
}

#[tokio::test]
async fn contract_8_2_and_1_4_every_session_requirement_hands_it_out_when_it_refreshed() {
    for (path, body) in [
        ("/list-sessions", None),
        ("/list-accounts", None),
        ("/revoke-other-sessions", Some(json!({}))),
        ("/revoke-session", Some(json!({"token": "another"}))),
        ("/verify-password", Some(json!({"password": PASSWORD}))),
    ] {
        let (stage, ann) = due().await;
        let call = match body {
            None => stage.get(path),
            Some(body) => stage.post(path).json(body),
        };
        let answer = call.by(&ann).await;
        assert_eq!((answer.status, answer.traces()), (200, vec!["session_token".into()]), "{path}");
        hands_out(&answer, &ann.token);
    }
}

#[tokio::test]
async fn contract_8_2_update_user_and_update_session_hand_it_out() {
    for (path, body) in [("/update-user", json!({"name": "Anna"})), ("/update-session", json!({"theme": "dark"}))] {
        let stage = with_fields();
        let ann = stage.caller("ann").await;
        hands_out(&stage.post(path).by(&ann).json(body).await, &ann.token);
    }
}

#[tokio::test]
async fn contract_8_2_change_password_hands_it_out_with_revocation_alone() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let change = |revoke| json!({"newPassword": PASSWORD, "currentPassword": PASSWORD, "revokeOtherSessions": revoke});
    hands_out_nothing(&stage.post("/change-password").by(&ann).json(change(false)).await);
    let answer = stage.post("/change-password").by(&ann).json(change(true)).await;
    hands_out(&answer, answer.json()["token"].as_str().unwrap());
    assert_ne!(answer.json()["token"], ann.token);
}

#[tokio::test]
async fn contract_8_2_of_several_session_cookies_the_last_counts() {
    let (stage, ann) = due().await;
    let change = json!({"newPassword": PASSWORD, "currentPassword": PASSWORD, "revokeOtherSessions": true});
    let answer = stage.post("/change-password").by(&ann).json(change).await;
    assert_eq!(answer.traces(), ["session_token", "session_token"], "the refreshed one and the new one");
    assert!(answer.cookies()[0].starts_with(&ann.cookie()));
    hands_out(&answer, answer.json()["token"].as_str().unwrap());
}

#[tokio::test]
async fn contract_8_2_nothing_is_handed_out_where_no_session_cookie_is_set() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    for path in ["/get-session", "/list-sessions", "/list-accounts", "/ok"] {
        hands_out_nothing(&stage.get(path).by(&ann).await);
    }
    for path in ["/revoke-other-sessions", "/verify-password", "/update-user", "/nowhere"] {
        let body = json!({"password": "wrong"});
        hands_out_nothing(&stage.post(path).by(&ann).json(body).await);
    }
}

#[tokio::test]
async fn contract_8_2_an_error_hands_out_what_a_refresh_before_it_has_set_and_nothing_else() {
    let (stage, ann) = due().await;
    let refused = stage.post("/verify-password").by(&ann).json(json!({"password": "wrong"})).await;
    assert_eq!(refused.code(), (400, "INVALID_PASSWORD".into()));
    hands_out(&refused, &ann.token);
    hands_out_nothing(&stage.post("/verify-password").by(&ann).json(json!({})).await);
    hands_out_nothing(&stage.post("/update-user").json(json!({"name": "x"})).await);
}

#[tokio::test]
async fn contract_8_2_nothing_is_handed_out_with_the_end_of_a_session() {
    for path in ["/sign-out", "/revoke-sessions"] {
        let (stage, ann) = due().await;
        let answer = stage.post(path).by(&ann).await;
        assert_eq!((answer.status, answer.traces().len()), (200, 3), "{path}");
        hands_out_nothing(&answer);
    }
    let (stage, ann) = due().await;
    hands_out_nothing(&stage.post("/revoke-session").by(&ann).json(json!({"token": ann.token})).await);
    hands_out_nothing(&stage.get("/get-session").bearer("unknown").await);
    hands_out_nothing(&stage.get("/list-sessions").bearer("unknown").await);
}

#[tokio::test]
async fn contract_8_2_nothing_is_handed_out_by_a_sign_up_that_signs_nobody_in() {
    let stage = stage_with(|builder| {
        let options = EmailAndPassword { auto_sign_in: false, ..EmailAndPassword::default() };
        builder.plugin(Bearer::new()).email_and_password(options)
    });
    let answer = sign_up(&stage).await;
    assert_eq!((answer.status, &answer.json()["token"]), (200, &json!(null)));
    hands_out_nothing(&answer);
}

#[tokio::test]
async fn contract_8_2_both_forms_work_as_credentials_afterwards() {
    let stage = stage();
    let answer = sign_up(&stage).await;
    for token in [answer.set_auth_token().unwrap(), answer.json()["token"].as_str().unwrap()] {
        assert_eq!(stage.get("/get-session").bearer(token).await.json()["user"]["name"], "New");
    }
}

#[tokio::test]
async fn contract_8_2_where_signatures_are_required_only_the_headers_form_works() {
    let stage = stage_with(|builder| builder.plugin(Bearer::new().require_signature(true)));
    let answer = sign_up(&stage).await;
    let signed = stage.get("/get-session").bearer(answer.set_auth_token().unwrap()).await;
    assert_eq!(signed.json()["user"]["name"], "New");
    assert!(stage.get("/get-session").bearer(answer.json()["token"].as_str().unwrap()).await.is_untouched_null());
}

#[tokio::test]
async fn contract_8_2_a_cookie_client_gets_the_header_too() {
    let (stage, ann) = due().await;
    hands_out(&stage.get("/get-session").cookie(ann.cookie()).await, &ann.token);
}

/// Exposes a header after every endpoint.
struct Exposes(&'static str, &'static str);

impl Plugin for Exposes {
    fn id(&self) -> &'static str {
        self.0
    }

    fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        registrar.after(every(), expose(self.1));
        Ok(())
    }
}

fn expose(names: &'static str) -> hallpass::plugin::AfterHook {
    hook(move |cx| {
        cx.outgoing_mut().set_header(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(names));
        Box::pin(std::future::ready(Ok(())))
    })
}

#[tokio::test]
async fn contract_8_2_names_exposed_by_others_stay_exposed() {
    let stage = stage_with(|builder| {
        builder.after(expose("x-mine, X-Shared")).plugin(Bearer::new()).plugin(Exposes("late", "x-shared,x-late"))
    });
    let ann = stage.caller("ann").await;
    let handed = stage.post("/update-user").by(&ann).json(json!({"name": "Anna"})).await;
    let exposed = handed.header("access-control-expose-headers");
    assert_eq!(exposed, Some("x-mine, X-Shared, set-auth-token, x-late"));
    let plain = stage.get("/ok").await;
    assert_eq!(plain.header("access-control-expose-headers"), Some("x-mine, X-Shared, x-late"));
}

#[tokio::test]
async fn contract_8_2_a_name_already_exposed_is_not_repeated() {
    let stage = stage_with(|builder| builder.after(expose("Set-Auth-Token")).plugin(Bearer::new()));
    let ann = stage.caller("ann").await;
    stage.clock.advance(DAY + Duration::from_millis(1));
    let answer = stage.get("/get-session").by(&ann).await;
    assert_eq!(answer.header("access-control-expose-headers"), Some("Set-Auth-Token"));
    assert!(answer.set_auth_token().is_some());
}
