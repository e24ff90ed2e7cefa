//! Who a caller is comes from their credential and from nowhere else.

use hallpass_verify::component;
use serde_json::json;

use super::{stage, table::ENDPOINTS};
use crate::support::{Call, Caller, Stage};

/// Names by which a request might say who it is for.
const NAMES: [&str; 12] = [
    "id",
    "userId",
    "user_id",
    "user",
    "ownerId",
    "accountId",
    "sessionId",
    "sub",
    "asUser",
    "impersonate",
    "role",
    "emailVerified",
];

/// A valid request that claims to be Bob's in every way but by a credential.
fn claiming<'a>(stage: &'a Stage, known: &super::table::Known, bob: &Caller) -> Call<'a> {
    let mut more = json!({});
    let mut query = Vec::new();
    for name in NAMES {
        more[name] = bob.id.clone().into();
        query.push(format!("{name}={}", component::encode(&bob.id)));
    }
    more["session"] = json!({"user": {"id": bob.id}, "session": {"userId": bob.id, "token": bob.token}});
    let call = known.call_with(stage, &[], &more).and_query(&query.join("&"));
    [
        "x-user-id",
        "x-user",
        "x-forwarded-user",
        "x-auth-user-id",
        "x-auth-request-user",
        "x-remote-user",
        "remote-user",
        "x-session-token",
    ]
    .iter()
    .fold(call, |call, name| call.header(name, if *name == "x-session-token" { &bob.token } else { &bob.id }))
}

#[tokio::test(start_paused = true)]
async fn without_a_credential_nobody_is_anybody() {
    for known in ENDPOINTS {
        let stage = stage();
        let (_, bob) = (stage.caller("ann").await, stage.caller("bob").await);
        let before = stage.snapshot_of(&bob.id).await;
        let answer = claiming(&stage, known, &bob).await;
        if known.needs_session {
            assert_eq!(answer.code(), (401, "UNAUTHORIZED".into()), "{}", known.path);
        }
        assert_eq!(stage.snapshot_of(&bob.id).await, before, "{}", known.path);
        assert!(!String::from_utf8_lossy(&answer.body).contains("bob"), "{}: {answer:?}", known.path);
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_credential_one_is_oneself() {
    for known in ENDPOINTS {
        let stage = stage();
        let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
        let before = stage.snapshot_of(&bob.id).await;
        for call in [claiming(&stage, known, &bob).by(&ann), claiming(&stage, known, &bob).cookie(ann.cookie())] {
            let answer = call.await;
            assert!(answer.status < 500, "{}: {answer:?}", known.path);
            assert!(!String::from_utf8_lossy(&answer.body).contains("bob"), "{}: {answer:?}", known.path);
            assert_eq!(stage.snapshot_of(&bob.id).await, before, "{}", known.path);
        }
        assert!(stage.mail().await.iter().all(|mail| mail.user.id.as_str() != bob.id), "{}", known.path);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_only_the_servers_to_set_is_not_set() {
    for known in ENDPOINTS.iter().filter(|known| known.is_post()) {
        let stage = stage();
        let ann = stage.caller("ann").await;
        claiming(&stage, known, &ann).by(&ann).await;
        let far = "2099-01-01T00:00:00.000Z";
        let more = json!({"emailVerified": true, "role": "admin", "expiresAt": far, "createdAt": far, "userId": "x", "ipAddress": "1.1.1.1", "password": "password123"});
        known.call_with(&stage, &[], &more).by(&ann).await;
        for row in [stage.rows("user").await, stage.rows("session").await, stage.rows("account").await].concat() {
            let text = format!("{row:?}");
            assert!(
                !text.contains("2099") && !text.contains("admin") && !text.contains("1.1.1.1"),
                "{}: {text}",
                known.path
            );
            assert!(row.get("emailVerified").is_none_or(|it| *it == false.into()), "{}: {text}", known.path);
        }
    }
}
