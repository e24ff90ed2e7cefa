//! `/delete-user/callback` (CONTRACT §11.6).

use hallpass::{endpoints::DeleteUserCallback, mail::MailKind};
use serde_json::json;

use super::delete_user::{asking, is_deleted, rows_of};
use crate::support::{Caller, Stage, bare_link, cleared, link, stage, traces};

/// Asks for a deletion; the path of the link in the mail, without base, and without a way back.
async fn asked(stage: &Stage, caller: &Caller) -> String {
    stage.post("/delete-user").by(caller).json(json!({})).await;
    let mail = stage.the_mail(MailKind::DELETE_ACCOUNT).await;
    bare_link(&mail).strip_prefix("/api/auth").unwrap().to_owned()
}

#[tokio::test]
async fn contract_11_6_it_is_not_found_unless_enabled() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let answer = stage.get("/delete-user/callback?token=x").by(&ann).await;
    assert_eq!((answer.status, answer.json()), (404, json!({"message": "Not found", "code": "NOT_FOUND"})));
}

#[tokio::test]
async fn contract_11_6_the_link_deletes_and_sends_on() {
    let stage = asking();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    stage.post("/delete-user").by(&ann).json(json!({"callbackURL": "/bye?x=1#z"})).await;
    let mail = stage.the_mail(MailKind::DELETE_ACCOUNT).await;
    let answer = stage.raw(http::Method::GET, link(&mail)).cookie(ann.cookie()).await;
    assert_eq!((answer.status, answer.text(), answer.header("location")), (302, "", Some("/bye?x=1#z")));
    assert_eq!(answer.traces(), cleared());
    assert_eq!((rows_of(&stage, &ann).await, rows_of(&stage, &bob).await), (0, 3));
    for empty in ["", "&callbackURL="] {
        let path = asked(&stage, &bob).await;
        if empty.is_empty() {
            is_deleted(&stage.get(&path).by(&bob).await);
            stage.caller("bob").await;
        } else {
            is_deleted(&stage.get(&format!("{path}{empty}")).by(&bob).await);
        }
    }
}

#[tokio::test]
async fn contract_11_6_without_a_session_it_is_404_and_the_token_goes_on() {
    let stage = asking();
    let ann = stage.caller("ann").await;
    let path = asked(&stage, &ann).await;
    for next in ["", "&callbackURL=/x"] {
        let answer = stage.get(&format!("{path}{next}")).await;
        assert_eq!((answer.code(), answer.header("location")), ((404, "FAILED_TO_GET_USER_INFO".into()), None));
        assert_eq!(answer.message().1, "Failed to get user info");
    }
    is_deleted(&stage.get(&path).by(&ann).await);
}

#[tokio::test]
async fn contract_11_6_a_bad_token_is_404_also_with_a_way_back() {
    let stage = asking();
    let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
    let path = asked(&stage, &ann).await;
    let refused = (404, "INVALID_TOKEN".to_owned());
    for bad in [
        "/delete-user/callback?token=x",
        "/delete-user/callback?token=",
        "/delete-user/callback?token=x&callbackURL=/x",
    ] {
        let answer = stage.get(bad).by(&ann).await;
        assert_eq!(
            (answer.code(), answer.header("location"), answer.cookies().len()),
            (refused.clone(), None, 0),
            "{bad}"
        );
    }
    assert_eq!(stage.get(&path).by(&bob).await.code(), refused, "somebody else's");
    assert_eq!(stage.get(&path).by(&ann).await.code(), refused, "which is used up by that");
    assert_eq!((rows_of(&stage, &ann).await, rows_of(&stage, &bob).await), (3, 3));
}

#[tokio::test]
async fn contract_2_2_the_token_is_required() {
    let stage = asking();
    let answer = stage.get("/delete-user/callback").await;
    assert_eq!(answer.message(), (400, "[query.token] Invalid input: expected string, received undefined".into()));
}

#[tokio::test]
async fn in_process_a_redirect_is_an_error_with_the_headers() {
    let stage = asking();
    let ann = stage.caller("ann").await;
    let token = asked(&stage, &ann).await.split_once("token=").unwrap().1.to_owned();
    let input = DeleteUserCallback { token: token.clone(), callback_url: Some("/x".into()) };
    assert!(!format!("{input:?}").contains(&token), "a token does not print");
    let sent = stage.auth.api().delete_user_callback(input, &ann.headers()).await.unwrap_err();
    assert_eq!((sent.status().as_u16(), traces(&sent.headers())), (302, cleared().map(String::from).to_vec()));
}
