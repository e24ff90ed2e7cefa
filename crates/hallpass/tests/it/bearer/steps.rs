//! The numbered steps of CONTRACT §8.1, and `require_signature`.

use std::sync::{Arc, Mutex};

use hallpass::{
    Bearer, BuildError,
    plugin::{Flow, Plugin, Registrar, every, hook},
};

use super::{Ann, Bob, Nobody, check, check_on};
use crate::support::{Stage, sign, stage_with};

fn strict() -> Stage {
    stage_with(|builder| builder.plugin(Bearer::new().require_signature(true)))
}

#[tokio::test]
async fn contract_8_1_step_1_only_an_ordinary_space_follows_the_scheme() {
    check(["Bearer\t{raw}", "Bearer\t {raw}", "Bearer,{raw}", "Bearer:{raw}", " Bearer {raw}"], "{bob}", Bob).await;
}

#[tokio::test]
async fn contract_8_1_step_2_an_empty_token_is_nothing() {
    check(["Bearer ", "Bearer     ", "Bearer \t"], "{bob}", Bob).await;
}

#[tokio::test]
async fn contract_8_1_step_3_a_token_with_a_dot_is_never_signed_by_the_server() {
    let stage = stage_with(|builder| builder.plugin(Bearer::new()));
    let ann = stage.caller("ann").await;
    let dotted = stage.session(&ann.id, "with.dot").await;
    assert!(stage.get("/get-session").bearer(&dotted).await.is_untouched_null());
}

#[tokio::test]
async fn contract_8_1_step_3_a_signed_token_is_percent_decoded_once() {
    check(["Bearer {encoded}"], "", Ann).await;
    check(["Bearer {raw}.%25zz", "Bearer %25{signed}"], "", Nobody).await;
}

#[tokio::test]
async fn contract_8_1_step_3_a_raw_token_is_taken_to_the_letter() {
    let stage = stage_with(|builder| builder.plugin(Bearer::new()));
    let ann = stage.caller("ann").await;
    let odd = stage.session(&ann.id, "100%25").await;
    let answer = stage.get("/get-session").bearer(&odd).await;
    assert_eq!(answer.json()["session"]["token"], *odd);
    assert!(stage.get("/get-session").bearer(&odd.replace("%25", "%")).await.is_cleared_null());
}

#[tokio::test]
async fn contract_8_1_step_3_require_signature_ignores_raw_tokens() {
    check_on(&strict(), ["Bearer {raw}", "Bearer unknown", "Bearer {raw}%2Esig"], "", Nobody).await;
}

#[tokio::test]
async fn contract_8_1_step_3_require_signature_leaves_a_cookie_valid_next_to_a_raw_token() {
    check_on(&strict(), ["Bearer {raw}", "Bearer unknown"], "{bob}", Bob).await;
}

#[tokio::test]
async fn contract_8_1_step_3_require_signature_accepts_signed_tokens() {
    check_on(&strict(), ["Bearer {signed}", "bearer {encoded}"], "{bob}", Ann).await;
}

#[tokio::test]
async fn contract_8_1_step_3_require_signature_still_clears_a_dead_signed_token() {
    let stage = strict();
    assert!(stage.get("/get-session").bearer(&sign("nobodys-token")).await.is_cleared_null());
}

#[tokio::test]
async fn contract_8_1_step_4_the_signature_is_that_of_the_text_before_the_first_dot() {
    check(["Bearer {signed}.{signed}", "Bearer {signed}=="], "{bob}", Nobody).await;
    check(["Bearer {raw}.x.{signed}"], "{bob}", Bob).await;
}

#[tokio::test]
async fn contract_8_1_step_4_a_failed_check_leaves_the_request_as_it_was() {
    let seen = cookies_behind_bearer("Bearer tok.forged", "a=1; a=2; bad name=3").await;
    assert_eq!(seen, ["a=1"], "the endpoint's own reader, first of a name, still reads the header");
}

#[tokio::test]
async fn contract_8_1_step_5_other_cookies_stay_and_the_last_of_a_name_wins() {
    let authorization = format!("Bearer {}", sign("tok"));
    let seen = cookies_behind_bearer(&authorization, "a=1; better-auth.session_token=old; a=2; b=x%3Dy").await;
    assert_eq!(seen, ["a=2".to_owned(), "b=x=y".to_owned(), format!("better-auth.session_token={}", sign("tok"))]);
}

#[tokio::test]
async fn contract_8_1_step_5_illegal_names_and_values_are_dropped() {
    let seen = cookies_behind_bearer("Bearer tok", "a=1; bad name=2; c=\\; =3; lonely; d=\"").await;
    assert_eq!(seen, ["a=1".to_owned(), format!("better-auth.session_token={}", sign("tok"))]);
}

#[tokio::test]
async fn contract_8_1_step_5_the_cookie_goes_by_its_configured_name() {
    let stage = stage_with(|builder| {
        builder.plugin(Bearer::new()).advanced(hallpass::options::AdvancedOptions {
            cookie_prefix: Some("app".into()),
            use_secure_cookies: Some(true),
            ..Default::default()
        })
    });
    let ann = stage.caller("ann").await;
    assert_eq!(stage.get("/get-session").by(&ann).await.json()["user"]["name"], "ann");
    let cookie = format!("__Secure-app.session_token={}", ann.signed());
    assert_eq!(stage.get("/get-session").cookie(cookie).await.json()["user"]["name"], "ann");
    assert!(stage.get("/get-session").cookie(ann.cookie()).await.is_untouched_null());
}

/// The cookies `a`, `b`, `c`, `d` and the session's, as whoever comes after the bearer plugin sees them.
async fn cookies_behind_bearer(authorization: &str, cookies: &str) -> Vec<String> {
    let spy = Spy::default();
    let stage = stage_with(|builder| builder.plugin(Bearer::new()).plugin(spy.clone()));
    let answer = stage.get("/ok").header("authorization", authorization).header("cookie", cookies).await;
    assert_eq!(answer.status, 200);
    let seen = spy.0.lock().unwrap();
    seen.clone()
}

#[derive(Clone, Default)]
struct Spy(Arc<Mutex<Vec<String>>>);

impl Plugin for Spy {
    fn id(&self) -> &'static str {
        "spy"
    }

    fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        let seen = Arc::clone(&self.0);
        registrar.before(
            every(),
            hook(move |cx| {
                let cookies = cx.request().cookies();
                let names = ["a", "b", "c", "d", "better-auth.session_token"];
                let pairs = names.iter().filter_map(|name| Some(format!("{name}={}", cookies.get(name)?)));
                *seen.lock().unwrap() = pairs.collect();
                Box::pin(std::future::ready(Ok(Flow::Continue)))
            }),
        );
        Ok(())
    }
}
